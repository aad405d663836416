// How far every shard got, in the order of reading that makes it safe to claim something about all of them.
import type { ShardProgress } from '../core/completeness.ts';
import { type ShardKey, shardIdOf, shardKey } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import type { BooksLedger, ShardDirectory } from '../ports.ts';

/** How far one shard got, by whatever measure. */
export type Reached = Pick<ShardProgress, 'head' | 'done' | 'doneRunMaxMs' | 'doneAcceptedFromMs'>;

/** How far every shard got that the ledger knows or the stream lists. */
export async function progressOfShards(
  ledger: Pick<BooksLedger, 'shards'>,
  stream: ShardDirectory,
  generation: string,
  howFar: (shard: ShardKey) => Promise<Reached>,
): Promise<readonly ShardProgress[]> {
  // The ledger first, the stream then: a shard that planned something has all its siblings listed by now, and those that
  // planned nothing count with their parents, as far as these were when they were looked at.
  const progress = new Map<ShardKey, Reached>();
  const known = await ledger.shards();
  for (const shard of known) progress.set(shard, await howFar(shard));
  const parents = new Map<ShardKey, readonly ShardKey[]>();
  const listed = await stream.shards();
  for (const { shard, parents: before } of listed) {
    const key = shardKey(generation, shard);
    // A shard goes on from itself in an earlier generation as from a parent.
    const earlier = known.filter((other) => other !== key && shardIdOf(other) === shard);
    parents.set(key, [...before.map((parent) => shardKey(generation, parent)), ...earlier]);
  }
  for (const shard of parents.keys()) {
    if (!progress.has(shard)) progress.set(shard, await howFar(shard));
  }
  const ids = new Set(listed.map(({ shard }) => shard));
  return [...progress].map(([shard, far]) => ({
    shard,
    listed: ids.has(shardIdOf(shard)),
    parents: parents.get(shard) ?? [],
    ...far,
  }));
}

/** The running maximum of arrivals up to and with a segment, epoch milliseconds; 0 for segment 0. */
export async function runMaxOf(
  shard: ShardKey,
  head: Head,
  segment: number,
  ledger: Pick<BooksLedger, 'readEntries'>,
): Promise<number> {
  if (segment === 0) return 0;
  if (segment === head.segment) return head.runMaxMs;
  if (segment === head.segment - 1) return head.runMaxBeforeMs;
  const [entry] = await ledger.readEntries(shard, [segment]);
  return entry?.runMaxMs ?? 0;
}
