// One stage on AWS in memory: its resources, the deployed adapters on them, and views for the oracle.
import { gunzipSync, gzipSync } from 'node:zlib';
import { FakeAws } from '../../../fake-aws/aws.ts';
import type { Item } from '../../../fake-aws/dynamodb/values.ts';
import type { FakeQueue } from '../../../fake-aws/queue.ts';
import type { FakeBucket } from '../../../fake-aws/s3.ts';
import type { FakeStream } from '../../../fake-aws/stream.ts';
import { Archive } from '../../../lambdas/aws/archive.ts';
import { type Compression, S3RawArchive } from '../../../lambdas/aws/raw-archive.ts';
import { retryParameter } from '../../../lambdas/aws/retry-parameter.ts';
import { SqsFailedMessages, SqsRollupQueue } from '../../../lambdas/aws/rollup-queue.ts';
import { KinesisLog } from '../../../lambdas/aws/stream-log.ts';
import { S3ArchiveCleaner } from '../../../lambdas/deletion/archive-cleaner.aws.ts';
import { LedgerTable } from '../../../lambdas/ledger/ledger-table.ts';
import type { Clock, RetryPolicySource } from '../../../lambdas/ports.ts';
import { RepairArchive } from '../../../lambdas/recount/repair-archive.aws.ts';
import { SqsDeadLetters } from '../../../lambdas/redriver/dead-letters.aws.ts';
import { RewriteTable } from '../../../lambdas/store/rewrite-table.ts';
import { CompactionStateTable } from '../../../lambdas/store/state-table.ts';
import { StoreTable } from '../../../lambdas/store/store-table.ts';
import type { Oracle } from '../../oracle/oracle.ts';
import type { Random } from '../random.ts';
import { LedgerView } from './ledger-view.ts';
import { BUCKET, PARAMETER, STREAM, TABLES, URLS } from './names.ts';
import { directNetwork, type Network } from './network.ts';
import { transportOver } from './transport.ts';

/** Sizes of pages and batches: far smaller than on AWS, so that small histories cross the limits. */
export interface WorldLimits {
  /** Most records in a page of the stream, and whether every other page is empty. */
  readonly pageRecords: number;
  readonly emptyPages: boolean;
  /** Bytes of ids in one item, entries in a page of a query, keys in one batch. */
  readonly idsChunkBytes: number;
  readonly pageEntries: number;
  readonly batchKeys: number;
  /** Messages in one batch. */
  readonly batchMessages: number;
  readonly pageShards: number;
  /** Bytes of a page of a table. */
  readonly tablePageBytes: number;
}

/** The services' settings. Times are milliseconds. */
export interface WorldSettings {
  readonly shards: number;
  readonly streamRetentionMs: number;
  readonly sequenceBase?: bigint;
  readonly queueRetentionMs: number;
  readonly deadLetterRetentionMs: number;
  readonly maxReceiveCount: number;
  readonly ttlDelayMs: number;
  /** How long entries and ids are kept; undefined: forever. */
  readonly ledgerRetentionMs?: number | undefined;
  /** How long deltas are kept; undefined: forever. */
  readonly deltaRetentionMs?: number | undefined;
  readonly limits: WorldLimits;
  /** The retry parameter's text. */
  readonly retries: string;
}

/** A world's settings, and what it is connected to. */
export interface WorldOptions extends WorldSettings {
  readonly clock: Clock;
  readonly random: Random;
  readonly oracle: Oracle;
  /** How many leading entries of a batch the queue accepts, although the call answers 200. */
  readonly accepted: (entries: number) => number;
}

type QueueName = 'rollup' | 'dead';

const HOUR_MS = 3_600_000;
const REREAD_MS = 60_000;
const COPY_DELAY_MS_MAX = 120_000;
/** An item of counts that takes more than sixty write units. */
const ITEM_BYTES_LARGE = 60_000;

/** Options as on AWS. */
export const ORDINARY_WORLD = {
  shards: 1,
  streamRetentionMs: 7 * 24 * HOUR_MS,
  queueRetentionMs: 4 * 24 * HOUR_MS,
  deadLetterRetentionMs: 14 * 24 * HOUR_MS,
  maxReceiveCount: 20,
  ttlDelayMs: 0,
  limits: {
    pageRecords: 100,
    emptyPages: false,
    idsChunkBytes: 320_000,
    pageEntries: 200,
    batchKeys: 100,
    batchMessages: 3,
    pageShards: 1_000,
    tablePageBytes: 1_048_576,
  },
  retries: '{}',
} as const;

/** A container's memory of the retry parameter: the deployed adapter, on the running invocation's network. */
export interface RememberedPolicy {
  network: Network;
  clock: Clock;
  readonly source: RetryPolicySource;
}

/** The deployed adapters over one network. */
export type Clients = ReturnType<World['clients']>;

/** The state of every service. */
export class World {
  readonly aws: FakeAws;
  readonly stream: FakeStream;
  readonly ledger: LedgerView;
  readonly queue: FakeQueue;
  readonly deadLetters: FakeQueue;
  readonly archive: FakeBucket;
  /** How many of the next messages sent to each queue get a copy. */
  readonly copiesDue = { rollup: 0, dead: 0 };
  readonly #options: WorldOptions;

  constructor(options: WorldOptions) {
    const { clock, shards, streamRetentionMs, sequenceBase, limits, ttlDelayMs, accepted, oracle } = options;
    const random = { dead: options.random.fork('dead'), rollup: options.random.fork('rollup') };
    this.#options = options;
    this.ledger = new LedgerView(oracle);
    this.aws = new FakeAws({
      clock,
      dynamoDb: {
        ttlDelayMs: () => ttlDelayMs,
        limits: { pageBytes: limits.tablePageBytes },
        processed: (requests) => Math.min(requests, limits.batchKeys),
        onChange: (table, before, after, cause) => {
          if (cause === 'expiry') this.aws.crossings.note(`expiry of ${kindOf(before)}`);
          if (after === undefined) return;
          this.#noteCrossing(after);
          if (table === TABLES.counts) oracle.countsWritten(before, after);
          else this.ledger.written(before, after);
        },
      },
      kinesis: {
        retentionMs: streamRetentionMs,
        ...(sequenceBase !== undefined && { sequenceBase }),
        pageRecords: limits.pageRecords,
        emptyPages: limits.emptyPages,
        pageShards: limits.pageShards,
        onRecord: ({ id }, record) => oracle.recordPut(id, record),
      },
      sqs: {
        order: (messages, queue) => random[queue as QueueName].shuffled(messages),
        copies: (queue) => {
          if (this.copiesDue[queue as QueueName] === 0) return [];
          this.copiesDue[queue as QueueName] -= 1;
          return [random[queue as QueueName].between(0, COPY_DELAY_MS_MAX)];
        },
        processed: accepted,
        onBatchEntry: (_queue, { body }) => oracle.rollupSent(body),
        onDropped: (queue, { body }) => oracle.messageDropped(queue, body),
      },
      s3: { onPut: (_bucket, key, bytes) => oracle.archived(key, textOf(key, bytes)) },
    });
    for (const table of Object.values(TABLES)) this.aws.dynamoDb.addTable(table, { ttl: 'expiresAt' });
    this.stream = this.aws.kinesis.addStream(STREAM, shards);
    this.deadLetters = this.aws.sqs.addQueue('dead', { retentionMs: options.deadLetterRetentionMs });
    this.queue = this.aws.sqs.addQueue('rollup', {
      retentionMs: options.queueRetentionMs,
      redrive: { maxReceiveCount: options.maxReceiveCount, deadLetters: this.deadLetters },
    });
    this.archive = this.aws.s3.addBucket(BUCKET);
    this.retries = options.retries;
    oracle.world = this;
  }

  /** The retry parameter's text, as an operator set it. */
  set retries(text: string) {
    this.aws.ssm.parameters.set(PARAMETER, text);
  }

  /** The names of parked dead letters, poison included. */
  parkedNames(): string[] {
    return this.archive.keys('parked/').map((key) => key.slice('parked/'.length, -'.json'.length));
  }

  /** The retry parameter's memory of a new container. */
  nothingRemembered(): RememberedPolicy {
    const remembered: RememberedPolicy = {
      network: directNetwork,
      clock: this.#options.clock,
      source: retryParameter(
        this.aws.ssm.client((call, effect) => transportOver(remembered.network)(call, effect)),
        { name: PARAMETER, rereadMs: REREAD_MS },
        { nowMs: () => remembered.clock.nowMs() },
        () => {},
      ),
    };
    return remembered;
  }

  /** The adapters over a network, under the names of the ports that they are for. */
  clients(network: Network, clock: Clock, remembered: RememberedPolicy = this.nothingRemembered()) {
    const { idsChunkBytes, pageEntries, batchMessages } = this.#options.limits;
    const { dynamoDb, kinesis, sqs, s3 } = this.aws.clients(transportOver(network));
    const log = new KinesisLog(kinesis, STREAM);
    const ledger = new LedgerTable(dynamoDb, TABLES.ledger, clock, this.#options.ledgerRetentionMs, {
      idsChunkBytes,
      pageEntries,
    });
    const state = new CompactionStateTable(dynamoDb, TABLES.ledger);
    const store = new StoreTable(dynamoDb, TABLES.counts, clock, this.#options.deltaRetentionMs);
    const archive = new Archive(s3, BUCKET);
    const urls = { queueUrl: URLS.rollups, deadLetterUrl: URLS.deadLetters };
    Object.assign(remembered, { network, clock });
    return {
      clock,
      ...{ log, stream: log },
      ...{ ledger, watermarks: ledger },
      ...{ state, ranges: state },
      ...{ store, deltas: store, counts: store, tops: store },
      ...{ archive, rejected: archive, expired: archive, parked: archive },
      queue: new SqsRollupQueue(sqs, URLS.rollups, batchMessages),
      failed: new SqsFailedMessages(sqs, URLS.rollups, URLS.deadLetters),
      deadLetters: new SqsDeadLetters(sqs, urls, archive),
      raw: new S3RawArchive(s3, BUCKET, AT_ONCE),
      rewriter: new RewriteTable(dynamoDb, TABLES.counts),
      cleaner: new S3ArchiveCleaner(s3, BUCKET),
      repairs: new RepairArchive(s3, BUCKET),
      retryPolicy: remembered.source,
      tables: { isHealthy: async () => (await store.isHealthy()) && (await ledger.isHealthy()) },
    };
  }

  /** Notes when a limit of the store is crossed. */
  #noteCrossing(item: Item): void {
    const { pk, split, tombstone } = item;
    const [kind = '', range = ''] = pk?.S?.split('#') ?? [];
    if ((item['rows']?.B?.byteLength ?? 0) > ITEM_BYTES_LARGE) this.aws.crossings.note('large item');
    if (kind === 'LATE' && item['sk']?.S?.endsWith('#0') === false)
      this.aws.crossings.note('late rows in chunks');
    if (kind === 'DELTA' && Number(item['sk']?.S?.split('#')[2]) >= 1) this.aws.crossings.note('segment cut');
    if (split !== undefined) this.aws.crossings.note('block split');
    if (tombstone !== undefined) this.aws.crossings.note('tombstone');
    if (kind === 'LATE') this.aws.crossings.note('late rows');
    if (kind === 'DELTA' && range !== '') this.aws.crossings.note('deltas by hash range');
  }
}

/** Compresses synchronously: a thread would finish at a time that no seed determines. */
const AT_ONCE: Compression = {
  gzipped: async (text) => gzipSync(text),
  gunzipped: async (bytes) => gunzipSync(bytes).toString('utf8'),
};

function textOf(key: string, bytes: Uint8Array): string {
  return (key.endsWith('.gz') ? gunzipSync(bytes) : Buffer.from(bytes)).toString('utf8');
}

/** The kind of an item, for the names of crossings. */
function kindOf(item: Item | undefined): string {
  const kind = item?.['pk']?.S?.split('#')[0] ?? '';
  return /^[A-Z]+$/.test(kind) ? kind : (item?.['sk']?.S?.split('#')[0] ?? '');
}
