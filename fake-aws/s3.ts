// S3 in memory: objects and, in versioned buckets, their older versions.
import { createHash } from 'node:crypto';
import {
  type DeleteObjectRequest,
  type GetObjectRequest,
  type ListObjectsV2Request,
  NoSuchBucket,
  NoSuchKey,
  NotFound,
  type PutObjectRequest,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import type { Clock, Crossings, Transport } from './call.ts';
import { makeClient, type Operations } from './client.ts';
import { NotSimulated, onlyKnown, refused } from './errors.ts';

/** A version of an object; without bytes, a delete marker. */
interface StoredVersion {
  readonly id: string;
  readonly bytes: Uint8Array | undefined;
  readonly contentType: string | undefined;
  readonly lastModified: Date;
}

/** How S3 behaves. */
export interface S3Options {
  readonly clock: Clock;
  readonly crossings: Crossings;
  /** Maximum keys of a page; 1,000 on AWS. */
  readonly pageKeys?: number;
  readonly onPut?: (bucket: string, key: string, bytes: Uint8Array) => void;
}

/** One bucket. */
export class FakeBucket {
  readonly isVersioned: boolean;
  /** Versions by key, newest last. */
  readonly #objects = new Map<string, StoredVersion[]>();

  constructor(isVersioned: boolean) {
    this.isVersioned = isVersioned;
  }

  /** The existing keys, sorted. */
  keys(prefix = ''): string[] {
    const keys = [...this.#objects.keys()].filter(
      (key) => key.startsWith(prefix) && this.bytes(key) !== undefined,
    );
    return keys.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  }

  /** An object's newest version; undefined if there is none or it was deleted. */
  newest(key: string): StoredVersion | undefined {
    return this.#objects.get(key)?.at(-1);
  }

  /** An object's bytes. */
  bytes(key: string): Uint8Array | undefined {
    return this.newest(key)?.bytes;
  }

  /** An object as text. */
  text(key: string): string | undefined {
    const bytes = this.bytes(key);
    return bytes && new TextDecoder().decode(bytes);
  }

  /** All versions of the keys with a prefix, newest first. */
  versions(prefix: string): (readonly [key: string, version: StoredVersion, isLatest: boolean])[] {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix)).sort();
    return keys.flatMap((key) => {
      const newestFirst = [...(this.#objects.get(key) ?? [])].reverse();
      return newestFirst.map((version, at) => [key, version, at === 0] as const);
    });
  }

  put(key: string, version: StoredVersion): void {
    this.#objects.set(key, this.isVersioned ? [...(this.#objects.get(key) ?? []), version] : [version]);
  }

  /** Removes a version, or all of them. */
  remove(key: string, id: string | undefined): void {
    const left = (this.#objects.get(key) ?? []).filter((version) => id !== undefined && version.id !== id);
    if (left.length === 0) this.#objects.delete(key);
    else this.#objects.set(key, left);
  }
}

interface OnObject {
  readonly Bucket: string | undefined;
  readonly Key: string | undefined;
}

const fields = (names: string) => new Set(names.split(' '));

/** The buckets, and clients for them. */
export class FakeS3 {
  readonly #options: S3Options;
  readonly #buckets = new Map<string, FakeBucket>();
  #versions = 0;
  readonly #operations: Operations = {
    CreateBucket: ({ Bucket = '' }: { Bucket?: string }) => {
      this.addBucket(Bucket);
      return {};
    },
    PutObject: (input) => this.#put(input),
    GetObject: (input) => this.#get(input),
    HeadObject: ({ Bucket, Key = '' }: OnObject) => {
      const newest = this.bucket(Bucket).newest(Key);
      if (newest?.bytes === undefined) throw new NotFound(refused('NotFound', 404));
      return headers(newest.bytes, newest);
    },
    DeleteObject: (input) => this.#delete(input),
    ListObjectsV2: (input) => this.#list(input),
    ListObjectVersions: ({ Bucket, Prefix = '' }: { Bucket?: string; Prefix?: string }) => {
      const versions = this.bucket(Bucket).versions(Prefix);
      const listed = (isMarker: boolean) =>
        versions
          .filter(([, { bytes }]) => (bytes === undefined) === isMarker)
          .map(([Key, { id: VersionId }, IsLatest]) => ({ Key, VersionId, IsLatest }));
      return { Versions: listed(false), DeleteMarkers: listed(true), IsTruncated: false };
    },
  };

  constructor(options: S3Options) {
    this.#options = options;
  }

  /** A client whose calls go through a transport. */
  client(transport?: Transport): S3Client {
    return makeClient(S3Client.prototype, 's3', this.#operations, transport);
  }

  /** Makes a bucket. */
  addBucket(name: string, isVersioned = false): FakeBucket {
    const bucket = new FakeBucket(isVersioned);
    this.#buckets.set(name, bucket);
    return bucket;
  }

  /** A bucket. @throws NoSuchBucket */
  bucket(name: string | undefined): FakeBucket {
    const bucket = this.#buckets.get(name ?? '');
    if (bucket === undefined) throw new NoSuchBucket(refused('The specified bucket does not exist', 404));
    return bucket;
  }

  #put(input: PutObjectRequest & { Body?: unknown }): object {
    onlyKnown('PutObject', input, fields('Bucket Key Body ContentType IfNoneMatch'));
    const { Bucket = '', Key = '', Body, ContentType, IfNoneMatch } = input;
    const bucket = this.bucket(Bucket);
    if (IfNoneMatch !== undefined && IfNoneMatch !== '*')
      throw new NotSimulated(`IfNoneMatch ${IfNoneMatch}`);
    if (IfNoneMatch === '*' && bucket.bytes(Key) !== undefined) throw preconditionFailed();
    const bytes = bytesOf(Body);
    this.#options.onPut?.(Bucket, Key, bytes);
    const version = this.#newVersion(bytes, ContentType);
    bucket.put(Key, version);
    return { ETag: etag(bytes), ...(bucket.isVersioned && { VersionId: version.id }) };
  }

  #get(input: GetObjectRequest): object {
    onlyKnown('GetObject', input, fields('Bucket Key Range IfMatch'));
    const { Bucket, Key = '', Range, IfMatch } = input;
    const newest = this.bucket(Bucket).newest(Key);
    if (newest?.bytes === undefined) throw new NoSuchKey(refused('The specified key does not exist.', 404));
    if (IfMatch !== undefined && IfMatch !== etag(newest.bytes)) throw preconditionFailed();
    const bytes = Range === undefined ? newest.bytes : rangeOf(newest.bytes, Range);
    return { ...headers(bytes, newest), ETag: etag(newest.bytes), Body: body(bytes) };
  }

  #delete(input: DeleteObjectRequest): object {
    onlyKnown('DeleteObject', input, fields('Bucket Key VersionId'));
    const { Bucket, Key = '', VersionId } = input;
    const bucket = this.bucket(Bucket);
    if (bucket.isVersioned && VersionId === undefined)
      bucket.put(Key, this.#newVersion(undefined, undefined));
    else bucket.remove(Key, VersionId === 'null' ? undefined : VersionId);
    return {};
  }

  #list(input: ListObjectsV2Request): object {
    onlyKnown('ListObjectsV2', input, fields('Bucket Prefix ContinuationToken MaxKeys StartAfter'));
    const { Bucket, Prefix, ContinuationToken, StartAfter, MaxKeys = 1_000 } = input;
    const bucket = this.bucket(Bucket);
    const after = ContinuationToken ?? StartAfter;
    const keys = bucket.keys(Prefix);
    const from =
      after === undefined
        ? 0
        : keys.findIndex((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
    const left = from === -1 ? [] : keys.slice(from);
    const page = left.slice(0, Math.min(MaxKeys, this.#options.pageKeys ?? 1_000));
    const IsTruncated = page.length < left.length;
    if (IsTruncated) this.#options.crossings.note('s3 list');
    return {
      ...(page.length > 0 && {
        Contents: page.map((Key) => {
          const newest = bucket.newest(Key);
          return { Key, Size: newest?.bytes?.byteLength, LastModified: newest?.lastModified };
        }),
      }),
      KeyCount: page.length,
      IsTruncated,
      ...(IsTruncated && { NextContinuationToken: page.at(-1) }),
    };
  }

  #newVersion(bytes: Uint8Array | undefined, contentType: string | undefined): StoredVersion {
    this.#versions += 1;
    const lastModified = new Date(this.#options.clock.nowMs());
    return { id: `v${this.#versions}`, bytes, contentType, lastModified };
  }
}

function preconditionFailed(): S3ServiceException {
  const message = 'At least one of the pre-conditions you specified did not hold';
  return new S3ServiceException({ name: 'PreconditionFailed', $fault: 'client', ...refused(message, 412) });
}

function bytesOf(given: unknown): Uint8Array {
  if (given === undefined) return new Uint8Array();
  if (typeof given === 'string') return Buffer.from(given);
  if (given instanceof Uint8Array) return given;
  throw new NotSimulated('bodies that are neither text nor bytes');
}

function headers(bytes: Uint8Array, { contentType, lastModified }: StoredVersion): object {
  return {
    ContentLength: bytes.byteLength,
    ContentType: contentType,
    LastModified: lastModified,
    ETag: etag(bytes),
  };
}

function etag(bytes: Uint8Array): string {
  return `"${createHash('md5').update(bytes).digest('hex')}"`;
}

function rangeOf(bytes: Uint8Array, range: string): Uint8Array {
  const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(range) ?? [];
  if (from === undefined) throw new NotSimulated(`the range ${range}`);
  if (Number(from) >= bytes.byteLength) {
    const message = 'The requested range is not satisfiable';
    throw new S3ServiceException({ name: 'InvalidRange', $fault: 'client', ...refused(message, 416) });
  }
  return bytes.subarray(Number(from), to === '' ? undefined : Number(to) + 1);
}

/** A body with the methods that the SDK adds to one. */
function body(bytes: Uint8Array): object {
  return {
    transformToByteArray: async () => bytes,
    transformToString: async () => new TextDecoder().decode(bytes),
    async *[Symbol.asyncIterator]() {
      yield bytes;
    },
  };
}
