// SHA-256 for the SDK's request signers, by Node's crypto: faster than the SDK's own, and every request is signed.
import { createHash, createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto';
import type { Checksum, SourceData } from '@smithy/types';

/** Node's keys for the secrets that signers keep for a day: making one takes longer than a signature. */
const keys = new WeakMap<object, KeyObject>();

/** SHA-256, or HMAC-SHA-256 with a secret. */
export class Sha256 implements Checksum {
  readonly #secret: SourceData | undefined;
  #data: Uint8Array[] = [];

  constructor(secret?: SourceData) {
    this.#secret = secret;
  }

  /** Adds bytes, without a copy. */
  update(data: Uint8Array): void {
    this.#data.push(data);
  }

  async digest(): Promise<Uint8Array> {
    const [data] = this.#data;
    if (this.#secret === undefined && data !== undefined && this.#data.length === 1) {
      return hash('sha256', data, 'buffer');
    }
    const growing =
      this.#secret === undefined ? createHash('sha256') : createHmac('sha256', keyOf(this.#secret));
    for (const bytes of this.#data) growing.update(bytes);
    return growing.digest();
  }

  reset(): void {
    this.#data = [];
  }
}

function keyOf(secret: SourceData): string | KeyObject {
  if (typeof secret === 'string') return secret;
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const key = createSecretKey(bytesOf(secret));
  keys.set(secret, key);
  return key;
}

function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
