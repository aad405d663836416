// Hash ranges: a (metric, entity)'s hash decides which delta and which block hold it.
import { hash } from 'node:crypto';
import { uint32At } from './bytes.ts';

declare const brand: unique symbol;

/**
 * A range of hashes, named by their leading bits: `''` is all of them, `'0'` the lower half, `'01'` its upper half.
 * Ranges of equal length sort like their hashes.
 */
export type HashRange = string & { readonly [brand]: 'HashRange' };

/** All hashes. */
export const WHOLE_RANGE = '' as HashRange;

/** Bits of a hash: a range of this length cannot be split. */
export const HASH_BITS = 32;

/**
 * The hash of a (metric, entity): 32 bits of SHA-256, unsigned. With a cryptographic hash, a client cannot crowd one range
 * by choosing names.
 */
export function nameHash(metric: string, entity: string): number {
  return hashOf(`${metric}\0${entity}`);
}

/** The same for a row's name. */
export function hashOf(name: string): number {
  return uint32At(hash('sha256', name, 'binary'), 0);
}

/** The range of `bits` bits that contains a hash. */
export function rangeOf(hash: number, bits: number): HashRange {
  if (bits === 0) return WHOLE_RANGE;
  return (hash >>> (HASH_BITS - bits)).toString(2).padStart(bits, '0') as HashRange;
}

/** Whether a range contains a hash. */
export function holds(range: HashRange, hash: number): boolean {
  return rangeOf(hash, range.length) === range;
}

/** Whether a range contains or equals another. */
export function covers(range: HashRange, other: HashRange): boolean {
  return other.startsWith(range);
}

/** The two halves of a range, lower first. */
export function halvesOf(range: HashRange): readonly [HashRange, HashRange] {
  return [`${range}0` as HashRange, `${range}1` as HashRange];
}

/** All ranges of `bits` bits, ascending. */
export function rangesOf(bits: number): readonly HashRange[] {
  return Array.from({ length: 2 ** bits }, (_, slot) =>
    rangeOf((slot * 2 ** (HASH_BITS - bits)) >>> 0, bits),
  );
}

/** Parses a range's name. @throws RangeError when it is invalid */
export function parseHashRange(text: string): HashRange {
  if (!/^[01]{0,32}$/.test(text)) throw new RangeError(`"${text}" is not a hash range`);
  return text as HashRange;
}
