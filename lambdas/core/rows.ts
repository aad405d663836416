// Rows of deltas and blocks, and their encoding: sorted, front-coded, compressed.
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { ByteReader, ByteWriter, InvalidRows } from './bytes.ts';

export { InvalidRows };

/** Sums by cell: a minute of an hour, an hour of a day, a day of a month, or a month since 1970. */
export type Cells = ReadonlyMap<number, bigint>;

/** What one (metric, entity) has in one period. */
export interface Row {
  readonly metric: string;
  readonly entity: string;
  /** Deltas hold rows of several hours: hours since 1970. Blocks are of one period: 0. */
  readonly hour: number;
  /** How many events the sums are of. A signed sum alone can't be audited. */
  readonly events: number;
  readonly cells: Cells;
}

/** The first byte of everything encoded. */
const ENCODING = 1;
/** Deflate's level: the next ones take twice the time for one byte in fifty. */
const LEVEL = 6;
/** Between metric and entity: neither can contain it. */
const SEPARATOR = '\0';

/** Orders rows as encodings have them: by metric, entity and hour, in code units. */
export function compareRows(a: Row, b: Row): number {
  if (a.metric !== b.metric) return a.metric < b.metric ? -1 : 1;
  if (a.entity !== b.entity) return a.entity < b.entity ? -1 : 1;
  return a.hour - b.hour;
}

/**
 * About how many bytes a row takes before compression. Limits are in these bytes: they grow with every row and cell, and are
 * the same whatever library compresses.
 */
export function rowBytes({ metric, entity, cells }: Row): number {
  return bytesOf(metric.length + Buffer.byteLength(entity, 'utf8'), cells.size);
}

/** The same of a named row. @param nameBytes of its name, where they are known */
export function namedBytes({ name, length }: NamedRow, nameBytes = Buffer.byteLength(name, 'utf8')): number {
  return bytesOf(nameBytes - SEPARATOR.length, length);
}

function bytesOf(nameBytes: number, cells: number): number {
  return nameBytes + 6 + cells * CELL_BYTES;
}

/** What one more cell adds to a row. */
export const CELL_BYTES = 4;

/** A row by its name, cells and sums side by side: what the compactor works with. */
export interface NamedRow {
  /** From `rowName`: sorts as `compareRows` does. */
  readonly name: string;
  /** Hours since 1970; 0 in blocks. */
  readonly hour: number;
  readonly events: number;
  /** How many cells it has. */
  readonly length: number;
  /** Ascending. */
  readonly cells: readonly number[];
  /** Of each cell; a bigint where a number would not be exact. */
  readonly sums: readonly (number | bigint)[];
}

/** What rows are known by. */
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

/** Lays rows out. @param rows sorted by `compareRows` */
export function layRows(rows: readonly Row[]): Uint8Array {
  return layNamed(rows.map(named));
}

/** Lays rows out. @param rows sorted by name, then hour */
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

/** Compresses laid-out rows: a version byte, then raw deflate. */
export function packRows(laid: Uint8Array): Uint8Array {
  const packed = deflateRawSync(laid, { level: LEVEL, chunkSize: chunkSize(laid.length / 2) });
  const bytes = new Uint8Array(packed.length + 1);
  bytes[0] = ENCODING;
  bytes.set(packed, 1);
  return bytes;
}

/** As many bytes as come out, about: the library's own 16 KB would take longer to get than to fill. */
function chunkSize(bytes: number): number {
  return Math.max(256, Math.ceil(bytes));
}

/** Sorted rows as one binary attribute. */
export function encodeRows(rows: readonly Row[]): Uint8Array {
  return packRows(layRows(rows));
}

/** The same of rows sorted by name, then hour. */
export function encodeNamed(rows: readonly NamedRow[]): Uint8Array {
  return packRows(layNamed(rows));
}

/**
 * Reads rows, in their order.
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function decodeRows(bytes: Uint8Array): Row[] {
  return rowsOf(viewRows(bytes));
}

/**
 * Reads the rows of some names, in their order; a few of many cost a fraction of reading all.
 * @param names from `rowName`
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function pickRows(bytes: Uint8Array, names: ReadonlySet<string>): Row[] {
  return rowsOf(viewRows(bytes, names));
}

/** Reads rows that are laid out and not compressed. @throws InvalidRows when the bytes are damaged */
export function readLaid(laid: Uint8Array): Row[] {
  return rowsOf(new RowReader(Buffer.from(laid.buffer, laid.byteOffset, laid.byteLength), undefined));
}

/**
 * Reads rows one after the other.
 * @param names from `rowName`: only those; undefined: all
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

/** Rows while they are read: one object for all, each row until the next one, which saves most of the memory. */
export class RowReader implements NamedRow, IterableIterator<RowReader, undefined> {
  hour = 0;
  events = 0;
  length = 0;
  /** Its name's bytes, the separator included. */
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

  /** Read when it is asked for: whoever looks at sums first passes most names over. */
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

  /** A name of another length is none of those asked for: most are told without being read. */
  #isWanted(): boolean {
    if (this.#names === undefined || this.#lengths === undefined) return true;
    return this.#lengths.has(this.nameBytes) && this.#names.has(this.name);
  }
}

function rowsOf(views: Iterable<NamedRow>): Row[] {
  const rows: Row[] = [];
  for (const view of views) rows.push(asRow(view));
  return rows;
}

/** A copy of a row with metric and entity apart. */
export function asRow({ name, hour, events, length, cells, sums }: NamedRow): Row {
  const [metric, entity] = splitName(name);
  const own = new Map<number, bigint>();
  for (let index = 0; index < length; index += 1)
    own.set(cells[index] as number, BigInt(sums[index] as number));
  return { metric, entity, hour, events, cells: own };
}
