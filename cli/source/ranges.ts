// Sorted, disjoint byte ranges of a file; pure.

/** Bytes `from` up to, not including, `to`; `crc` is the checksum of all bytes of the file before `to`. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
  readonly crc: number;
}

/** Adds a range and joins adjacent ones. It may overlap others; the one that ends later determines the checksum. */
export function withRange(ranges: readonly ByteRange[], added: ByteRange): ByteRange[] {
  const before = ranges.filter((range) => range.to < added.from);
  const after = ranges.filter((range) => range.from > added.to);
  const touching = ranges.filter((range) => range.to >= added.from && range.from <= added.to);
  const joined = touching.reduce(
    (sum, range) => ({
      from: Math.min(sum.from, range.from),
      to: Math.max(sum.to, range.to),
      crc: range.to > sum.to ? range.crc : sum.crc,
    }),
    added,
  );
  return [...before, joined, ...after];
}
