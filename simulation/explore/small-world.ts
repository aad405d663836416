// Small worlds: a handful of records and a few invocations, small enough to try everything that may happen.
import type { RollupConfig } from '../../lambdas/counting/segment.ts';

/** One record: the events in it, `id:entity[:n]`, and the shard that takes it. */
export interface SmallRecord {
  readonly shard: number;
  readonly events: readonly string[];
}

/** What may happen in a small world, and how often. */
export interface SmallWorld {
  readonly name: string;
  readonly records: readonly SmallRecord[];
  /** Shards at the start; a split of shard 0 comes after `splitAfter` records. */
  readonly shards: number;
  readonly splitAfter?: number;
  /** Whether a child may be read before its parent is done. */
  readonly earlyChild?: boolean;
  /** Invocations of the aggregator in all, and at once. */
  readonly aggregators: number;
  readonly aggregatorsAtOnce: number;
  readonly writers: number;
  readonly writersAtOnce: number;
  readonly redrivers?: number;
  /** Whether the aggregator has done its work before the exploration starts. */
  readonly aggregated?: boolean;
  readonly crashes: number;
  /** Writes whose answer is lost and which the SDK sends again. */
  readonly ambiguities: number;
  /** Calls that fail for good, after they took effect or before. */
  readonly errors: number;
  /** Sends of which only the first message is taken. */
  readonly partialSends: number;
  /** Configurations in the order of their deployment; an invocation may run under any not older than the last one's. */
  readonly configs: readonly RollupConfig[];
}

const CONFIG: RollupConfig = {
  bucketMinutes: 60,
  dedupWindowMs: 600_000,
  acceptPastMs: undefined,
  acceptFutureMs: 600_000,
  partBytesMax: 60_000,
};
/** Every row in a message of its own. */
const SMALL_PARTS: RollupConfig = { ...CONFIG, partBytesMax: 150 };
const ORDINARY = {
  shards: 1,
  aggregators: 0,
  aggregatorsAtOnce: 1,
  writers: 0,
  writersAtOnce: 1,
  crashes: 0,
  ambiguities: 0,
  errors: 0,
  partialSends: 0,
  configs: [CONFIG],
};

/** The worlds that `npm run explore` covers. */
export const SMALL_WORLDS: readonly SmallWorld[] = [
  {
    ...ORDINARY,
    name: 'two invocations at once, every cut, a duplicate, a crash',
    records: records('a:x', 'b:x', 'a:x'),
    aggregators: 2,
    aggregatorsAtOnce: 2,
    crashes: 1,
  },
  {
    ...ORDINARY,
    name: 'three invocations, two at once, a crash',
    records: records('a:x', 'a:x'),
    aggregators: 3,
    aggregatorsAtOnce: 2,
    crashes: 1,
  },
  {
    ...ORDINARY,
    name: 'three deliveries cut anew, crashes, a lost answer, messages not taken',
    records: records('a:x', 'b:y', 'a:x'),
    aggregators: 3,
    aggregatorsAtOnce: 1,
    crashes: 1,
    ambiguities: 1,
    partialSends: 1,
    configs: [SMALL_PARTS],
  },
  {
    ...ORDINARY,
    name: 'a lost answer and a crash while another invocation runs',
    records: records('a:x', 'a:x'),
    aggregators: 2,
    aggregatorsAtOnce: 2,
    ambiguities: 1,
    crashes: 1,
  },
  {
    ...ORDINARY,
    name: 'errors in a warm container, a chain of retries',
    records: records('a:x', 'a:x', 'a:x'),
    aggregators: 3,
    aggregatorsAtOnce: 1,
    errors: 2,
  },
  {
    ...ORDINARY,
    name: 'a deployment between a plan and its recovery',
    records: records('a:x', 'b:y'),
    aggregators: 2,
    aggregatorsAtOnce: 2,
    crashes: 1,
    partialSends: 1,
    configs: [SMALL_PARTS, { ...CONFIG, bucketMinutes: 1 }],
  },
  {
    ...ORDINARY,
    name: 'a split, a duplicate in the child, an early child',
    records: [
      { shard: 0, events: ['a:x'] },
      { shard: 0, events: ['b:x'] },
      { shard: 1, events: ['a:x'] },
    ],
    splitAfter: 2,
    earlyChild: true,
    aggregators: 2,
    aggregatorsAtOnce: 2,
    crashes: 1,
  },
  {
    ...ORDINARY,
    name: 'two writers at once, copies, coalescing, a crash',
    records: records('a:x', 'b:x'),
    aggregated: true,
    writers: 3,
    writersAtOnce: 2,
    crashes: 1,
  },
  {
    ...ORDINARY,
    name: 'two writers at once, two parts a segment, a lost answer',
    records: records('a:x', 'b:x,c:y'),
    aggregated: true,
    writers: 2,
    writersAtOnce: 2,
    crashes: 1,
    ambiguities: 1,
    configs: [SMALL_PARTS],
  },
  {
    ...ORDINARY,
    name: 'a writer fails, redrive returns, crashes on the way',
    records: records('a:x'),
    aggregated: true,
    writers: 3,
    writersAtOnce: 1,
    redrivers: 2,
    crashes: 1,
    errors: 2,
  },
  {
    ...ORDINARY,
    name: 'aggregators and writers together',
    records: records('a:x', 'a:x'),
    aggregators: 2,
    aggregatorsAtOnce: 2,
    writers: 1,
    crashes: 1,
  },
];

function records(...events: string[]): SmallRecord[] {
  return events.map((text) => ({ shard: 0, events: text.split(',') }));
}
