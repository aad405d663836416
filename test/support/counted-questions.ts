// Questions about the minutes of one entity, of any kind, and their answers by the use case.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { FakeAws } from '../../fake-aws/aws.ts';
import { isCovered } from '../../lambdas/core/compaction.ts';
import { parseSegmentId, type SegmentId } from '../../lambdas/core/identifiers.ts';
import { LEVELS, type Retentions } from '../../lambdas/core/level.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { NO_WATERMARK, type Watermark } from '../../lambdas/core/watermark.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { type CountQuery, parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import {
  type QueryPorts,
  type QuerySettings,
  type ReadCounts,
  readCounts,
} from '../../lambdas/query/read-counts.ts';
import type { CountStore } from '../../lambdas/query/read-sums.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { type Minutes, playWorld, type Step, script, type World } from './counted-world.ts';
import { clockIn } from './intl-clock.ts';

export const ZONES = [
  'UTC',
  'Europe/Berlin',
  'Europe/London',
  'America/St_Johns',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/Santiago',
];
export const NOW_MS = Date.parse('2026-11-22T05:07:30Z');
export const DAYS = 420;
export const ACCEPT_PAST_MS = 2 * DAY_MS;
export const FOREVER: Retentions = { hours: undefined, days: undefined, months: undefined, all: undefined };
export const ENTITIES = ['/a', '/b', '/c', '/d', '/e', '/f', '/g', '/h'];

export const minuteWithin = (days: number) =>
  fc.integer({ min: 0, max: days * 24 * 60 }).map((ago) => NOW_MS - 30_000 - ago * MINUTE_MS);
/** Half of the events are about `/a`, and the rest are in the same blocks. */
export const minutes: fc.Arbitrary<Minutes> = fc.array(
  fc.tuple(
    fc.oneof(minuteWithin(DAYS), minuteWithin(6), minuteWithin(1)),
    fc.bigInt({ min: -9n, max: 9n }),
    fc.oneof(fc.constant('/a'), fc.constantFrom(...ENTITIES)),
  ),
  { maxLength: 100, size: 'max' },
);
export const retentions: fc.Arbitrary<Retentions> = fc
  .tuple(
    fc.integer({ min: 10, max: 120 }),
    fc.integer({ min: 10, max: 200 }),
    fc.integer({ min: 40, max: 300 }),
  )
  .map(([hours, more, most]) => ({
    hours: hours * DAY_MS,
    days: (hours + more) * DAY_MS,
    months: (hours + more + most) * DAY_MS,
    all: undefined,
  }));

/** A world at the time of asking. */
export interface Counted extends World {
  readonly throughMs: number;
  /** Events that happened before this are accepted no more; `ACCEPT_PAST_MS` before `throughMs` by default. */
  readonly acceptedFromMs?: number;
  readonly nowMs: number;
}

export const counted: fc.Arbitrary<Counted> = fc.record({
  minutes,
  script,
  retentions: fc.oneof(fc.constant(FOREVER), retentions),
  startMs: fc.nat(9).map((days) => NOW_MS - days * DAY_MS),
  throughMs: fc.nat(3000).map((behind) => NOW_MS - behind * MINUTE_MS),
  nowMs: fc.constant(NOW_MS),
});

/** Nothing is counted, and all of it a moment ago. */
export const EMPTY: Counted = {
  ...{ minutes: [], script: [], retentions: FOREVER, startMs: NOW_MS },
  ...{ throughMs: NOW_MS - 60_000, nowMs: NOW_MS },
};

const stores = new WeakMap<World, Promise<QueryPorts>>();

/** The query's ports over a world, which is played once, on an AWS in memory. */
export function portsOf(world: Counted): Promise<QueryPorts> {
  const played = stores.get(world) ?? play(world).then(({ ports }) => ports);
  stores.set(world, played);
  return played;
}

/** Plays a world on a new AWS. @returns the query's ports over it, and what plays further steps */
export async function play(
  world: Counted,
): Promise<{ ports: QueryPorts; more: (step: Step) => Promise<void> }> {
  const clock = { nowMs: () => world.nowMs };
  const { dynamoDb } = new FakeAws({ clock });
  for (const name of ['ledger', 'counts']) dynamoDb.addTable(name, { ttl: 'expiresAt' });
  const counts = new StoreTable(dynamoDb.client(), 'counts', clock);
  const state = new CompactionStateTable(dynamoDb.client(), 'ledger');
  const more = await playWorld(world, counts, state);
  const heads = await state.readState();
  // A delta may expire as soon as every level has it.
  const isExpired = (id: SegmentId) => {
    const { shard, segment } = parseSegmentId(id);
    return LEVELS.every((level) => isCovered(heads[level].covers, shard, segment));
  };
  const reader: CountStore = {
    readBlocks: (names) => counts.readBlocks(names),
    lateRows: (...asking) => counts.lateRows(...asking),
    async *deltasIn(...asking) {
      for await (const delta of counts.deltasIn(...asking)) if (!isExpired(delta.segment)) yield delta;
    },
  };
  return {
    ports: {
      counts: reader,
      state,
      hints: new Map(),
      watermarks: { readWatermark: async () => watermarkOf(world) },
      clock,
    },
    more,
  };
}

/** What the accountant publishes for a world. */
function watermarkOf({ throughMs, acceptedFromMs = throughMs - ACCEPT_PAST_MS }: Counted): Watermark {
  return { ...NO_WATERMARK, throughMs, acceptedFromMs, revision: 1 };
}

export const settingsOf = ({ retentions: kept }: World): QuerySettings => ({
  acceptFutureMs: 0,
  retentions: kept,
});

export const range = (days: number) =>
  fc
    .tuple(minuteWithin(days), minuteWithin(days))
    .map(([a, b]) => ({ from: String(Math.min(a, b)), to: String(Math.max(a, b) + MINUTE_MS) }));
export const calendarQuestion = fc
  .tuple(range(360), fc.constantFrom('day', 'week', 'month'), fc.constantFrom(...ZONES))
  .map(([bounds, by, tz]) => ({ ...bounds, by, tz }));
/** At most 366 points of a page begin within an hour of UTC. */
const zoneHourQuestion = fc
  .tuple(range(12), fc.constantFrom(...ZONES))
  .map(([bounds, tz]) => ({ ...bounds, by: 'hour', tz }));
const plainQuestion = fc
  .tuple(range(DAYS), fc.constantFrom('hour', 'total'))
  .map(([bounds, by]) => ({ ...bounds, by }));
const minuteQuestion = range(20).map((bounds) => ({ ...bounds, by: 'minute' }));
export const question: fc.Arbitrary<Record<string, string>> = fc.oneof(
  calendarQuestion,
  zoneHourQuestion,
  plainQuestion,
  minuteQuestion,
);

export const asked = (parameters: Record<string, string>) =>
  parseCountQuery('view', '/a', parameters, NOW_MS);
export async function read(query: CountQuery, world: Counted): Promise<ReadCounts> {
  const [found] = await readCounts([query], await portsOf(world), settingsOf(world));
  assert.ok(found !== undefined && !(found instanceof InvalidQuery), String(found));
  return found;
}
export const answerTo = async (parameters: Record<string, string>, world: Counted) =>
  (await read(asked(parameters), world)).answer;

/** The name of the period that an instant belongs to, by Intl. */
export function periodName(grain: string, tz: string, atMs: number): string {
  const clock = clockIn(tz, atMs);
  const clockMs = Date.parse(`${clock}Z`);
  // An hour may come twice: it is named by when it began.
  if (grain === 'hour') return new Date(atMs - (atMs % 1000) - (clockMs % HOUR_MS)).toISOString();
  if (grain === 'week')
    return new Date(clockMs - ((new Date(clockMs).getUTCDay() + 6) % 7) * DAY_MS).toISOString().slice(0, 10);
  const digits = { minute: 16, day: 10, month: 7 }[grain] ?? 0;
  return clock.slice(0, digits);
}

/** The minutes of one entity. */
export function ownOf(all: Minutes, asked = '/a'): Minutes {
  return all.filter(([, , entity = '/a']) => entity === asked);
}

/** What an answer must say about its own range, grain and zone. */
export function assertPlainSum(
  { entity, grain, tz, from, to, total, points }: CountAnswer,
  all: Minutes,
): void {
  const inRange = ownOf(all, entity).filter(([atMs]) => atMs >= Date.parse(from) && atMs < Date.parse(to));
  assert.equal(
    total,
    inRange.reduce((sum, [, n]) => sum + n, 0n),
  );
  const expected = new Map<string, bigint>();
  for (const [atMs, n] of grain === 'total' ? [] : inRange) {
    const name = periodName(grain, tz, atMs);
    expected.set(name, (expected.get(name) ?? 0n) + n);
  }
  const found = points.map(({ at, n }) => [periodName(grain, tz, Date.parse(at)), n] as const);
  assert.deepEqual(new Map(found), expected);
  assert.equal(found.length, expected.size, 'no period twice');
  for (const { at } of points) {
    const atMs = Date.parse(at);
    assert.equal(at.slice(0, 19), clockIn(tz, atMs), 'the offset is the one in force');
    assert.notEqual(periodName(grain, tz, atMs - 1), periodName(grain, tz, atMs), `${at} starts a ${grain}`);
  }
}
