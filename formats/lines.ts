// Cuts a byte stream into lines, and gives each its number, its position and the checksum of all bytes up to its end.
import { crc32 } from 'node:zlib';

/** One line of the uncompressed file. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Offset of its first byte in the uncompressed file, and after its last one, including the line end. */
  readonly start: number;
  readonly end: number;
  /** Its bytes without line end, leading zero bytes and byte order mark; only the first ones if `tooLong`. */
  readonly bytes: Buffer;
  /** CRC-32 of all bytes of the file before `end`. */
  readonly crc: number;
  readonly tooLong: boolean;
  /** False for a last line without a line end. */
  readonly terminated: boolean;
}

/** Where in a file a reader may start: after a record. Plain data. */
export interface Position {
  readonly offset: number;
  /** CRC-32 of all bytes of the file before it. */
  readonly crc: number;
  /** Lines before it. */
  readonly lines: number;
  /** The latest header before it, in formats that have one. */
  readonly header?: readonly string[] | undefined;
}

export const BEGINNING: Position = { offset: 0, crc: 0, lines: 0 };
/** Longer lines are malformed, which bounds memory. */
export const LINE_BYTES_MAX = 1024 * 1024;

const [LF, CR] = [10, 13];
const BYTE_ORDER_MARK = Buffer.from('efbbbf', 'hex');

/** A line splitter; any chunking of the same bytes gives the same lines. Lines end in LF, CRLF or CR. */
export class LineSplitter {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #dropped = 0;
  /** The pending bytes end in CR: an LF that follows belongs to it. */
  #afterCr = false;
  #number: number;
  #start: number;
  #crc: number;
  readonly #bytesMax: number;

  constructor(at: Position = BEGINNING, bytesMax: number = LINE_BYTES_MAX) {
    this.#number = at.lines;
    this.#start = at.offset;
    this.#crc = at.crc;
    this.#bytesMax = bytesMax;
  }

  /** Adds bytes, and yields the lines they complete. */
  *push(chunk: Buffer): Generator<Line> {
    if (chunk.length === 0) return;
    let from = 0;
    if (this.#afterCr) {
      if (chunk[0] === LF) this.#take(chunk.subarray(0, ++from));
      yield this.#line(true);
    }
    let [lf, cr] = [chunk.indexOf(LF, from), chunk.indexOf(CR, from)];
    while (lf !== -1 || cr !== -1) {
      const isCr = cr !== -1 && (lf === -1 || cr < lf);
      if (isCr && cr === chunk.length - 1) {
        this.#afterCr = true;
        break;
      }
      const next = isCr ? cr + (lf === cr + 1 ? 2 : 1) : lf + 1;
      this.#take(chunk.subarray(from, next));
      yield this.#line(true);
      from = next;
      if (lf !== -1 && lf < from) lf = chunk.indexOf(LF, from);
      if (cr !== -1 && cr < from) cr = chunk.indexOf(CR, from);
    }
    if (from < chunk.length) this.#take(chunk.subarray(from));
  }

  /** Yields the last line if the file does not end in a line end. */
  *end(): Generator<Line> {
    if (this.#heldBytes > 0) yield this.#line(this.#afterCr);
  }

  #take(part: Buffer): void {
    this.#crc = crc32(part, this.#crc);
    this.#heldBytes += part.length;
    let kept = part;
    // copytruncate leaves a hole of zeros, perhaps gigabytes, before the next line.
    if (this.#held.length === 0 && part[0] === 0) {
      kept = withoutZeros(part);
      this.#dropped += part.length - kept.length;
    }
    // Keep two bytes more than the limit, so that the line end does not decide whether a line is too long.
    const held = this.#held.reduce((sum, { length }) => sum + length, 0);
    const room = Math.max(0, this.#bytesMax + 2 - held);
    if (kept.length > 0 && room > 0) this.#held.push(kept.length > room ? kept.subarray(0, room) : kept);
  }

  #line(terminated: boolean): Line {
    const [only] = this.#held;
    const kept = this.#held.length === 1 && only ? only : Buffer.concat(this.#held);
    const start = this.#start;
    const end = start + this.#heldBytes;
    let bytes = withoutLineEnd(kept);
    const tooLong = this.#heldBytes - this.#dropped > kept.length || bytes.length > this.#bytesMax;
    if (start === 0 && bytes.subarray(0, 3).equals(BYTE_ORDER_MARK)) bytes = bytes.subarray(3);
    if (tooLong) bytes = bytes.subarray(0, this.#bytesMax);
    this.#held = [];
    this.#heldBytes = 0;
    this.#dropped = 0;
    this.#afterCr = false;
    this.#start = end;
    this.#number += 1;
    return { number: this.#number, start, end, bytes, crc: this.#crc, tooLong, terminated };
  }
}

export function withoutZeros(bytes: Buffer): Buffer {
  const text = bytes.findIndex((byte) => byte !== 0);
  return bytes.subarray(text === -1 ? bytes.length : text);
}

function withoutLineEnd(bytes: Buffer): Buffer {
  const bare = bytes.at(-1) === LF ? bytes.subarray(0, -1) : bytes;
  return bare.at(-1) === CR ? bare.subarray(0, -1) : bare;
}

/** Every line of the bytes, with numbers and offsets in the uncompressed file. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.end();
}

/** The first nonzero bytes of a file, and whether they are all of it: `bytesMax`, or its first line if that is longer. */
export async function headOf(chunks: AsyncIterable<Buffer>, bytesMax: number) {
  let head = Buffer.alloc(0);
  let end = bytesMax;
  for await (const chunk of chunks) {
    head = Buffer.concat([head, head.length === 0 ? withoutZeros(chunk) : chunk]);
    const lineEnd = head.findIndex((byte) => byte === LF || byte === CR) + 1 || LINE_BYTES_MAX;
    end = Math.max(bytesMax, Math.min(lineEnd, LINE_BYTES_MAX));
    if (head.length >= end) break;
  }
  return { head: head.subarray(0, end), whole: head.length < end };
}
