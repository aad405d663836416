// The accountant's use case: move every shard's books forward over the segments that are settled.
import { lastEntered, moveForward } from '../core/books.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { SegmentEntry } from '../core/segment-entry.ts';
import type { BooksLedger } from '../ports.ts';

/** Most entries looked at in one step. */
const STEP_ENTRIES_MAX = 1_000;

/**
 * Moves the books of all shards forward, in steps, while there is time. Repeatable: the books are a sum over segments
 * that cannot change any more, and two keepers notice each other.
 */
export async function keepBooks(ledger: BooksLedger, hasTime: () => boolean): Promise<void> {
  for (const shard of await ledger.shards()) {
    while (hasTime() && (await step(shard, ledger)));
  }
}

/** One step over one shard. @returns whether another may get further */
async function step(shard: ShardKey, ledger: BooksLedger): Promise<boolean> {
  const books = await ledger.readBooks(shard);
  const through = lastEntered(await ledger.readHead(shard));
  const following: SegmentEntry[] = [];
  for await (const entry of ledger.entriesUp(shard, books.through, through)) {
    following.push(entry);
    if (following.length === STEP_ENTRIES_MAX) break;
  }
  const next = moveForward(books, await ledger.readEntries(shard, books.open), following);
  if (next === books) return false;
  return (await ledger.putBooks(shard, next)) === 'put' && following.length === STEP_ENTRIES_MAX;
}
