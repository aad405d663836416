// SHA-256 as request signers ask for it, by Node's own crypto.
import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto';
import type { Checksum, SourceData } from '@smithy/types';

/** SHA-256, and with a secret its HMAC, as the signer wants it. */
export class Sha256 implements Checksum {
  #hash: Hash | Hmac;
  readonly #secret: SourceData | undefined;

  constructor(secret?: SourceData) {
    this.#secret = secret;
    this.#hash = started(secret);
  }

  update(data: Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {
    this.#hash = started(this.#secret);
  }
}

function started(secret: SourceData | undefined): Hash | Hmac {
  if (secret === undefined) return createHash('sha256');
  const key = typeof secret === 'string' ? secret : bytesOf(secret);
  return createHmac('sha256', key);
}

function bytesOf(source: ArrayBuffer | ArrayBufferView): Uint8Array {
  return ArrayBuffer.isView(source)
    ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength)
    : new Uint8Array(source);
}
