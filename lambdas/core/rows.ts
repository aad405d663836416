// Rows of deltas and blocks, and their encoding: sorted, front-coded, compressed.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader, ByteWriter, InvalidRows } from './bytes.ts';

export { InvalidRows };

/** Sums by cell: a minute of an hour, an hour of a day, a day of a month, or a month since 1970. */
export type Cells = ReadonlyMap<number, bigint>;

/** The counts of one (metric, entity) in one period. */
export interface Row {
  readonly metric: string;
  readonly entity: string;
  /** In deltas, which span hours: hours since 1970. In blocks, which have one period: 0. */
  readonly hour: number;
  /** How many events the sums include. A signed sum alone cannot be audited. */
  readonly events: number;
  readonly cells: Cells;
}

/** Encoding version, the first byte. */
const ENCODING = 1;
/** Deflate's level: higher ones take twice the time for 2% fewer bytes. */
const LEVEL = 6;
/** Separates metric and entity: neither can contain it. */
const SEPARATOR = '\0';

/** The encoding's order: by metric, entity and hour, in code units. */
export function compareRows(a: Row, b: Row): number {
  if (a.metric !== b.metric) return a.metric < b.metric ? -1 : 1;
  if (a.entity !== b.entity) return a.entity < b.entity ? -1 : 1;
  return a.hour - b.hour;
}

/** Whether two rows have the same counts, whatever their names and hours. */
export function hasSameCounts(a: Row, b: Row): boolean {
  if (a.events !== b.events || a.cells.size !== b.cells.size) return false;
  for (const [cell, n] of a.cells) if (b.cells.get(cell) !== n) return false;
  return true;
}

/**
 * Approximate bytes of a row before compression. Limits use this unit: it grows with every row and cell, and does not
 * depend on the compression library.
 */
export function rowBytes({ metric, entity, cells }: Row): number {
  return bytesOf(metric.length + Buffer.byteLength(entity, 'utf8'), cells.size);
}

/** The same for a named row. @param nameBytes the name's bytes, if known */
export function namedBytes({ name, length }: NamedRow, nameBytes = Buffer.byteLength(name, 'utf8')): number {
  return bytesOf(nameBytes - SEPARATOR.length, length);
}

/** Rows in order, in chunks of at most `bytesMax` in bytes of `rowBytes`; a larger row is a chunk of its own. */
export function chunksOf(rows: readonly Row[], bytesMax: number): Row[][] {
  const chunks: Row[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const size = rowBytes(row);
    if (bytes + size > bytesMax) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(row);
    bytes += size;
  }
  return chunks;
}

function bytesOf(nameBytes: number, cells: number): number {
  return nameBytes + 6 + cells * CELL_BYTES;
}

/** Bytes of one more cell in a row. */
export const CELL_BYTES = 4;

/** A row with its name, cells and sums as parallel arrays: the compactor's form. */
export interface NamedRow {
  /** From `rowName`; sorts like `compareRows`. */
  readonly name: string;
  /** Hours since 1970; 0 in blocks. */
  readonly hour: number;
  readonly events: number;
  /** Number of cells. */
  readonly length: number;
  /** Ascending. */
  readonly cells: readonly number[];
  /** One for each cell; a bigint where a number would be inexact. */
  readonly sums: readonly (number | bigint)[];
}

/** The name of a row: metric, separator, entity. */
export function rowName(metric: string, entity: string): string {
  return `${metric}${SEPARATOR}${entity}`;
}

/** Metric and entity of a name. */
export function splitName(name: string): readonly [metric: string, entity: string] {
  const at = name.indexOf(SEPARATOR);
  return [name.slice(0, at), name.slice(at + 1)];
}

function named({ metric, entity, hour, events, cells }: Row): NamedRow {
  const sorted = [...cells].sort(([a], [b]) => a - b);
  return {
    name: rowName(metric, entity),
    ...{ hour, events, length: sorted.length },
    cells: sorted.map(([cell]) => cell),
    sums: sorted.map(([, sum]) => sum),
  };
}

/** Encodes rows without compressing them. @param rows sorted by `compareRows` */
export function layRows(rows: readonly Row[]): Uint8Array {
  return layNamed(rows.map(named));
}

/** The same. @param rows sorted by name, then hour */
function layNamed(rows: readonly NamedRow[]): Uint8Array {
  const out = new ByteWriter();
  out.number(rows.length);
  let [before, next] = [Buffer.alloc(1_024), Buffer.alloc(1_024)];
  let [length, hour] = [0, 0];
  for (const row of rows) {
    if (next.length < 3 * row.name.length) next = Buffer.alloc(6 * row.name.length);
    const written = next.write(row.name, 'utf8');
    const shared = sharedBytes(before, next, Math.min(length, written));
    out.number(shared);
    out.number(written - shared);
    out.part(next, shared, written);
    out.signed(row.hour - hour);
    out.number(row.events);
    out.number(row.length);
    let cell = 0;
    for (let index = 0; index < row.length; index += 1) {
      const at = row.cells[index] as number;
      out.number(at - cell);
      out.signed(row.sums[index] as number | bigint);
      cell = at;
    }
    [before, next, length, hour] = [next, before, written, row.hour];
  }
  return out.written();
}

function sharedBytes(a: Buffer, b: Buffer, most: number): number {
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared += 1;
  return shared;
}

/** Compresses encoded rows: a version byte, then raw deflate. */
export function packRows(laid: Uint8Array): Uint8Array {
  const packed = deflateRawSync(laid, { level: LEVEL, chunkSize: chunkSize(laid.length / 2) });
  const bytes = new Uint8Array(packed.length + 1);
  bytes[0] = ENCODING;
  bytes.set(packed, 1);
  return bytes;
}

/** Approximately the output's size: zlib's default of 16 KB takes longer to allocate than to fill. */
function chunkSize(bytes: number): number {
  return Math.max(256, Math.ceil(bytes));
}

/** Sorted rows as one binary attribute. */
export function encodeRows(rows: readonly Row[]): Uint8Array {
  return packRows(layRows(rows));
}

/** The same for rows sorted by name, then hour. */
export function encodeNamed(rows: readonly NamedRow[]): Uint8Array {
  return packRows(layNamed(rows));
}

/**
 * Decodes rows, in order.
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function decodeRows(bytes: Uint8Array): Row[] {
  return Array.from(viewRows(bytes), asRow);
}

/**
 * Decodes the rows of some names, in order; for few names, at a fraction of the cost of all.
 * @param names from `rowName`
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function pickRows(bytes: Uint8Array, names: ReadonlySet<string>): Row[] {
  return Array.from(viewRows(bytes, names), asRow);
}

/** Decodes uncompressed rows. @throws InvalidRows when the bytes are damaged */
export function readLaid(laid: Uint8Array): Row[] {
  const reader = new RowReader(Buffer.from(laid.buffer, laid.byteOffset, laid.byteLength), undefined);
  return Array.from(reader, asRow);
}

/**
 * Iterates over rows.
 * @param names from `rowName`; undefined: all
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function viewRows(bytes: Uint8Array, names?: ReadonlySet<string>): RowReader {
  if (bytes[0] !== ENCODING)
    throw new InvalidRows(`the rows have encoding ${bytes[0]}, and this code reads ${ENCODING}`);
  return new RowReader(inflated(bytes.subarray(1)), names);
}

function inflated(bytes: Uint8Array): Buffer {
  try {
    return inflateRawSync(bytes, { chunkSize: chunkSize(4 * bytes.length) });
  } catch (cause) {
    throw new InvalidRows('the rows are damaged', { cause });
  }
}

/** Iterates over rows with one reused object: each row is valid until the next, which saves most of the memory. */
class RowReader implements NamedRow, IterableIterator<RowReader, undefined> {
  hour = 0;
  events = 0;
  length = 0;
  /** Bytes of its name, the separator included. */
  nameBytes = 0;
  readonly cells: number[] = [];
  readonly sums: (number | bigint)[] = [];
  readonly #input: ByteReader;
  readonly #names: ReadonlySet<string> | undefined;
  readonly #lengths: ReadonlySet<number> | undefined;
  #left: number;
  #bytes = Buffer.allocUnsafe(1_024);
  #name: string | undefined;

  constructor(laid: Buffer, names: ReadonlySet<string> | undefined) {
    this.#input = new ByteReader(laid);
    this.#names = names;
    this.#lengths = names && new Set([...names].map((name) => Buffer.byteLength(name, 'utf8')));
    this.#left = this.#input.number();
  }

  /** Decoded lazily: a reader that filters by sums skips most names. */
  get name(): string {
    this.#name ??= this.#bytes.toString('utf8', 0, this.nameBytes);
    return this.#name;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<RowReader, undefined> {
    const input = this.#input;
    for (; this.#left > 0; this.#left -= 1) {
      const shared = input.number();
      const rest = input.number();
      this.nameBytes = shared + rest;
      if (this.nameBytes > this.#bytes.length) this.#bytes = Buffer.concat([this.#bytes], 2 * this.nameBytes);
      input.copy(rest, this.#bytes, shared);
      this.#name = undefined;
      this.hour += Number(input.signed());
      this.events = input.number();
      this.length = input.number();
      if (this.#isWanted()) {
        for (let index = 0, at = 0; index < this.length; index += 1) {
          at += input.number();
          this.cells[index] = at;
          this.sums[index] = input.signed();
        }
        this.#left -= 1;
        return { done: false, value: this };
      }
      for (let numbers = 2 * this.length; numbers > 0; numbers -= 1) input.skip();
    }
    if (!input.isDone) throw new InvalidRows('data follows the rows');
    return { done: true, value: undefined };
  }

  /** Compares lengths first, which excludes most names without decoding them. */
  #isWanted(): boolean {
    if (this.#names === undefined || this.#lengths === undefined) return true;
    return this.#lengths.has(this.nameBytes) && this.#names.has(this.name);
  }
}

/** A copy of a row with metric and entity separated. */
export function asRow({ name, hour, events, length, cells, sums }: NamedRow): Row {
  const [metric, entity] = splitName(name);
  const own = new Map<number, bigint>();
  for (let index = 0; index < length; index += 1)
    own.set(cells[index] as number, BigInt(sums[index] as number));
  return { metric, entity, hour, events, cells: own };
}
