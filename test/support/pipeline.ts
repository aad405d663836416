// The whole pipeline on real services, use case by use case, for tests that need counted events and control over every part.
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { DeleteMessageCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import {
  type AggregatorPorts,
  type AggregatorSettings,
  aggregate,
} from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { Archive } from '../../lambdas/aws/archive.ts';
import { S3RawArchive } from '../../lambdas/aws/raw-archive.ts';
import { SqsFailedMessages, SqsRollupQueue } from '../../lambdas/aws/rollup-queue.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import type { ShardId } from '../../lambdas/core/identifiers.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/core/retry-policy.ts';
import type { StreamRecord } from '../../lambdas/core/segment.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';
import { type ClientEvent, CONFIG } from './records.ts';
import type { startServices } from './services.ts';

const always = () => true;
const KEPT = { hours: undefined, days: undefined, months: undefined, all: undefined };

/** What is different for one aggregator. */
type Differently = Partial<
  Pick<AggregatorPorts, 'ledger' | 'log' | 'raw'> & Pick<AggregatorSettings, 'generationFrom' | 'rollup'>
>;

/** Creates tables, queues, a stream and a bucket, and drives events through them. */
export async function startPipeline(
  services: Awaited<ReturnType<typeof startServices>>,
  shardCount = 1,
  { archived = false } = {},
) {
  const [countsTable, ledgerTable, stream, bucket, queueUrl, deadLetterUrl] = await Promise.all([
    services.table(),
    services.table(),
    services.stream(shardCount),
    services.bucket(),
    services.queue(),
    services.queue(),
  ]);
  const clock = { nowMs: () => Date.now() };
  const ledger = new LedgerTable(services.dynamoDb, ledgerTable, clock);
  const log = new KinesisLog(services.kinesis, stream);
  const store = new StoreTable(services.dynamoDb, countsTable, clock);
  const state = new CompactionStateTable(services.dynamoDb, ledgerTable);
  const archive = new Archive(services.s3, bucket);
  const raw = new S3RawArchive(services.s3, bucket);
  const queue = new SqsRollupQueue(services.sqs, queueUrl);

  const shardIds = async () => (await log.shards()).map(({ shard }) => shard);
  const recordsOf = async (shard: ShardId): Promise<StreamRecord[]> =>
    (await Array.fromAsync(log.readToEnd(shard, {}))).flat();

  /** Where an event source mapping would continue: after everything delivered to the aggregator. */
  const checkpoints = new Map<ShardId, number>();

  async function aggregateShard(
    shard: ShardId,
    records: StreamRecord[],
    generation: string,
    { generationFrom, rollup = CONFIG, ...own }: Differently = {},
  ) {
    const ports = {
      ledger,
      log,
      queue,
      rejected: archive,
      raw: archived ? raw : undefined,
      ranges: state,
      windows: new DedupWindows(),
      clock,
      listener: SILENT,
      ...own,
    };
    const from = generationFrom === undefined ? {} : { generationFrom };
    const settings = { generation, ...from, streamRetentionMs: 604_800_000, rollup };
    await aggregate({ shard, records }, ports, settings, always);
  }

  return {
    countsTable,
    ledgerTable,
    stream,
    bucket,
    queueUrl,
    ledger,
    log,
    store,
    state,
    archive,
    raw,
    shardIds,
    recordsOf,
    aggregateShard,

    /** Puts events on the stream, one a record. */
    async put(...events: ClientEvent[]): Promise<void> {
      const Records = events.map((event, index) => ({
        PartitionKey: event.id ?? String(index),
        Data: Buffer.from(JSON.stringify({ metric: 'view', entity: '/a', ...event })),
      }));
      await services.kinesis.send(new PutRecordsCommand({ StreamName: stream, Records }));
    },

    /** One aggregator invocation over all records of every shard, from the beginning: finished segments are skipped. */
    async aggregateAll(rollup = CONFIG): Promise<void> {
      for (const shard of await shardIds()) {
        await aggregateShard(shard, await recordsOf(shard), '1', { rollup });
      }
    },

    /** One aggregator invocation with the new records of every shard, as the mapping would deliver them. */
    async aggregateNew(generation = '1', differently: Differently = {}): Promise<void> {
      for (const shard of await shardIds()) {
        const records = await recordsOf(shard);
        await aggregateShard(shard, records.slice(checkpoints.get(shard) ?? 0), generation, differently);
        checkpoints.set(shard, records.length);
      }
    },

    /** Writes the queue's messages until it is empty. @returns their number */
    async writeAll(): Promise<number> {
      const ports = {
        deltas: store,
        ledger,
        expired: archive,
        failed: new SqsFailedMessages(services.sqs, queueUrl, deadLetterUrl),
        retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
        clock,
        random: () => 0.5,
      };
      for (let written = 0; ; ) {
        const receive = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 });
        const { Messages = [] } = await services.sqs.send(receive);
        if (Messages.length === 0) return written;
        written += Messages.length;
        const delivered = Messages.map(({ MessageId = '', ReceiptHandle = '', Body = '' }) => ({
          messageId: MessageId,
          receiptHandle: ReceiptHandle,
          body: Body,
          receiveCount: 1,
          history: undefined,
        }));
        const settings = { retentions: KEPT, concurrency: 8 };
        const { retry } = await writeRollups(delivered, ports, settings, always);
        for (const { messageId, receiptHandle } of delivered) {
          if (retry.includes(messageId)) continue;
          const request = { QueueUrl: queueUrl, ReceiptHandle: receiptHandle };
          await services.sqs.send(new DeleteMessageCommand(request));
        }
      }
    },
  };
}
