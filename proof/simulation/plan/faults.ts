// The faults that a history's seed determines: a list, so that it can be printed and shrunk.

import type { RollupConfig } from '../../../lambdas/core/segment.ts';
import type { LevelRetentionsMs } from '../../../lambdas/core/watermark.ts';
import type { Random } from '../random.ts';
import type { Service } from '../world/network.ts';
import {
  drawRetentions,
  drawRetries,
  MINUTES_RETENTION_MS,
  rollupConfig,
  type Settings,
} from './settings.ts';

/** Who runs: a function, or an operator's command. */
export type Role = 'aggregator' | 'writer' | 'redriver' | 'accountant' | 'compactor' | 'reader' | 'operator';

/** The call that a fault strikes: the first match from its time on. */
interface Target {
  role: Role;
  /** The request it strikes; undefined: whichever comes first. */
  operation: string | undefined;
}

/** What else is known of a fault, by its kind. Times are milliseconds. */
interface Details {
  crash: Target & { when: 'before' | 'after' };
  /** Applied, and the answer lost: retried by the SDK, or given up; an echo reaches the service once more later. */
  ambiguous: Target & { next: 'retry' | 'throw' | 'echo' };
  /** The call hangs, before or after it took effect, until the function's time-out and beyond. */
  stall: Target & { lengthMs: number; side: 'request' | 'answer'; next: 'zombie' | 'killed' };
  throttle: { service: Service; calls: number };
  outage: { service: Service; lengthMs: number };
  'partial-send': { calls: number };
  copies: { copies: number };
  'lost-delete': { deletes: number };
  'lost-checkpoint': { records: number };
  'twin-poller': { records: number; batches: number };
  'early-child': object;
  'cold-start': object;
  split: { pick: number };
  merge: { pick: number };
  deploy: { rollup: RollupConfig };
  /** A deployment with other retentions. */
  retention: { retentions: LevelRetentionsMs };
  /** A deployment with a new generation of the stream. */
  generation: object;
  /** An operator deletes an entity, which is drawn at that time; or recounts everything. */
  'delete-entity': { pick: number };
  recount: object;
  retries: { text: string };
  poison: { body: string };
  'redrive-now': object;
  'replay-parked': object;
  /** An operator discards a parked dead letter, which is drawn at that time. */
  'discard-parked': { pick: number };
  pause: { role: Role; lengthMs: number };
}

type Kind = keyof Details;

/** A fault, and when it comes, epoch milliseconds. */
export type Fault = { [K in Kind]: Readonly<{ kind: K; atMs: number } & Details[K]> }[Kind];

/** Calls that faults aim at, more often where a crash hurts. */
const OPERATIONS: Record<Role, readonly string[]> = {
  aggregator: words(
    'readHead putPlan putPlan putIds registerRangeBits putEntry putEntry sendBatch sendBatch markSent markSent ' +
      'listShards getRecords registerShard readIds queryEntries put readEntry endHead putGenerations',
  ),
  writer: words(
    'putDelta putDelta putDelta acknowledge acknowledge changeVisibility bury notePlace put getParameter noteExpired',
  ),
  // Replaying and discarding dead letters run as a redriver, too.
  redriver: words(
    'probe take putDelta readEntries acknowledge giveBack giveBack park notePlace remove getParameter put delete',
  ),
  accountant: words('shards readCheckpoint readHead queryEntries readEntries putCheckpoint putWatermark'),
  compactor: words(
    'readState putEpoch putEpoch queryDeltas readBlocks putBlock putBlock putBlock markDone markDone putLate putTop ' +
      'addMetric readEntries queryEntries listShards',
  ),
  reader: words('readWatermark readState readBlocks queryDeltas queryLate'),
  operator: words('readState registerDeletion readBlocks putBlock putBlock putTop replaceDelta replaceLate'),
};

function words(text: string): readonly string[] {
  return text.split(' ');
}

const POISON = [
  '',
  '{}',
  'hello',
  '{"v":2}',
  '{"v":2,"segment":"x","runMaxMs":1,"earliestHourMs":0,"deltas":[]}',
];
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const ROLES = words(
  'aggregator aggregator aggregator writer writer redriver accountant compactor compactor reader operator',
) as readonly Role[];
/** Services weigh as often as they are used. */
const SERVICES = words('kinesis ledger ledger counters counters sqs sqs s3 ssm') as readonly Service[];

function target(random: Random): Target {
  const role = random.pick(ROLES);
  return { role, operation: random.chance(0.85) ? random.pick(OPERATIONS[role]) : undefined };
}

const HANG_MS = [20_000, 50_000, 70_000, 200_000];
const PAUSED_MS = [5 * MINUTE_MS, 50 * MINUTE_MS, 3 * HOUR_MS];
/** Calls in which a compactor hangs while another continues: when it resumes, what it has read is stale. */
const COMPACTING = words('putBlock putBlock readBlocks putEpoch markDone');

/** How often each kind is drawn, and what else is drawn for it. */
const DRAWS: { readonly [K in Kind]: readonly [number, (random: Random, settings: Settings) => Details[K]] } =
  {
    crash: [8, (random) => ({ ...target(random), when: random.pick(['before', 'after']) })],
    ambiguous: [8, (random) => ({ ...target(random), next: random.pick(['retry', 'throw', 'echo']) })],
    stall: [9, (random) => (random.chance(0.3) ? hungCompactor(random) : hung(random))],
    throttle: [3, (random) => ({ service: random.pick(SERVICES), calls: random.between(1, 8) })],
    outage: [3, (random) => ({ service: random.pick(SERVICES), lengthMs: random.pick(OUTAGES_MS) })],
    'partial-send': [2, (random) => ({ calls: random.pick([1, 2, 5]) })],
    copies: [3, (random) => ({ copies: random.between(1, 4) })],
    'lost-delete': [3, (random) => ({ deletes: random.between(1, 3) })],
    'lost-checkpoint': [3, (random) => ({ records: random.between(1, 12) })],
    'twin-poller': [3, (random) => ({ records: random.between(0, 8), batches: random.between(1, 4) })],
    'early-child': [2, () => ({})],
    'cold-start': [2, () => ({})],
    split: [3, (random) => ({ pick: random.next() })],
    merge: [2, (random) => ({ pick: random.next() })],
    deploy: [3, (random, settings) => ({ rollup: rollupConfig(random, settings) })],
    retention: [2, (random) => ({ retentions: drawRetentions(random) })],
    generation: [2, () => ({})],
    'delete-entity': [3, (random) => ({ pick: random.next() })],
    recount: [3, () => ({})],
    retries: [1, (random) => ({ text: drawRetries(random) })],
    poison: [1, (random) => ({ body: random.pick(POISON) })],
    'redrive-now': [2, () => ({})],
    'replay-parked': [2, () => ({})],
    'discard-parked': [2, (random) => ({ pick: random.next() })],
    pause: [2, (random) => ({ role: random.pick(PAUSED), lengthMs: random.pick(PAUSED_MS) })],
  };
const OUTAGES_MS = [10_000, 2 * MINUTE_MS, 20 * MINUTE_MS, 3 * HOUR_MS];
const PAUSED = words('aggregator writer redriver accountant compactor') as readonly Role[];
const KINDS = (Object.keys(DRAWS) as Kind[]).flatMap((kind) => Array<Kind>(DRAWS[kind][0]).fill(kind));

function hung(random: Random): Details['stall'] {
  const side = random.pick(['request', 'answer'] as const);
  const next = random.pick(['zombie', 'zombie', 'killed'] as const);
  return { ...target(random), lengthMs: random.pick(HANG_MS), side, next };
}

function hungCompactor(random: Random): Details['stall'] {
  const side = random.pick(['request', 'request', 'answer'] as const);
  const operation = random.pick(COMPACTING);
  return { role: 'compactor', operation, lengthMs: random.pick(HANG_MS), side, next: 'zombie' };
}

/** Draws a history's faults, in the order of their times. */
export function drawFaults(random: Random, settings: Settings): Fault[] {
  const { startMs, trafficMs, burstsMs } = settings;
  const faults: Fault[] = [];
  for (let count = random.pick([0, 2, 5, 9, 14]) * Math.min(3, burstsMs.length); count > 0; count -= 1) {
    const atMs = startMs + random.pick(burstsMs) + random.between(0, trafficMs * 1.3);
    const kind = random.pick(KINDS);
    faults.push({ kind, atMs, ...DRAWS[kind][1](random, settings) } as Fault);
  }
  const isBrief = !settings.weeks && !settings.shortLog && burstsMs.length === 1 && settings.size === 'small';
  if (settings.weeks || (isBrief && random.chance(PARKED))) faults.push(...drawParked(random, settings));
  // What the guarantees ask of operators: no dead letter stays parked until the deltas of its segment expire.
  if (burstsMs.length > 1)
    for (const days of [20, 22]) faults.push({ kind: 'replay-parked', atMs: startMs + days * DAY_MS });
  return faults.sort((a, b) => a.atMs - b.atMs);
}

/** The share of small histories whose messages are parked, replayed and discarded. */
const PARKED = 0.08;

/** Messages that are parked, and come back within hours; in histories of weeks also before and after their period expired. */
function drawParked(random: Random, { startMs, trafficMs, weeks }: Settings): Fault[] {
  const deadMs = trafficMs + random.pick([1, 30]) * MINUTE_MS;
  const pauseMs = weeks ? random.pick([0, 1, 5, 13]) * DAY_MS : 0;
  const faults: Fault[] = [
    { kind: 'outage', atMs: startMs, service: 'counters', lengthMs: deadMs },
    { kind: 'retries', atMs: startMs, text: '{"attempts":1,"redriveRounds":0}' },
    { kind: 'pause', atMs: startMs + trafficMs, role: 'redriver', lengthMs: pauseMs },
    { kind: 'copies', atMs: startMs, copies: random.between(0, 5) },
  ];
  let replayMs = weeks ? startMs : startMs + deadMs;
  for (let replays = random.between(1, 3); replays > 0; replays -= 1) {
    const aroundExpiryMs = startMs + MINUTES_RETENTION_MS + random.between(-3 * HOUR_MS, 2 * HOUR_MS);
    // Two days later the items themselves are deleted.
    const aroundDeletionMs = aroundExpiryMs + 2 * DAY_MS;
    const soonMs = replayMs + random.between(0, 2 * HOUR_MS);
    const lateMs = [replayMs + 20 * DAY_MS, aroundExpiryMs, aroundExpiryMs, aroundDeletionMs];
    replayMs = Math.max(replayMs, random.pick(weeks ? [soonMs, ...lateMs] : [soonMs]));
    faults.push({ kind: 'replay-parked', atMs: replayMs }, { kind: 'copies', atMs: replayMs, copies: 2 });
    // Mostly before a replay, since little is left to discard afterwards.
    const discardMs = replayMs - random.pick([0, HOUR_MS, HOUR_MS]);
    if (random.chance(0.6)) faults.push({ kind: 'discard-parked', atMs: discardMs, pick: random.next() });
    const operation = random.pick(['putDelta', 'acknowledge', 'put', 'noteExpired']);
    const target = { atMs: replayMs, role: 'writer', operation } as const;
    if (random.chance(0.3)) faults.push({ kind: 'crash', ...target, when: random.pick(['before', 'after']) });
    if (random.chance(0.3)) faults.push({ kind: 'ambiguous', ...target, next: 'throw' });
  }
  return faults;
}

/** A fault in one line. */
export function describeFault(fault: Fault, startMs: number): string {
  const { kind, atMs, ...rest } = fault;
  const details = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === 'object' ? JSON.stringify(value) : value}`);
  return `+${((atMs - startMs) / 1000).toFixed(1)}s ${kind} ${details.join(' ')}`;
}

/** When the last fault is over. */
export function faultsEndMs(faults: readonly Fault[]): number {
  return Math.max(0, ...faults.map((fault) => fault.atMs + lengthOf(fault)));
}

/** Updating all functions takes this long at most. */
export const UPDATE_MS = 150_000;

function lengthOf(fault: Fault): number {
  if (fault.kind === 'outage' || fault.kind === 'pause') return fault.lengthMs;
  return DEPLOYMENTS.has(fault.kind) ? UPDATE_MS : 0;
}

const DEPLOYMENTS: ReadonlySet<Kind> = new Set(['deploy', 'retention', 'generation']);
