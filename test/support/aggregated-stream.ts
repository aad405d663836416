// A stream and an aggregator that a test runs when it wants to: records wait, age and are trimmed meanwhile.
import { FakeAws } from '../../fake-aws/aws.ts';
import type { Transport } from '../../fake-aws/call.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseShardKey, type ShardKey } from '../../lambdas/core/identifiers.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import type { StreamGap } from '../../lambdas/ports.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { aggregatorPorts } from './aggregator-ports.ts';
import { ARRIVAL_MS, CONFIG } from './records.ts';
import { worldShard } from './store-world.ts';

/**
 * A stream of one shard.
 * @param retentionMs how long the stream keeps records, whatever the aggregator's setting is
 * @param transport carries the aggregator's own reads of the stream
 */
export function aggregatedStream(retentionMs: number, transport?: Transport) {
  const clock = { now: ARRIVAL_MS, nowMs: () => clock.now };
  const aws = new FakeAws({ clock, kinesis: { retentionMs } });
  const { dynamoDb, kinesis } = aws.clients();
  aws.dynamoDb.addTable('ledger', { ttl: 'expiresAt' });
  const stream = aws.kinesis.addStream('events', 1);
  const ledger = new LedgerTable(dynamoDb, 'ledger', clock);
  const pauses: number[] = [];
  const pause = async (ms: number) => void pauses.push(ms);
  const log = new KinesisLog(aws.clients(transport).kinesis, 'events', undefined, pause);
  const delivered = new KinesisLog(kinesis, 'events');
  const gaps: (StreamGap & { readonly shard: ShardKey })[] = [];
  const gap = (shard: ShardKey, noted: StreamGap) => void gaps.push({ ...noted, shard });
  const ranges = new CompactionStateTable(dynamoDb, 'ledger');
  const ports = aggregatorPorts({ ledger, ranges, clock }, [], { log, listener: { ...SILENT, gap } });
  /** What the stream holds of a shard. */
  const records = async (shard: number) =>
    (await Array.fromAsync(delivered.readToEnd(worldShard(shard), {}))).flat();
  return {
    ...{ clock, stream, gaps, pauses, records },
    put: (id: string) =>
      stream.put(Buffer.from(JSON.stringify({ metric: 'view', entity: '/a', id })), id)[1].sequenceNumber,
    /** Aggregates a batch of a shard, by default all that the stream holds of it. */
    aggregate: async (shard: number, retentionHours: number, batch?: Awaited<ReturnType<typeof records>>) => {
      const settings = { generation: '1', streamRetentionMs: retentionHours * HOUR_MS, rollup: CONFIG };
      const given = { shard: worldShard(shard), records: batch ?? (await records(shard)) };
      return aggregate(given, ports, settings, () => true);
    },
    /** How many events of a shard were received. */
    received: async (shard: number) => (await ledger.readHead(parseShardKey(`1.${shard}`)))?.totals.received,
  };
}
