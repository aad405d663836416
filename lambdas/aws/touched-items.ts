// The items that keep which counters a segment touched: one a chunk, compressed.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { ShardKey } from '../counting/identifiers.ts';
import { type Item, ledgerKeys } from './ledger-items.ts';

/** A chunk of touched counters as an item. `expiresAt` is epoch seconds; undefined: never. */
export function touchedItem(
  shard: ShardKey,
  segment: number,
  chunk: number,
  text: string,
  expiresAt: number | undefined,
): Item {
  return {
    ...ledgerKeys.touched(shard, segment, chunk),
    // Each chunk is compressed by itself, so that chunks of two attempts go together.
    touched: { B: deflateRawSync(text) },
    ...(expiresAt !== undefined && { expiresAt: { N: String(expiresAt) } }),
  };
}

/** The chunk in an item; undefined when it is gone. */
export function touchedIn(item: Item | undefined): string | undefined {
  const packed = item?.['touched']?.B;
  return packed && inflateRawSync(packed).toString('utf8');
}
