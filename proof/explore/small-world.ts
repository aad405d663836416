// A small world: a handful of records, a few invocations, and their possible outcomes.
import type { RollupConfig } from '../../lambdas/core/segment.ts';

export const NOW_MS = Date.UTC(2026, 10, 22, 5, 7);
export const HOUR_MS = 3_600_000;

/**
 * A step finished before the exploration starts: segments are made; deltas are stored and their messages consumed, but
 * not acknowledged; messages are written, all or the newest, or with copies that stay in the queue; dead letters are parked, with
 * copies in the queue; the watermark is published; every level is compacted.
 */
export type Step = 'aggregate' | 'store' | 'write' | 'newest' | 'copy' | 'park' | 'account' | 'compact';

/** One record: the shard that takes it, 0 by default, the events in it, `id:entity`, and when it arrives. */
export interface SmallRecord {
  readonly shard?: number;
  readonly events: readonly string[];
  /** Arrival, milliseconds after the start; later records may be stamped earlier. Left out: its place among the records. */
  readonly atMs?: number;
  /** When its events happened, milliseconds after the start. */
  readonly happenedMs?: number;
  /** What is done before the next record arrives. */
  readonly done?: readonly Step[];
}

/** A change of shards after the first `after` records: a split or a merge. New shards get the next numbers. */
export type Reshard =
  | { readonly after: number; readonly split: number }
  | { readonly after: number; readonly merge: readonly [number, number] };

/** What may happen in a small world, and how often. */
export interface SmallWorld {
  readonly name: string;
  /** The mistake of a pipeline that this world would reveal, in one sentence. */
  readonly shows: string;
  readonly records: readonly SmallRecord[];
  readonly reshards: readonly Reshard[];
  /** Invocations of the aggregator in all, and at once. */
  readonly aggregators: number;
  readonly aggregatorsAtOnce: number;
  /** Containers of the aggregator that stay warm at once, each with its own windows. */
  readonly containers: number;
  readonly writers: number;
  readonly writersAtOnce: number;
  readonly redrivers: number;
  /** Runs of the accountant: checkpoints, then the watermark. */
  readonly accountants: number;
  /** Runs of the compactor in all, and at once. */
  readonly compactors: number;
  readonly compactorsAtOnce: number;
  /** Largest block by the settings of the first compactor, of the second, and so on. */
  readonly blockBytes: readonly number[];
  /** Calls of a compactor that need a decision; the others run together with the call before. */
  readonly decided: readonly string[];
  /** Queries, one at a time: the grain, and the depth at which the walk over splits begins. */
  readonly readers: number;
  readonly asks: 'minute' | 'hour';
  readonly hint: number;
  /** Times that an operator discards a parked dead letter. */
  readonly operators: number;
  /** How often TTL deletes items that are an hour old; where compaction stalls, also those that no level has. */
  readonly expiries: number;
  readonly stalls: boolean;
  /** Whether the aggregator has done its work before the exploration starts. */
  readonly aggregated: boolean;
  readonly crashes: number;
  /** Writes whose answer is lost and which the SDK sends again. */
  readonly ambiguities: number;
  /** Calls that fail permanently, before or after they took effect. */
  readonly errors: number;
  /** Sends of which only the first message is accepted. */
  readonly partials: number;
  /** Invocations with time for at most one more segment or update. */
  readonly timeouts: number;
  /** How often an hour may pass. */
  readonly hours: number;
  /** Configurations in the order of their deployment; an invocation may run under any not older than the last one's. */
  readonly configs: readonly RollupConfig[];
}

export const CONFIG: RollupConfig = {
  slotBits: 0,
  dedupWindowMs: 600_000,
  acceptPastMs: undefined,
  acceptFutureMs: 600_000,
};
/** Every row in a message of its own. */
export const SMALL_PARTS: RollupConfig = { ...CONFIG, slotBits: 4, wideBytesMax: 0 };
/** A dedup window of ten seconds, for worlds in which arrivals lie seconds apart. */
export const SHORT_WINDOW: RollupConfig = { ...CONFIG, dedupWindowMs: 10_000 };

/** A world in which nothing happens. */
const ORDINARY = {
  reshards: [],
  aggregators: 0,
  aggregatorsAtOnce: 1,
  containers: 1,
  writers: 0,
  writersAtOnce: 1,
  redrivers: 0,
  accountants: 0,
  compactors: 0,
  compactorsAtOnce: 1,
  blockBytes: [1_000],
  /** Those that affect other actors or observe them. */
  decided: ['putEpoch', 'queryDeltas', 'readBlocks', 'putBlock', 'putLate', 'markDone'],
  readers: 0,
  asks: 'minute',
  hint: 0,
  operators: 0,
  expiries: 0,
  stalls: false,
  aggregated: false,
  crashes: 0,
  ambiguities: 0,
  errors: 0,
  partials: 0,
  timeouts: 0,
  hours: 0,
  configs: [CONFIG],
} as const satisfies Partial<SmallWorld>;

/** Worlds in which nothing happens but for what each of them says. */
export function smallWorlds(
  ...worlds: readonly (Partial<SmallWorld> & Pick<SmallWorld, 'name' | 'shows' | 'records'>)[]
): SmallWorld[] {
  return worlds.map((world) => ({ ...ORDINARY, ...world }));
}

/** Records of shard 0, one after the other: `id:entity`, several of them with commas. */
export function records(...events: string[]): SmallRecord[] {
  return events.map((text) => ({ events: text.split(',') }));
}
