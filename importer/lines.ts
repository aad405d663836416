// Cuts a byte stream into lines and knows, for each, its number, its place and the checksum of all bytes up to its end.

import { crc32 } from 'node:zlib';

/** One line of the uncompressed file. */
export interface Line {
  /** Counted from 1. */
  readonly number: number;
  /** Offset of its first byte in the uncompressed file. */
  readonly start: number;
  /** Offset after its last byte, line end included. */
  readonly end: number;
  /** Its bytes without the line end (`\n` or `\r\n`); only the first of them if `tooLong`. */
  readonly bytes: Buffer;
  /** CRC-32 of all bytes of the file before `end`. */
  readonly crc: number;
  readonly tooLong: boolean;
  /** False for a last line without a line end. */
  readonly terminated: boolean;
}

/** Longer lines are reported as malformed; it keeps memory bounded whatever the file holds. */
export const lineBytesMax = 1024 * 1024;

const newline = 10;
const carriageReturn = 13;

/** A line cutter; any chunking of the same bytes gives the same lines. */
export class LineSplitter {
  #pending: Buffer[] = [];
  #pendingBytes = 0;
  #number = 0;
  #start = 0;
  #crc = 0;
  readonly #bytesMax: number;

  constructor(bytesMax: number = lineBytesMax) {
    this.#bytesMax = bytesMax;
  }

  /** Takes the next bytes and gives the lines they complete. */
  *push(chunk: Buffer): Generator<Line> {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      this.#take(chunk.subarray(from, at + 1));
      yield this.#line(true);
      from = at + 1;
    }
    if (from < chunk.length) this.#take(chunk.subarray(from));
  }

  /** Gives the last line where the file does not end in a line end. */
  *end(): Generator<Line> {
    if (this.#pendingBytes > 0) yield this.#line(false);
  }

  #take(part: Buffer): void {
    this.#crc = crc32(part, this.#crc);
    // Two bytes more than the limit are kept, so that the line end never decides whether a line is too long.
    const room = this.#bytesMax + 2 - Math.min(this.#pendingBytes, this.#bytesMax + 2);
    if (room > 0) this.#pending.push(part.length > room ? part.subarray(0, room) : part);
    this.#pendingBytes += part.length;
  }

  #line(terminated: boolean): Line {
    const [only] = this.#pending;
    const kept = this.#pending.length === 1 && only ? only : Buffer.concat(this.#pending);
    const start = this.#start;
    const end = start + this.#pendingBytes;
    const tooLong = this.#pendingBytes - kept.length > 0 || trimmed(kept).length > this.#bytesMax;
    const bytes = tooLong ? kept.subarray(0, this.#bytesMax) : trimmed(kept);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#start = end;
    this.#number += 1;
    return { number: this.#number, start, end, bytes, crc: this.#crc, tooLong, terminated };
  }
}

function trimmed(bytes: Buffer): Buffer {
  let length = bytes.length;
  if (length > 0 && bytes[length - 1] === newline) length -= 1;
  if (length > 0 && bytes[length - 1] === carriageReturn) length -= 1;
  return length === bytes.length ? bytes : bytes.subarray(0, length);
}
