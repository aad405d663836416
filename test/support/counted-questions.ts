// Questions about one counter's minutes, of any kind, and their answers by the use case.
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { type CountQuery, InvalidCountQuery, parseCountQuery } from '../../lambdas/query/count-query.ts';
import type { Claims } from '../../lambdas/counting/levels.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/counting/time.ts';
import { type ReadCounts, readCounts } from '../../lambdas/query/read-counts.ts';
import { type Counted, type Minutes, portsOf } from './counted-minutes.ts';
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
export const FOREVER = { counters: undefined, days: undefined, months: undefined };

export const minuteWithin = (days: number) =>
  fc.integer({ min: 0, max: days * 24 * 60 }).map((ago) => NOW_MS - 30_000 - ago * MINUTE_MS);
export const minutes: fc.Arbitrary<Minutes> = fc.array(
  fc.tuple(fc.oneof(minuteWithin(DAYS), minuteWithin(6)), fc.bigInt({ min: -9n, max: 9n })),
  { maxLength: 60 },
);
/** Levels are closed up to some hours or days ago. */
export const claims: fc.Arbitrary<Claims> = fc
  .tuple(fc.nat(72), fc.nat(5), fc.nat(3000))
  .map(([hours, days, minutesBehind]) => {
    const nowHourMs = NOW_MS - (NOW_MS % HOUR_MS);
    const throughMs = NOW_MS - minutesBehind * MINUTE_MS;
    return {
      throughMs,
      days: { closedBeforeMs: nowHourMs - hours * HOUR_MS, throughMs },
      months: { closedBeforeMs: NOW_MS - (NOW_MS % DAY_MS) - days * DAY_MS, throughMs },
    };
  });
export const retentions = fc
  .tuple(
    fc.integer({ min: 10, max: 120 }),
    fc.integer({ min: 10, max: 200 }),
    fc.integer({ min: 40, max: 300 }),
  )
  .map(([counters, more, most]) => ({
    counters: counters * DAY_MS,
    days: (counters + more) * DAY_MS,
    months: (counters + more + most) * DAY_MS,
  }));
export const counted = fc.tuple(minutes, claims, fc.oneof(fc.constant(FOREVER), retentions)).map(
  ([each, claimed, retentionsMs]): Counted => ({
    minutes: each,
    claims: claimed,
    retentionsMs,
    nowMs: NOW_MS,
  }),
);

export const range = (days: number) =>
  fc
    .tuple(minuteWithin(days), minuteWithin(days))
    .map(([a, b]) => ({ from: String(Math.min(a, b)), to: String(Math.max(a, b) + MINUTE_MS) }));
export const calendarQuestion = fc
  .tuple(range(360), fc.constantFrom('day', 'month'), fc.constantFrom(...ZONES))
  .map(([bounds, by, tz]) => ({ ...bounds, by, tz }));
export const plainQuestion = fc
  .tuple(range(DAYS), fc.constantFrom('hour', 'total'))
  .map(([bounds, by]) => ({ ...bounds, by }));
export const minuteQuestion = range(20).map((bounds) => ({ ...bounds, by: 'minute' }));
export const question: fc.Arbitrary<Record<string, string>> = fc.oneof(
  calendarQuestion,
  plainQuestion,
  minuteQuestion,
);

export const asked = (parameters: Record<string, string>) =>
  parseCountQuery('view', '/a', parameters, NOW_MS);
export async function read(query: CountQuery, world: Counted): Promise<ReadCounts> {
  const [found] = await readCounts([query], portsOf(world), {
    acceptPastMs: ACCEPT_PAST_MS,
    retentionsMs: world.retentionsMs,
  });
  assert.ok(found !== undefined && !(found instanceof InvalidCountQuery), String(found));
  return found;
}
export const answerTo = async (parameters: Record<string, string>, world: Counted) =>
  (await read(asked(parameters), world)).answer;

/** The name of the period that an instant belongs to, by Intl. */
export function periodName(grain: string, tz: string, atMs: number): string {
  const digits = { minute: 16, hour: 13, day: 10, month: 7 }[grain] ?? 0;
  return clockIn(tz, atMs).slice(0, digits);
}

/** What an answer must say about its own range, grain and zone. */
export function assertPlainSum({ grain, tz, from, to, total, points }: CountAnswer, all: Minutes): void {
  const inRange = all.filter(([atMs]) => atMs >= Date.parse(from) && atMs < Date.parse(to));
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

/** Claims of levels that were compacted a moment ago. */
export function closedUntilNow(): Claims {
  const throughMs = NOW_MS - 60_000;
  return {
    throughMs,
    days: { closedBeforeMs: NOW_MS - (NOW_MS % HOUR_MS), throughMs },
    months: { closedBeforeMs: NOW_MS - (NOW_MS % DAY_MS), throughMs },
  };
}
