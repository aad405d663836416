// fauxqs 2.4, put together from its parts so that a stack keeps every message; each comment names the bug it repairs.
import { buildApp } from 'fauxqs';
import type { CreatedObject } from './worker.ts';

type Stores = NonNullable<NonNullable<Parameters<typeof buildApp>[0]>['stores']>;
type Persistence = NonNullable<Stores['sqsStore']['persistence']>;

/** Starts SQS and S3; in memory without a folder. @param tell called for each object put */
export async function startFauxqs(dataDir: string | undefined, tell: (created: CreatedObject) => void) {
  const stores: Stores = {
    sqsStore: new (await inside('./sqs/sqsStore.js')).SqsStore(),
    snsStore: new (await inside('./sns/snsStore.js')).SnsStore(),
    s3Store: new (await inside('./s3/s3Store.js')).S3Store(),
  };
  const persistence = dataDir === undefined ? undefined : await persist(stores, dataDir);
  const { s3Store } = stores;
  // S3 notifies EventBridge of every object; fauxqs does not. Multipart uploads are not covered.
  const putObject = s3Store.putObject.bind(s3Store);
  s3Store.putObject = (bucket, key, ...values) => {
    const object = putObject(bucket, key, ...values);
    tell({ bucket, key, size: object.contentLength, etag: object.etag.replaceAll('"', '') });
    return object;
  };

  const app = buildApp({ logger: false, host: '127.0.0.1', stores });
  // `If-None-Match: *` is ignored, so a put that must not replace an object would.
  app.addHook('preHandler', ({ method, headers, params }, reply, done) => {
    const { bucket, '*': key } = params as { bucket?: string; '*'?: string };
    const mustBeNew = method === 'PUT' && headers['if-none-match'] === '*';
    if (!mustBeNew || s3Store['buckets'].get(bucket)?.has(key) !== true) return done();
    reply.code(412).type('application/xml');
    reply.send('<Error><Code>PreconditionFailed</Code><Message>The object exists already</Message></Error>');
  });
  // Keeps idle connections (see local/listening.ts).
  app.server.keepAliveTimeout = 0;
  // The package's own startFauxqs listens on all interfaces, whatever `host` says.
  const endpoint = await app.listen({ port: 0, host: '127.0.0.1' });
  return { endpoint, stop: async () => app.close().finally(() => persistence?.close()) };
}

/** A module that the package does not export. */
function inside(path: string) {
  return import(new URL(path, import.meta.resolve('fauxqs')).href);
}

/** Loads the stores from the folder, and keeps them there. */
async function persist(stores: Stores, dataDir: string): Promise<Persistence> {
  const { PersistenceManager } = await inside('./persistence.js');
  const persistence: Persistence = new PersistenceManager(dataDir);
  const makeReady = 'UPDATE sqs_messages SET receipt_handle = NULL, visibility_deadline = NULL';
  // The function that received a message in the last run is gone: the message need not wait for its visibility timeout.
  persistence['db'].exec(makeReady);
  // A visibility of 0 wrote NULL into a NOT NULL column: the call failed, and the message was gone until a restart.
  persistence.updateMessageReady = (messageId) =>
    persistence['db'].prepare(`${makeReady} WHERE message_id = ?`).run(messageId);

  // A message on its way to the dead-letter queue was deleted in one transaction and inserted in the next.
  const { SqsQueue } = await inside('./sqs/sqsStore.js');
  const { dequeue } = SqsQueue.prototype;
  SqsQueue.prototype.dequeue = function (...values: unknown[]) {
    let received: unknown;
    persistence['transaction'](() => {
      received = dequeue.apply(this, values);
    });
    return received;
  };

  persistence.load(stores.sqsStore, stores.snsStore, stores.s3Store);
  for (const each of [...Object.values(stores), ...stores.sqsStore.allQueues()])
    Object.assign(each, { persistence });
  return persistence;
}
