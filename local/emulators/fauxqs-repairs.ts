// Fixes for fauxqs 2.4, on a stack that must keep every message; each comment names the bug.
import { AsyncLocalStorage } from 'node:async_hooks';
import { existsSync } from 'node:fs';
import { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { CreatedObject } from './worker.ts';

/** The internals of fauxqs that are patched. */
interface Persistence {
  db: DatabaseSync;
  transaction(work: () => void): void;
  updateMessageReady(messageId: string): void;
}
interface Queue {
  persistence?: Persistence;
  dequeue(...values: unknown[]): unknown[];
}

interface ObjectStore {
  buckets: Map<string, Map<string, unknown>>;
  putObject(bucket: string, key: string, ...values: unknown[]): unknown;
  getObject(bucket: string, key: string): { readonly contentLength: number; readonly etag: string };
}
type S3ErrorConstructor = new (code: string, message: string, status: number) => Error;

const MAKE_READY = 'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL';

/** Patches the copy of fauxqs that this thread will load, and the database of an earlier run. @param tell called for each object put */
export async function repairFauxqs(
  dataDir: string | undefined,
  tell: (created: CreatedObject) => void,
): Promise<void> {
  listenOnThisMachineOnly();
  const inside = (path: string) => import(new URL(path, import.meta.resolve('fauxqs')).href);
  const { PersistenceManager } = (await inside('./persistence.js')) as {
    PersistenceManager: { prototype: Persistence };
  };
  const { SqsQueue } = (await inside('./sqs/sqsStore.js')) as { SqsQueue: { prototype: Queue } };
  const { S3Store } = (await inside('./s3/s3Store.js')) as { S3Store: { prototype: ObjectStore } };
  const { S3Error } = (await inside('./common/errors.js')) as { S3Error: S3ErrorConstructor };
  refuseToReplace(S3Store.prototype, S3Error);
  tellOfObjects(S3Store.prototype, tell);
  makeMessagesReadyWithTheirCount(PersistenceManager.prototype);
  receiveInOneTransaction(SqsQueue.prototype);
  if (dataDir !== undefined) returnMessagesOfLastRun(join(dataDir, 'fauxqs.db'));
}

/** startFauxqs listens on all interfaces whatever `host` says. Also keeps idle connections (see local/listening.ts). */
function listenOnThisMachineOnly(): void {
  const listen = Server.prototype.listen as (this: Server, ...values: unknown[]) => Server;
  Server.prototype.listen = function (this: Server & { keepAliveTimeout?: number }, ...values: unknown[]) {
    const [first, ...others] = values;
    this.keepAliveTimeout = 0;
    return typeof first === 'object' && first !== null
      ? listen.call(this, { ...first, host: '127.0.0.1' }, ...others)
      : listen.call(this, ...values);
  } as typeof Server.prototype.listen;
}

/** A visibility of 0 wrote NULL into a NOT NULL column: the call failed, and the message was gone until a restart. */
function makeMessagesReadyWithTheirCount(persistence: Persistence): void {
  persistence.updateMessageReady = function (messageId) {
    this.db.prepare(`${MAKE_READY} WHERE message_id = ?`).run(messageId);
  };
}

/** A message on its way to the dead-letter queue was deleted in one transaction and inserted in the next. */
function receiveInOneTransaction(queue: Queue): void {
  const dequeue = queue.dequeue;
  queue.dequeue = function (this: Queue, ...values) {
    if (this.persistence === undefined) return dequeue.apply(this, values);
    let received: unknown[] = [];
    this.persistence.transaction(() => {
      received = dequeue.apply(this, values);
    });
    return received;
  };
}

/** The function that received a message in the last run is gone: the message need not wait for its visibility timeout. */
function returnMessagesOfLastRun(path: string): void {
  if (!existsSync(path)) return;
  const database = new DatabaseSync(path);
  try {
    database.exec(MAKE_READY);
  } finally {
    database.close();
  }
}

/** S3 notifies EventBridge of every object; fauxqs does not. Multipart uploads are not covered. */
function tellOfObjects(store: ObjectStore, tell: (created: CreatedObject) => void): void {
  const putObject = store.putObject;
  store.putObject = function (this: ObjectStore, bucket, key, ...values) {
    const result = putObject.call(this, bucket, key, ...values);
    const { contentLength: size, etag } = this.getObject(bucket, key);
    tell({ bucket, key, size, etag: etag.replaceAll('"', '') });
    return result;
  };
}

/** `If-None-Match: *` was ignored, so a put that must not replace an object did. */
function refuseToReplace(store: ObjectStore, S3Error: S3ErrorConstructor): void {
  const headers = new AsyncLocalStorage<{ 'if-none-match'?: string }>();
  const emit = HttpServer.prototype.emit as (this: HttpServer, ...values: unknown[]) => boolean;
  HttpServer.prototype.emit = function (this: HttpServer, ...values: unknown[]) {
    const [event, request] = values as [string, { headers: object } | undefined];
    if (event !== 'request' || request === undefined) return emit.apply(this, values);
    return headers.run(request.headers, () => emit.apply(this, values));
  } as typeof HttpServer.prototype.emit;
  const putObject = store.putObject;
  store.putObject = function (this: ObjectStore, bucket, key, ...values) {
    if (headers.getStore()?.['if-none-match'] === '*' && this.buckets.get(bucket)?.has(key) === true)
      throw new S3Error('PreconditionFailed', 'The object exists already', 412);
    return putObject.call(this, bucket, key, ...values);
  };
}
