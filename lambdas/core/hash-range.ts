// Hash ranges: the place of a (metric, entity) among all others, which decides its delta and its block.
import { hash } from 'node:crypto';

declare const brand: unique symbol;

/**
 * A range of hashes, named by the bits that they begin with: `''` is all of them, `'0'` the lower half, `'01'` its upper half.
 * Ranges of one length sort as their hashes do.
 */
export type HashRange = string & { readonly [brand]: 'HashRange' };

/** All hashes. */
export const WHOLE_RANGE = '' as HashRange;

/** Hashes have this many bits: a range of this length can't be split. */
export const HASH_BITS = 32;

/**
 * The hash of a (metric, entity): 32 bits of SHA-256, unsigned. A client who doesn't know how to break it can't crowd one
 * range with names of their choice.
 */
export function nameHash(metric: string, entity: string): number {
  return hashOf(`${metric}\0${entity}`);
}

/** The same of a row's name. */
export function hashOf(name: string): number {
  const digest = hash('sha256', name, 'binary');
  return (
    ((digest.charCodeAt(0) << 24) |
      (digest.charCodeAt(1) << 16) |
      (digest.charCodeAt(2) << 8) |
      digest.charCodeAt(3)) >>>
    0
  );
}

/** The range of so many bits that holds a hash. */
export function rangeOf(hash: number, bits: number): HashRange {
  if (bits === 0) return WHOLE_RANGE;
  return (hash >>> (HASH_BITS - bits)).toString(2).padStart(bits, '0') as HashRange;
}

/** Whether a range holds a hash. */
export function holds(range: HashRange, hash: number): boolean {
  return rangeOf(hash, range.length) === range;
}

/** Whether a range holds all of another, or is the same. */
export function covers(range: HashRange, other: HashRange): boolean {
  return other.startsWith(range);
}

/** The two halves of a range, lower first. */
export function halvesOf(range: HashRange): readonly [HashRange, HashRange] {
  return [`${range}0` as HashRange, `${range}1` as HashRange];
}

/** All ranges of so many bits, ascending. */
export function rangesOf(bits: number): readonly HashRange[] {
  return Array.from({ length: 2 ** bits }, (_, slot) =>
    rangeOf((slot * 2 ** (HASH_BITS - bits)) >>> 0, bits),
  );
}

/** Reads a range's name. @throws RangeError when it is none */
export function parseHashRange(text: string): HashRange {
  if (!/^[01]{0,32}$/.test(text)) throw new RangeError(`"${text}" is not a hash range`);
  return text as HashRange;
}
