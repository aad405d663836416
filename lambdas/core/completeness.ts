// `completeThrough`: the arrival time up to which everything is counted, from the progress of all shards.
import type { ShardKey } from './identifiers.ts';
import type { Ancestor, Head } from './segment.ts';

/** How far one shard is processed. */
export interface ShardProgress {
  readonly shard: ShardKey;
  /** Whether the stream still lists it; an unlisted shard receives no more records. */
  readonly listed: boolean;
  /** The shards that were split or merged into it, whether or not the stream still lists them. */
  readonly parents: readonly ShardKey[];
  /** Its newest segment; undefined if it has none. */
  readonly head: Pick<Head, 'segment' | 'status' | 'ancestors' | 'last'> | undefined;
  /** The last segment of its longest prefix in which every segment is counted or lost; 0 when there is none. */
  readonly done: number;
  /** The running maximum of arrivals up to and including segment `done`; 0 when there is none. Epoch milliseconds. */
  readonly doneRunMaxMs: number;
  /** The time before which segments after `done` accept nothing; 0 or absent: no limit. Epoch milliseconds. */
  readonly doneAcceptedFromMs?: number;
  /** No event of the shard happened after this; 0 or absent: none did. Epoch milliseconds. */
  readonly acceptedToMs?: number;
}

/**
 * The arrival time before which every accepted event is counted, or reported lost. The bound is exclusive, since several
 * records may share a millisecond. An arrival counts as the running maximum of its shard and its ancestors, since clocks can
 * step back.
 * @param shards every shard that the stream lists or the ledger has
 * @returns epoch milliseconds; 0 while it is unknown
 */
export function completeThroughMs(shards: readonly ShardProgress[]): number {
  return leastOf(shards, ARRIVALS);
}

/**
 * The event time before which no shard accepts events any more, and every accepted event is counted.
 * @returns epoch milliseconds; 0 if there is no such time
 */
export function completeFromMs(shards: readonly ShardProgress[]): number {
  return leastOf(shards, BOUNDARIES);
}

/** How to measure a shard: itself, or an ancestor as its descendant recorded it. */
interface Measure {
  done(shard: ShardProgress): number;
  ancestor(ancestor: Ancestor): number;
}

const ARRIVALS: Measure = { done: (shard) => shard.doneRunMaxMs, ancestor: ({ runMaxMs }) => runMaxMs };
const BOUNDARIES: Measure = {
  done: (shard) => shard.doneAcceptedFromMs ?? 0,
  ancestor: (ancestor) => ancestor.acceptedFromMs ?? 0,
};

function leastOf(shards: readonly ShardProgress[], measure: Measure): number {
  const byKey = new Map(shards.map((shard) => [shard.shard, shard]));
  const succeeded = succeededShards(shards);
  const endings = endingsOf(shards);
  const bounds = shards
    .filter((one) => !((succeeded.has(one.shard) || !one.listed) && isDrained(one, endings.get(one.shard))))
    .map((shard) => reached(shard, byKey, measure, new Set()));
  return bounds.length === 0 ? 0 : Math.min(...bounds);
}

/** The known ancestors of all shards that have a head. */
function succeededShards(shards: readonly ShardProgress[]): ReadonlySet<ShardKey> {
  const byKey = new Map(shards.map((shard) => [shard.shard, shard]));
  const succeeded = new Set<ShardKey>();
  const succeed = (parents: readonly ShardKey[]) => {
    for (const parent of parents) {
      if (succeeded.has(parent)) continue;
      succeeded.add(parent);
      succeed(byKey.get(parent)?.parents ?? []);
    }
  };
  for (const { head, parents } of shards) {
    // A shard plans only after all its ancestors were read to their ends, so its head proves that they were. Heads do not list
    // ancestors that never held a record; the stream's listing leads to those.
    if (head === undefined) continue;
    succeed(parents);
    for (const { shard } of head.ancestors) succeeded.add(shard);
  }
  return succeeded;
}

/**
 * Shards that left the stream before a descendant had read them to their ends: anything after their last segment was trimmed
 * unread. One without a segment had at least one record: the ledger lists no other.
 */
export function vanishedShards(shards: readonly ShardProgress[]): readonly ShardProgress[] {
  const succeeded = succeededShards(shards);
  return shards.filter(({ shard, listed }) => !listed && !succeeded.has(shard));
}

/** The last segments of shards that were read to their ends, as recorded by their descendants. */
function endingsOf(shards: readonly ShardProgress[]): ReadonlyMap<ShardKey, number> {
  const ancestors = shards.flatMap(({ head }) => head?.ancestors ?? []);
  return new Map(ancestors.map(({ shard, segment }) => [shard, segment]));
}

/**
 * Whether everything in the shard's segments is counted or lost.
 * @param ending its last segment, if a descendant recorded it: shards are read one after the other, so one that was read
 * first may have gained segments and ended since
 */
function isDrained({ head, done }: ShardProgress, ending: number | undefined): boolean {
  if (ending !== undefined && head?.segment !== ending) return false;
  return head === undefined || (head.status !== 'planned' && head.segment === done);
}

/** How far a shard is processed: at least to where its ancestors ended; without a segment, as far as its parents. */
function reached(
  one: ShardProgress,
  byKey: ReadonlyMap<ShardKey, ShardProgress>,
  measure: Measure,
  visited: Set<ShardKey>,
): number {
  const { shard, parents, head } = one;
  if (head !== undefined) return Math.max(measure.done(one), ...head.ancestors.map(measure.ancestor));
  visited.add(shard);
  const known = parents.map((parent) => byKey.get(parent)).filter((parent) => parent !== undefined);
  const bounds = known
    .filter((parent) => !visited.has(parent.shard))
    .map((parent) => reached(parent, byKey, measure, visited));
  return bounds.length === 0 ? 0 : Math.min(...bounds);
}
