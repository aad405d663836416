// completeThrough: the arrival time up to which everything is counted, from the progress of all shards.
import type { ShardKey } from './identifiers.ts';
import type { Head } from './segment.ts';

/** How far one shard got. */
export interface ShardProgress {
  readonly shard: ShardKey;
  /** Whether the stream still lists it; one that it does not can get no more records. */
  readonly listed: boolean;
  /** The shards that were split or merged into it, listed by the stream or not. */
  readonly parents: readonly ShardKey[];
  /** Its newest segment; undefined as long as it has none. */
  readonly head: Pick<Head, 'segment' | 'status' | 'ancestors' | 'last'> | undefined;
  /** The last segment of its longest prefix of segments that are each counted or lost; 0 when there is none. */
  readonly done: number;
  /** The running maximum of arrivals up to and with segment `done`; 0 when there is none. Epoch milliseconds. */
  readonly doneRunMaxMs: number;
}

/**
 * The arrival time before which every accepted event is counted, or named as lost. Arrivals strictly before it: several
 * records may share a millisecond. An arrival counts as the running maximum of its shard and its ancestors, since clocks
 * step back.
 * @param shards every shard that the stream lists or the ledger knows
 * @returns epoch milliseconds; 0 as long as nothing can be claimed
 */
export function completeThroughMs(shards: readonly ShardProgress[]): number {
  const byKey = new Map(shards.map((shard) => [shard.shard, shard]));
  const succeeded = succeededShards(shards);
  const endings = endingsOf(shards);
  const bounds = shards
    .filter((one) => !((succeeded.has(one.shard) || !one.listed) && isDrained(one, endings.get(one.shard))))
    .map((shard) => reachedMs(shard, byKey, new Set()));
  return bounds.length === 0 ? 0 : Math.min(...bounds);
}

/** The shards that a shard with a head descends from, as far as anybody knows. */
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
    // A shard plans only after all its ancestors were read to their ends, so a head is the proof of that. Ancestors that
    // never held a record are in no head; the stream's own listing leads to them.
    if (head === undefined) continue;
    succeed(parents);
    for (const { shard } of head.ancestors) succeeded.add(shard);
  }
  return succeeded;
}

/**
 * Shards that are gone from the stream although no descendant has read them to their ends: what followed their last segment
 * was trimmed unread, if there was anything. One without a segment had a record at least: the ledger lists no other.
 */
export function vanishedShards(shards: readonly ShardProgress[]): readonly ShardProgress[] {
  const succeeded = succeededShards(shards);
  return shards.filter(({ shard, listed }) => !listed && !succeeded.has(shard));
}

/** The last segments of shards that were read to their ends, as their descendants found them. */
function endingsOf(shards: readonly ShardProgress[]): ReadonlyMap<ShardKey, number> {
  const ancestors = shards.flatMap(({ head }) => head?.ancestors ?? []);
  return new Map(ancestors.map(({ shard, segment }) => [shard, segment]));
}

/**
 * Whether everything that the shard's segments hold is counted or lost.
 * @param ending its last segment, if a descendant knows it: shards are looked at one after the other, and one that was looked
 *   at first may have ended since, with more than was seen of it
 */
function isDrained({ head, done }: ShardProgress, ending: number | undefined): boolean {
  if (ending !== undefined && head?.segment !== ending) return false;
  return head === undefined || (head.status !== 'planned' && head.segment === done);
}

/** How far a shard got: never less than where its ancestors ended; as far as its parents while it has no segment. */
function reachedMs(
  { shard, parents, head, doneRunMaxMs }: ShardProgress,
  byKey: ReadonlyMap<ShardKey, ShardProgress>,
  visited: Set<ShardKey>,
): number {
  if (head !== undefined) {
    return Math.max(doneRunMaxMs, ...head.ancestors.map(({ runMaxMs }) => runMaxMs));
  }
  visited.add(shard);
  const known = parents.map((parent) => byKey.get(parent)).filter((parent) => parent !== undefined);
  const bounds = known
    .filter((parent) => !visited.has(parent.shard))
    .map((parent) => reachedMs(parent, byKey, visited));
  return bounds.length === 0 ? 0 : Math.min(...bounds);
}
