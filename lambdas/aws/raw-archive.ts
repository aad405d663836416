// Raw records on S3: a compressed object for each segment, and an empty one for each further hour in which its records arrived.
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { S3Client } from '@aws-sdk/client-s3';
import {
  InvalidRawObject,
  RAW_PREFIX,
  type RawObject,
  type RawPlace,
  type RawSegment,
  rawHourPrefix,
  rawKey,
  rawPlaceIn,
  readRawObject,
} from '../core/raw-segment.ts';
import { HOUR_MS } from '../core/time.ts';
import type { RawArchive, RawHistory } from '../raw-ports.ts';
import { Bucket } from './bucket.ts';
import { s3 } from './clients/s3.ts';

/** Compresses text. The gzip header has no time, so the same text gives the same bytes. */
export const gzipped: (text: string) => Promise<Uint8Array> = promisify(gzip);

/** The text that `gzipped` compressed. @throws Error for other bytes */
export async function gunzipped(bytes: Uint8Array): Promise<string> {
  return (await promisify(gunzip)(bytes)).toString('utf8');
}

export interface Compression {
  gzipped(text: string): Promise<Uint8Array>;
  gunzipped(bytes: Uint8Array): Promise<string>;
}

export class S3RawArchive implements RawArchive, RawHistory {
  readonly #bucket: Bucket;
  readonly #compression: Compression;

  constructor(client: S3Client, bucket: string, compression: Compression = { gzipped, gunzipped }) {
    this.#bucket = new Bucket(client, bucket);
    this.#compression = compression;
  }

  async keepRaw({ key, markers, text }: RawObject): Promise<void> {
    // Put the object last, so that an object always has its markers.
    for (const marker of markers) await this.#bucket.put(marker, new Uint8Array(), 'text/plain');
    await this.#bucket.put(key, await this.#compression.gzipped(text), 'application/gzip');
  }

  async readRaw(place: RawPlace): Promise<RawSegment | undefined> {
    const bytes = await this.#bucket.get(rawKey(place));
    if (bytes === undefined) return undefined;
    let text: string;
    try {
      text = await this.#compression.gunzipped(bytes);
    } catch (cause) {
      throw new InvalidRawObject('it cannot be decompressed', { cause });
    }
    const raw = readRawObject(text);
    if (raw.segment !== place.segment) throw new InvalidRawObject(`it belongs to segment ${raw.segment}`);
    return raw;
  }

  async *places(range?: { readonly fromMs: number; readonly toMs: number }): AsyncIterable<RawPlace> {
    for (const prefix of prefixesOf(range)) {
      for await (const key of this.#bucket.keys(prefix)) {
        const place = rawPlaceIn(key);
        if (place !== undefined) yield place;
      }
    }
  }
}

/** The archive of raw records, with its own client. */
export function openRawArchive(bucket: string): S3RawArchive {
  return new S3RawArchive(s3(), bucket);
}

function* prefixesOf(range: { readonly fromMs: number; readonly toMs: number } | undefined) {
  if (range === undefined) {
    yield RAW_PREFIX;
    return;
  }
  for (let hourMs = range.fromMs; hourMs < range.toMs; hourMs += HOUR_MS) yield rawHourPrefix(hourMs);
}
