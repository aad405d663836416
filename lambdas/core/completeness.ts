// completeThrough: the arrival time up to which everything is counted, from the progress of all shards.
import type { ShardKey } from './identifiers.ts';
import type { Ancestor, Head } from './segment.ts';

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
  /** The time before which nothing behind segment `done` is accepted; 0 or left out: any time is. Epoch milliseconds. */
  readonly doneAcceptedFromMs?: number;
}

/**
 * The arrival time before which every accepted event is counted, or named as lost. Arrivals strictly before it: several
 * records may share a millisecond. An arrival counts as the running maximum of its shard and its ancestors, since clocks
 * step back.
 * @param shards every shard that the stream lists or the ledger knows
 * @returns epoch milliseconds; 0 as long as nothing can be claimed
 */
export function completeThroughMs(shards: readonly ShardProgress[]): number {
  return leastOf(shards, ARRIVALS);
}

/**
 * The time before which no event is accepted any more, whatever its shard, and everything that was accepted is counted.
 * @returns epoch milliseconds; 0 as long as there is no such time
 */
export function completeFromMs(shards: readonly ShardProgress[]): number {
  return leastOf(shards, BOUNDARIES);
}

/** What is compared of shards: of one itself, and of an ancestor as a descendant remembers it. */
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
