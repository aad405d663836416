// Integers as bytes: those of variable length that rows are made of, and those of a digest.

/** Bytes that are not rows in this encoding. */
export class InvalidRows extends Error {
  override readonly name = 'InvalidRows';
}

/** Four bytes of a binary string (`hash(…, 'binary')`) as an unsigned integer, big-endian. */
export function uint32At(digest: string, at: number): number {
  return (
    ((digest.charCodeAt(at) << 24) |
      (digest.charCodeAt(at + 1) << 16) |
      (digest.charCodeAt(at + 2) << 8) |
      digest.charCodeAt(at + 3)) >>>
    0
  );
}

/** Smaller magnitudes are encoded as numbers, larger ones as bigints. */
const SAFE = 2 ** 30;

/** A growing buffer; numbers are written seven bits a byte, lowest first. */
export class ByteWriter {
  #buffer = Buffer.alloc(4_096);
  #length = 0;

  /** Writes a non-negative integer. */
  number(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 128) {
      this.#buffer[this.#length++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#length++] = rest;
  }

  /** Writes a signed integer of any size; small magnitudes take few bytes. */
  signed(given: number | bigint): void {
    if (given > -SAFE && given < SAFE) {
      const small = Number(given);
      this.number(small < 0 ? -2 * small - 1 : 2 * small);
      return;
    }
    const value = BigInt(given);
    let rest = value < 0n ? -2n * value - 1n : 2n * value;
    while (rest >= 128n) {
      this.#reserve(1);
      this.#buffer[this.#length++] = Number(rest % 128n) | 128;
      rest /= 128n;
    }
    this.#reserve(1);
    this.#buffer[this.#length++] = Number(rest);
  }

  /** @param buffer copied from `start` up to `end` */
  part(buffer: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    this.#length += buffer.copy(this.#buffer, this.#length, start, end);
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

export class ByteReader {
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

  /** Reads a signed integer; a bigint if it takes more than five bytes. */
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

  /** Skips an integer of any size, signed or not. */
  skip(): void {
    while (this.#next() >= 128);
  }

  /** Copies `length` bytes to `target`. */
  copy(length: number, target: Buffer, at: number): void {
    const end = this.#at + length;
    if (end > this.#buffer.length) throw new InvalidRows('the rows end too early');
    // Names are short: a call to `copy` would be slower than this loop.
    for (let from = this.#at, to = at; from < end; ) target[to++] = this.#buffer[from++] as number;
    this.#at = end;
  }

  #next(): number {
    const byte = this.#buffer[this.#at++];
    if (byte === undefined) throw new InvalidRows('the rows end too early');
    return byte;
  }
}
