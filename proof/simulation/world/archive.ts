// The archive bucket as operators and the oracle see it: objects as text, compressed or not.
import { gunzipSync, gzipSync } from 'node:zlib';
import type { FakeBucket } from '../../../fake-aws/s3.ts';
import type { Compression } from '../../../lambdas/aws/raw-archive.ts';

/** Compresses synchronously: a thread would finish at a time that no seed determines. */
export const AT_ONCE: Compression = {
  gzipped: async (text) => gzipSync(text),
  gunzipped: async (bytes) => gunzipSync(bytes).toString('utf8'),
};

/** An object's text. */
export function textOf(key: string, bytes: Uint8Array): string {
  return (key.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes)).toString('utf8');
}

/** The archive. */
export class WorldArchive {
  readonly #bucket: FakeBucket;

  constructor(bucket: FakeBucket) {
    this.#bucket = bucket;
  }

  /** All keys in order. */
  keys(): string[] {
    return this.#bucket.keys();
  }

  /** An object as text; undefined if there is none. */
  get(key: string): string | undefined {
    const bytes = this.#bucket.bytes(key);
    return bytes && textOf(key, bytes);
  }

  /** The names of parked dead letters, poison included. */
  parkedNames(): string[] {
    return this.#bucket.keys('parked/').map((key) => key.slice('parked/'.length, -'.json'.length));
  }
}
