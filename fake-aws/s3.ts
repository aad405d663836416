// S3 in memory: objects in buckets without older versions.
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

/** An object. */
interface StoredObject {
  readonly versionId: string;
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly lastModified: Date;
}

/** How S3 behaves. */
export interface S3Options {
  readonly clock: Clock;
  readonly crossings: Crossings;
  readonly onPut?: (bucket: string, key: string, bytes: Uint8Array) => void;
}

/** One bucket, without older versions. */
export class FakeBucket {
  readonly #objects = new Map<string, StoredObject>();

  /** The existing keys, sorted. */
  keys(prefix = ''): string[] {
    const keys = [...this.#objects.keys()].filter((key) => key.startsWith(prefix));
    return keys.sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
  }

  object(key: string): StoredObject | undefined {
    return this.#objects.get(key);
  }

  /** An object's bytes. */
  bytes(key: string): Uint8Array | undefined {
    return this.object(key)?.bytes;
  }

  /** An object as text. */
  text(key: string): string | undefined {
    const bytes = this.bytes(key);
    return bytes && new TextDecoder().decode(bytes);
  }

  put(key: string, object: StoredObject): void {
    this.#objects.set(key, object);
  }

  /** Removes an object. @param versionId only if this is its version */
  remove(key: string, versionId: string | undefined): void {
    if (versionId === undefined || this.object(key)?.versionId === versionId) this.#objects.delete(key);
  }
}

interface OnObject {
  readonly Bucket: string | undefined;
  readonly Key: string | undefined;
}

const PAGE_KEYS_MAX = 1_000;

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
      const object = this.bucket(Bucket).object(Key);
      if (object === undefined) throw new NotFound(refused('NotFound', 404));
      return headers(object);
    },
    DeleteObject: (input) => this.#delete(input),
    ListObjectsV2: (input) => this.#list(input),
    ListObjectVersions: ({ Bucket, Prefix = '' }: { Bucket?: string; Prefix?: string }) => {
      const bucket = this.bucket(Bucket);
      const Versions = bucket
        .keys(Prefix)
        .map((Key) => ({ Key, VersionId: bucket.object(Key)?.versionId, IsLatest: true }));
      return { Versions, DeleteMarkers: [], IsTruncated: false };
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
  addBucket(name: string): FakeBucket {
    const bucket = new FakeBucket();
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
    onlyKnown('PutObject', input, 'Bucket Key Body ContentType IfNoneMatch');
    const { Bucket = '', Key = '', Body, ContentType, IfNoneMatch } = input;
    const bucket = this.bucket(Bucket);
    if (IfNoneMatch !== undefined && IfNoneMatch !== '*')
      throw new NotSimulated(`IfNoneMatch ${IfNoneMatch}`);
    if (IfNoneMatch === '*' && bucket.bytes(Key) !== undefined) throw preconditionFailed();
    const bytes = bytesOf(Body);
    this.#options.onPut?.(Bucket, Key, bytes);
    this.#versions += 1;
    const lastModified = new Date(this.#options.clock.nowMs());
    bucket.put(Key, { versionId: `v${this.#versions}`, bytes, contentType: ContentType, lastModified });
    return { ETag: etag(bytes) };
  }

  #get(input: GetObjectRequest): object {
    onlyKnown('GetObject', input, 'Bucket Key Range IfMatch');
    const { Bucket, Key = '', Range, IfMatch } = input;
    const object = this.bucket(Bucket).object(Key);
    if (object === undefined) throw new NoSuchKey(refused('The specified key does not exist.', 404));
    if (IfMatch !== undefined && IfMatch !== etag(object.bytes)) throw preconditionFailed();
    const bytes = Range === undefined ? object.bytes : rangeOf(object.bytes, Range);
    return { ...headers(object), ContentLength: bytes.byteLength, Body: body(bytes) };
  }

  #delete(input: DeleteObjectRequest): object {
    onlyKnown('DeleteObject', input, 'Bucket Key VersionId');
    const { Bucket, Key = '', VersionId } = input;
    this.bucket(Bucket).remove(Key, VersionId === 'null' ? undefined : VersionId);
    return {};
  }

  #list(input: ListObjectsV2Request): object {
    onlyKnown('ListObjectsV2', input, 'Bucket Prefix ContinuationToken MaxKeys StartAfter');
    const { Bucket, Prefix, ContinuationToken, StartAfter, MaxKeys = 1_000 } = input;
    const bucket = this.bucket(Bucket);
    const after = ContinuationToken ?? StartAfter;
    const keys = bucket.keys(Prefix);
    const left =
      after === undefined
        ? keys
        : keys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(after)) > 0);
    const page = left.slice(0, Math.min(MaxKeys, PAGE_KEYS_MAX));
    const IsTruncated = page.length < left.length;
    if (IsTruncated) this.#options.crossings.note('s3 list');
    return {
      ...(page.length > 0 && {
        Contents: page.map((Key) => {
          const object = bucket.object(Key);
          return { Key, Size: object?.bytes.byteLength, LastModified: object?.lastModified };
        }),
      }),
      KeyCount: page.length,
      IsTruncated,
      ...(IsTruncated && { NextContinuationToken: page.at(-1) }),
    };
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

function headers({ bytes, contentType, lastModified }: StoredObject): object {
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
