// Rows of deltas and blocks, and their encoding: sorted, front-coded, compressed.
import { deflateRawSync, inflateRawSync } from 'node:zlib';

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

/** Bytes that are not rows in this encoding. */
export class InvalidRows extends Error {
  override readonly name = 'InvalidRows';
}

/** The first byte of everything encoded. */
const ENCODING = 1;
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
export function rowBytes(row: Row): number {
  return nameBytes(row) + 6 + row.cells.size * CELL_BYTES;
}

/** What one more cell adds to a row. */
export const CELL_BYTES = 4;

function nameBytes({ metric, entity }: Row): number {
  // Three bytes a character beyond ASCII at most, which no library needs to count.
  return metric.length + Buffer.byteLength(entity, 'utf8');
}

/** Lays rows out. @param rows sorted by `compareRows` */
export function layRows(rows: readonly Row[]): Uint8Array {
  const out = new ByteWriter();
  out.number(rows.length);
  let name = Buffer.alloc(0);
  let hour = 0;
  for (const row of rows) {
    const next = Buffer.from(`${row.metric}${SEPARATOR}${row.entity}`, 'utf8');
    const shared = sharedBytes(name, next);
    out.number(shared);
    out.number(next.length - shared);
    out.bytes(next.subarray(shared));
    out.signed(BigInt(row.hour - hour));
    out.number(row.events);
    out.number(row.cells.size);
    let cell = 0;
    for (const [at, sum] of [...row.cells].sort(([a], [b]) => a - b)) {
      out.number(at - cell);
      out.signed(sum);
      cell = at;
    }
    name = next;
    hour = row.hour;
  }
  return out.written();
}

/** Compresses laid-out rows: a version byte, then raw deflate. */
export function packRows(laid: Uint8Array): Uint8Array {
  const packed = deflateRawSync(laid, { level: 6 });
  const bytes = new Uint8Array(packed.length + 1);
  bytes[0] = ENCODING;
  bytes.set(packed, 1);
  return bytes;
}

/** Sorted rows as one binary attribute. */
export function encodeRows(rows: readonly Row[]): Uint8Array {
  return packRows(layRows(rows));
}

/**
 * Reads rows, in their order.
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function decodeRows(bytes: Uint8Array): Row[] {
  return rowsOf(viewRows(bytes));
}

/** What `pickRows` and views know a row by. */
export function rowName(metric: string, entity: string): string {
  return `${metric}${SEPARATOR}${entity}`;
}

/** Metric and entity of a name. */
export function splitName(name: string): readonly [metric: string, entity: string] {
  const at = name.indexOf(SEPARATOR);
  return [name.slice(0, at), name.slice(at + 1)];
}

/**
 * Reads the rows of some names, in their order; a few of many cost a fraction of reading all.
 * @param names from `rowName`
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function pickRows(bytes: Uint8Array, names: ReadonlySet<string>): Row[] {
  return rowsOf(viewRows(bytes, names));
}

/** A row while it is read: one object for all rows of a delta, which saves the compactor most of its memory. */
export interface RowView {
  /** From `rowName`. */
  readonly name: string;
  readonly hour: number;
  readonly events: number;
  /** How many cells it has. */
  readonly length: number;
  readonly cells: readonly number[];
  readonly sums: readonly (number | bigint)[];
}

/**
 * Reads rows one after the other. Each view is valid until the next one.
 * @param names from `rowName`: only those; undefined: all
 * @throws InvalidRows when the bytes are damaged or of another version
 */
export function* viewRows(bytes: Uint8Array, names?: ReadonlySet<string>): Generator<RowView> {
  if (bytes[0] !== ENCODING)
    throw new InvalidRows(`the rows have encoding ${bytes[0]}, and this code reads ${ENCODING}`);
  yield* readRows(new ByteReader(inflated(bytes.subarray(1))), names);
}

function inflated(bytes: Uint8Array): Buffer {
  try {
    return inflateRawSync(bytes);
  } catch (cause) {
    throw new InvalidRows('the rows are damaged', { cause });
  }
}

/** Reads rows that are laid out and not compressed. @throws InvalidRows when the bytes are damaged */
export function readLaid(laid: Uint8Array): Row[] {
  return rowsOf(
    readRows(new ByteReader(Buffer.from(laid.buffer, laid.byteOffset, laid.byteLength)), undefined),
  );
}

function* readRows(input: ByteReader, names: ReadonlySet<string> | undefined): Generator<RowView> {
  const view = {
    name: '',
    hour: 0,
    events: 0,
    length: 0,
    cells: [] as number[],
    sums: [] as (number | bigint)[],
  };
  const lengths = names && new Set([...names].map((name) => Buffer.byteLength(name, 'utf8')));
  let buffer = Buffer.alloc(1_024);
  for (let left = input.number(); left > 0; left -= 1) {
    const shared = input.number();
    const rest = input.bytes(input.number());
    const length = shared + rest.length;
    if (length > buffer.length) buffer = Buffer.concat([buffer], 2 * length);
    buffer.set(rest, shared);
    view.hour += Number(input.signed());
    view.events = input.number();
    // A name of another length is none of those asked for: most are told without being read.
    view.name = lengths?.has(length) === false ? '' : buffer.toString('utf8', 0, length);
    view.length = input.number();
    if (view.name === '' || names?.has(view.name) === false) {
      for (let numbers = 2 * view.length; numbers > 0; numbers -= 1) input.skip();
      continue;
    }
    for (let index = 0, at = 0; index < view.length; index += 1) {
      at += input.number();
      view.cells[index] = at;
      view.sums[index] = input.signed();
    }
    yield view;
  }
  if (!input.isDone) throw new InvalidRows('data follows the rows');
}

function rowsOf(views: Iterable<RowView>): Row[] {
  const rows: Row[] = [];
  for (const { name, hour, events, length, cells, sums } of views) {
    const [metric, entity] = splitName(name);
    const own = new Map<number, bigint>();
    for (let index = 0; index < length; index += 1)
      own.set(cells[index] as number, BigInt(sums[index] as number));
    rows.push({ metric, entity, hour, events, cells: own });
  }
  return rows;
}

function sharedBytes(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared += 1;
  return shared;
}

const SAFE = BigInt(2 ** 30);

/** Bytes that grow; numbers are written in groups of seven bits, the lowest first. */
class ByteWriter {
  #buffer = Buffer.alloc(4_096);
  #length = 0;

  /** A whole number from 0. */
  number(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** A signed number of any size: small ones, of either sign, take few bytes. */
  signed(value: bigint): void {
    if (value > -SAFE && value < SAFE) {
      const small = Number(value);
      this.number(small < 0 ? -2 * small - 1 : 2 * small);
      return;
    }
    let rest = value < 0n ? -2n * value - 1n : 2n * value;
    while (rest >= 128n) {
      this.#reserve(1);
      this.#buffer[this.#length++] = Number(rest % 128n) | 128;
      rest /= 128n;
    }
    this.#reserve(1);
    this.#buffer[this.#length++] = Number(rest);
  }

  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buffer.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  written(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#buffer.length) return;
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + bytes));
    larger.set(this.#buffer);
    this.#buffer = larger;
  }
}

class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(buffer: Buffer) {
    this.#buffer = buffer;
  }

  get isDone(): boolean {
    return this.#at === this.#buffer.length;
  }

  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.#next();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  /** A signed number: a bigint where it takes more than five bytes. */
  signed(): number | bigint {
    const from = this.#at;
    let value = 0;
    for (let factor = 1; this.#at - from < 5; factor *= 128) {
      const byte = this.#next();
      value += (byte & 127) * factor;
      if (byte < 128) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    let large = BigInt(value);
    for (let shift = 35n; ; shift += 7n) {
      const byte = this.#next();
      large += BigInt(byte & 127) << shift;
      if (byte < 128) return large % 2n === 0n ? large / 2n : -(large + 1n) / 2n;
    }
  }

  /** Passes over a number of any size, signed or not. */
  skip(): void {
    while (this.#next() >= 128);
  }

  bytes(length: number): Buffer {
    if (this.#at + length > this.#buffer.length) throw new InvalidRows('the rows end too early');
    this.#at += length;
    return this.#buffer.subarray(this.#at - length, this.#at);
  }

  #next(): number {
    const byte = this.#buffer[this.#at++];
    if (byte === undefined) throw new InvalidRows('the rows end too early');
    return byte;
  }
}
