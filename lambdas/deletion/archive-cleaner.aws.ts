// Reads the whole archive, and rewrites or removes objects with all their versions.
import { ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { Bucket } from '../aws/bucket.ts';
import { gunzipped, gzipped } from '../aws/raw-archive.ts';
import type { Deletion } from '../core/deletions.ts';
import type { ArchiveCleaner } from '../ports.ts';

const DELETIONS_PREFIX = 'deletions/';

export class S3ArchiveCleaner implements ArchiveCleaner {
  readonly #bucket: Bucket;

  constructor(client: S3Client, bucket: string) {
    this.#bucket = new Bucket(client, bucket);
  }

  keys(prefix?: string): AsyncIterable<string> {
    return this.#bucket.keys(prefix);
  }

  async read(key: string): Promise<string> {
    const bytes = (await this.#bucket.get(key)) ?? new Uint8Array();
    return isCompressed(key) ? gunzipped(bytes) : Buffer.from(bytes).toString();
  }

  async rewrite(key: string, text: string): Promise<void> {
    await this.#put(key, text);
    await this.#removeVersions(key, ({ IsLatest }) => IsLatest !== true);
  }

  async remove(key: string): Promise<void> {
    await this.#bucket.remove(key);
    await this.#removeVersions(key, () => true);
  }

  async keepDeletion(entityHash: string, nowMs: number, report: object): Promise<void> {
    const at = new Date(nowMs).toISOString();
    await this.#put(
      `${DELETIONS_PREFIX}${at}-${entityHash.slice(0, 16)}.json`,
      JSON.stringify({ at, entityHash, ...report }),
    );
  }

  /** The recorded deletions. */
  async *deletions(): AsyncIterable<Deletion> {
    for await (const key of this.keys(DELETIONS_PREFIX)) {
      const { entityHash, throughMs, at } = JSON.parse(await this.read(key));
      yield { entityHash, throughMs: throughMs ?? Date.parse(at) };
    }
  }

  async #put(key: string, text: string): Promise<void> {
    if (isCompressed(key)) await this.#bucket.put(key, await gzipped(text), 'application/gzip');
    else await this.#bucket.put(key, text);
  }

  /** In a versioned bucket, older versions still contain what was rewritten or deleted. */
  async #removeVersions(
    key: string,
    chosen: (version: { IsLatest?: boolean | undefined }) => boolean,
  ): Promise<void> {
    const { client, name } = this.#bucket;
    const list = new ListObjectVersionsCommand({ Bucket: name, Prefix: key });
    const { Versions = [], DeleteMarkers = [] } = await client.send(list);
    for (const version of [...Versions, ...DeleteMarkers]) {
      if (version.Key !== key || version.VersionId === undefined || !chosen(version)) continue;
      await this.#bucket.remove(key, version.VersionId);
    }
  }
}

function isCompressed(key: string): boolean {
  return key.endsWith('.gz');
}
