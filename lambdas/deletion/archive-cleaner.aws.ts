// Reads the whole archive, and rewrites or removes objects with all their versions.
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import { gunzipped, gzipped } from '../aws/raw-archive.ts';
import type { Deletion } from '../core/deletions.ts';
import type { ArchiveCleaner } from '../ports.ts';

const DELETIONS_PREFIX = 'deletions/';

/** The archive bucket, for deletions. */
export class S3ArchiveCleaner implements ArchiveCleaner {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async *keys(Prefix?: string): AsyncIterable<string> {
    const list = { Bucket: this.#bucket, Prefix };
    for await (const { Contents = [] } of paginateListObjectsV2({ client: this.#client }, list)) {
      for (const { Key = '' } of Contents) yield Key;
    }
  }

  async read(key: string): Promise<string> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
    if (!isCompressed(key)) return (await Body?.transformToString()) ?? '';
    const bytes = await Body?.transformToByteArray();
    return bytes === undefined ? '' : gunzipped(bytes);
  }

  async rewrite(key: string, text: string): Promise<void> {
    await this.#put(key, text);
    await this.#removeVersions(key, ({ IsLatest }) => IsLatest !== true);
  }

  async remove(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key }));
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
    const ContentType = isCompressed(key) ? 'application/gzip' : 'application/json';
    const Body = isCompressed(key) ? await gzipped(text) : text;
    await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body, ContentType }));
  }

  /** In a versioned bucket, older versions still contain what was rewritten or deleted. */
  async #removeVersions(
    key: string,
    chosen: (version: { IsLatest?: boolean | undefined }) => boolean,
  ): Promise<void> {
    const list = new ListObjectVersionsCommand({ Bucket: this.#bucket, Prefix: key });
    const { Versions = [], DeleteMarkers = [] } = await this.#client.send(list);
    for (const version of [...Versions, ...DeleteMarkers]) {
      if (version.Key !== key || version.VersionId === undefined || !chosen(version)) continue;
      const { VersionId } = version;
      await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key, VersionId }));
    }
  }
}

function isCompressed(key: string): boolean {
  return key.endsWith('.gz');
}
