// Cuts a byte stream into lines and knows, for each, its number, its place and the checksum of all bytes up to its end.
import { crc32 } from 'node:zlib';

/** One line of the uncompressed file. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Offset of its first byte in the uncompressed file, and after its last one, line end included. */
  readonly start: number;
  readonly end: number;
  /** Its bytes without the line end, leading zero bytes and byte order mark; only the first of them if `tooLong`. */
  readonly bytes: Buffer;
  /** CRC-32 of all bytes of the file before `end`. */
  readonly crc: number;
  readonly tooLong: boolean;
  /** False for a last line without a line end. */
  readonly terminated: boolean;
}

/** Where in a file a splitter begins. */
export interface Position {
  readonly offset: number;
  readonly crc: number;
  /** Lines before it. */
  readonly lines: number;
}

export const BEGINNING: Position = { offset: 0, crc: 0, lines: 0 };
/** Longer lines are malformed; it keeps memory bounded whatever the file holds. */
const LINE_BYTES_MAX = 1024 * 1024;
/** So many bytes without a line feed, but with carriage returns, are lines that end in CR alone. */
const CR_SAMPLE_BYTES = 64 * 1024;

const [LF, CR] = [10, 13];
const BYTE_ORDER_MARK = Buffer.from('efbbbf', 'hex');

/** A line cutter; any chunking of the same bytes gives the same lines. Lines end in LF or CRLF, or all of them in CR. */
export class LineSplitter {
  #held: Buffer[] = [];
  #heldBytes = 0;
  #dropped = 0;
  #number: number;
  #start: number;
  #crc: number;
  #end: number | undefined;
  #sample: Buffer[] = [];
  #sampleBytes = 0;
  readonly #bytesMax: number;

  /** @param lineEnd known where a splitter goes on in the middle of a file; otherwise found out */
  constructor(at: Position = BEGINNING, lineEnd?: number, bytesMax: number = LINE_BYTES_MAX) {
    this.#number = at.lines;
    this.#start = at.offset;
    this.#crc = at.crc;
    this.#end = lineEnd;
    this.#bytesMax = bytesMax;
  }

  /** The byte that ends lines, as soon as that is known. */
  get lineEnd(): number | undefined {
    return this.#end;
  }

  /** Takes the next bytes and gives the lines they complete. */
  *push(chunk: Buffer): Generator<Line> {
    if (this.#end !== undefined) yield* this.#cut(chunk, this.#end);
    else if (chunk.includes(LF)) yield* this.#decide(LF, chunk);
    else {
      this.#sample.push(chunk);
      this.#sampleBytes += chunk.length;
      // A CR at the very end may be half of a CRLF.
      if (this.#sampleBytes >= CR_SAMPLE_BYTES) {
        const all = Buffer.concat(this.#sample);
        this.#sample = [];
        if (all.subarray(0, -1).includes(CR)) yield* this.#decide(CR, all);
        else if (all.length >= this.#bytesMax) yield* this.#decide(LF, all);
        else this.#sample = [all];
      }
    }
  }

  /** Gives the last line where the file does not end in a line end. */
  *end(): Generator<Line> {
    if (this.#end === undefined) {
      const all = Buffer.concat(this.#sample);
      this.#sample = [];
      yield* this.#decide(all.subarray(0, -1).includes(CR) ? CR : LF, all);
    }
    if (this.#heldBytes > 0) yield this.#line(false);
  }

  *#decide(lineEnd: number, chunk: Buffer): Generator<Line> {
    this.#end = lineEnd;
    for (const part of this.#sample) yield* this.#cut(part, lineEnd);
    this.#sample = [];
    yield* this.#cut(chunk, lineEnd);
  }

  *#cut(chunk: Buffer, lineEnd: number): Generator<Line> {
    let from = 0;
    for (let at = chunk.indexOf(lineEnd); at !== -1; at = chunk.indexOf(lineEnd, from)) {
      this.#take(chunk.subarray(from, at + 1));
      yield this.#line(true);
      from = at + 1;
    }
    if (from < chunk.length) this.#take(chunk.subarray(from));
  }

  #take(part: Buffer): void {
    this.#crc = crc32(part, this.#crc);
    this.#heldBytes += part.length;
    let kept = part;
    // copytruncate leaves a hole of zeros, perhaps gigabytes, before the next line.
    if (this.#held.length === 0 && part[0] === 0) {
      const text = part.findIndex((byte) => byte !== 0);
      this.#dropped += text === -1 ? part.length : text;
      kept = text === -1 ? part.subarray(part.length) : part.subarray(text);
    }
    // Two bytes more than the limit are kept, so that the line end never decides whether a line is too long.
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
    this.#start = end;
    this.#number += 1;
    return { number: this.#number, start, end, bytes, crc: this.#crc, tooLong, terminated };
  }
}

function withoutLineEnd(bytes: Buffer): Buffer {
  let length = bytes.length;
  if (length > 0 && bytes[length - 1] === LF) length -= 1;
  if (length > 0 && bytes[length - 1] === CR) length -= 1;
  return length === bytes.length ? bytes : bytes.subarray(0, length);
}

/** Every line of the bytes, with the numbers and offsets of the uncompressed file. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.end();
}
