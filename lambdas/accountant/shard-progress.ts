// How far every shard is processed, read in an order that makes a statement about all of them safe.
import pLimit from 'p-limit';
import { acceptedFromMs } from '../core/boundaries.ts';
import type { ShardProgress } from '../core/completeness.ts';
import { type ShardKey, shardIdOf, shardKey } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import type { CheckpointLedger, ShardDirectory } from '../ports.ts';

/** How far one shard is processed, by any measure. */
export type Reached = Pick<
  ShardProgress,
  'head' | 'done' | 'doneRunMaxMs' | 'doneAcceptedFromMs' | 'acceptedToMs'
>;

/** Shards looked at concurrently: the ledger names every shard there ever was. */
export const SHARDS_AT_ONCE = 16;

/** How far every shard is processed that the ledger knows or the stream lists. */
export async function progressOfShards(
  ledger: Pick<CheckpointLedger, 'shards'>,
  stream: ShardDirectory,
  generation: string,
  howFar: (shard: ShardKey) => Promise<Reached>,
): Promise<readonly ShardProgress[]> {
  // Read the ledger first, then the stream: by then, the siblings of any shard that planned something are listed, and those
  // that planned nothing count with their parents, as read before.
  const progress = new Map<ShardKey, Reached>();
  const known = await ledger.shards();
  const limit = pLimit(SHARDS_AT_ONCE);
  const reached = await Promise.all(known.map((shard) => limit(() => howFar(shard))));
  for (const [index, shard] of known.entries()) progress.set(shard, reached[index] as Reached);
  const parents = new Map<ShardKey, readonly ShardKey[]>();
  const listed = await stream.shards();
  // Thousands of each: looking through all keys for every listed shard would take half a minute.
  const generations = Map.groupBy(known, shardIdOf);
  for (const { shard, parents: before } of listed) {
    const key = shardKey(generation, shard);
    const reached = progress.get(key) ?? (await howFar(key));
    progress.set(key, reached);
    // A shard in an earlier generation is a parent of the same shard in this one. If this generation has ended the shard,
    // the others are later ones: a deployment is replacing this function.
    const isOver = reached.head?.status === 'ended';
    const earlier = isOver ? [] : (generations.get(shard) ?? []).filter((other) => other !== key);
    parents.set(key, [...before.map((parent) => shardKey(generation, parent)), ...earlier]);
  }
  const ids = new Set(listed.map(({ shard }) => shard));
  return [...progress].map(([shard, far]) => ({
    shard,
    listed: ids.has(shardIdOf(shard)),
    parents: parents.get(shard) ?? [],
    ...far,
  }));
}

/** The running maximum of arrivals up to and including a segment, epoch milliseconds; 0 for segment 0. */
export async function runMaxOf(
  shard: ShardKey,
  head: Head,
  segment: number,
  ledger: Pick<CheckpointLedger, 'readEntries'>,
): Promise<number> {
  if (segment === 0) return 0;
  if (segment === head.segment) return head.runMaxMs;
  if (segment === head.segment - 1) return head.runMaxBeforeMs;
  const [entry] = await ledger.readEntries(shard, [segment]);
  return entry?.runMaxMs ?? 0;
}

/**
 * The time before which a shard accepts nothing after a segment. Taken from the segment's own configuration: later segments
 * keep that boundary, or were planned before a later one.
 */
export async function acceptedFromOf(
  shard: ShardKey,
  head: Head,
  segment: number,
  ledger: Pick<CheckpointLedger, 'readEntries'>,
): Promise<number> {
  if (segment === 0) return 0;
  const [at] = segment === head.segment ? [head] : await ledger.readEntries(shard, [segment]);
  return at === undefined ? 0 : acceptedFromMs(at.config, at.runMaxMs);
}
