// A pipeline whose stream is resharded while generations follow each other, and ledgers that die or wait.
import {
  type AttributeValue,
  DeleteItemCommand,
  PutItemCommand,
  ScanCommand,
} from '@aws-sdk/client-dynamodb';
import { ListShardsCommand, type Shard } from '@aws-sdk/client-kinesis';
import { advanceCheckpoints } from '../../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../../lambdas/accountant/read-status.ts';
import { compact } from '../../../lambdas/compactor/compact.ts';
import { parseShardId, type ShardId } from '../../../lambdas/core/identifiers.ts';
import { conservationDifference } from '../../../lambdas/core/pipeline-status.ts';
import { decodeRows } from '../../../lambdas/core/rows.ts';
import type { SegmentLedger } from '../../../lambdas/ports.ts';
import { parseCountQuery } from '../../../lambdas/query/count-query.ts';
import { readAccepted } from '../../../lambdas/query/read-accepted.ts';
import { readCounts } from '../../../lambdas/query/read-counts.ts';
import { deltaOf } from '../../../lambdas/store/store-items.ts';
import { startPipeline } from '../../support/pipeline.ts';
import { startServices } from '../../support/services.ts';

export const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
export const clock = { nowMs: () => Date.now() };

/** A pipeline whose stream can be resharded, and whose counts can be read. */
export async function start(shards: number) {
  const pipeline = await startPipeline(services, shards);
  const StreamName = pipeline.stream;
  let sent = 0;

  async function open(): Promise<Shard[]> {
    const { Shards = [] } = await services.kinesis.send(new ListShardsCommand({ StreamName }));
    return Shards.filter((shard) => shard.SequenceNumberRange?.EndingSequenceNumber === undefined);
  }

  return {
    ...pipeline,
    /** Sends events with ids of their own. */
    async put(events: number): Promise<void> {
      await pipeline.put(...Array.from({ length: events }, () => ({ id: `id-${sent++}`, at: HOUR })));
    },
    async putAgain(from: number, to: number): Promise<void> {
      const ids = Array.from({ length: to - from }, (_, index) => ({ id: `id-${from + index}`, at: HOUR }));
      await pipeline.put(...ids);
    },
    /** Splits every open shard in the middle. */
    async split(): Promise<void> {
      for (const { ShardId, HashKeyRange } of await open()) {
        const [low, high] = [
          BigInt(HashKeyRange?.StartingHashKey ?? 0),
          BigInt(HashKeyRange?.EndingHashKey ?? 0),
        ];
        await services.split(StreamName, ShardId, (low + high) / 2n);
      }
    },
    /** Merges the first two open shards. */
    async merge(): Promise<void> {
      const [a, b] = (await open()).sort((x, y) =>
        BigInt(x.HashKeyRange?.StartingHashKey ?? 0) < BigInt(y.HashKeyRange?.StartingHashKey ?? 0) ? -1 : 1,
      );
      await services.merge(StreamName, a?.ShardId, b?.ShardId);
    },
    async openIds(): Promise<ShardId[]> {
      return (await open()).map(({ ShardId }) => parseShardId(ShardId ?? ''));
    },
    async counted(): Promise<number> {
      await pipeline.writeAll();
      const scan = new ScanCommand({ TableName: pipeline.countsTable, ConsistentRead: true });
      const { Items = [] } = await services.dynamoDb.send(scan);
      const deltas = Items.filter(({ pk }) => pk?.S?.startsWith('DELTA#')).map(deltaOf);
      const rows = deltas.flatMap((delta) => (delta.rows === undefined ? [] : decodeRows(delta.rows)));
      return rows.flatMap(({ cells }) => [...cells.values()]).reduce((sum, n) => sum + Number(n), 0);
    },
    /** The status of all events: accepted, unread, received. */
    async placed(): Promise<readonly (number | null)[]> {
      const { ledger, log: stream } = pipeline;
      const { accepted, unread, received } = await readAccepted({ ledger, stream }, (error) => {
        throw error;
      });
      return [accepted, unread, received];
    },
    /** The accountant's result, as of a generation. */
    async account(generation: string) {
      await advanceCheckpoints(pipeline.ledger, () => true);
      const watermark = await advanceWatermark(pipeline.ledger, pipeline.log, generation, clock);
      const status = await readStatus(pipeline.ledger);
      return { ...watermark, status, difference: conservationDifference(status) };
    },
  };
}

type Item = Record<string, AttributeValue>;
type Tables = Pick<Awaited<ReturnType<typeof startPipeline>>, 'state' | 'store' | 'ledger' | 'log'>;

const RETENTIONS = { hours: undefined, days: undefined, months: undefined, all: undefined };
const COMPACTION = {
  retentions: RETENTIONS,
  cadence: { hoursMs: 0 },
  slotBits: 2,
  blockBytes: 200,
  rangeEventsMax: 1_000_000,
  openMax: 100,
};

/** Compacts what a generation counted. */
export async function compacted({ state, store, ledger, log }: Tables, generation: string): Promise<void> {
  const ports = { state, store, ledger, stream: log, clock };
  await compact(ports, { ...COMPACTION, generation }, () => true);
}

/** The total of all time, and the sum of the minutes. */
export async function totals({ ledger, state, store }: Tables): Promise<number[]> {
  const ports = { watermarks: ledger, state, counts: store, tops: store, hints: new Map(), clock };
  const minutes = { by: 'minute', from: '2026-11-22T00:00Z', to: '2026-11-23T00:00Z' };
  const queries = [{}, minutes].map((of) => parseCountQuery('view', '/a', of, clock.nowMs()));
  const reads = await readCounts(queries, ports, { acceptFutureMs: 0, retentions: RETENTIONS });
  return reads.map((read) => ('answer' in read ? Number(read.answer.total) : Number.NaN));
}

export async function itemsOf(TableName: string): Promise<Item[]> {
  const { Items = [] } = await services.dynamoDb.send(new ScanCommand({ TableName, ConsistentRead: true }));
  return Items;
}

/** Replaces a table's items. */
export async function replaceItems(TableName: string, items: readonly Item[]): Promise<void> {
  for (const { pk, sk } of await itemsOf(TableName))
    await services.dynamoDb.send(new DeleteItemCommand({ TableName, Key: { pk, sk } as Item }));
  for (const Item of items) await services.dynamoDb.send(new PutItemCommand({ TableName, Item }));
}

/** A ledger with something around some of its calls. */
export function wrapped(
  ledger: SegmentLedger,
  calls: RegExp,
  around: (perform: () => Promise<unknown>) => Promise<unknown>,
): SegmentLedger {
  return new Proxy(ledger, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      if (!calls.test(String(name))) return method.bind(target);
      return (...args: unknown[]) => around(() => method.apply(target, args));
    },
  });
}

const WRITES = /^(putPlan|markSent|registerShard|putIds|putEntryIfAbsent|putGenerations|endHead)$/;

/** A ledger whose `nth` write fails, or loses its answer; its invocation then dies. */
export function dying(ledger: SegmentLedger, nth: number, when: 'before' | 'after'): SegmentLedger {
  let writes = 0;
  return wrapped(ledger, WRITES, async (perform) => {
    writes += 1;
    const dies = writes === nth;
    if (dies && when === 'before') throw new Error('died');
    const answer = await perform();
    if (dies) throw new Error('died');
    return answer;
  });
}

/** A ledger that stops before a call until it is released. */
export function pausing(ledger: SegmentLedger, call: keyof SegmentLedger) {
  const arrived = Promise.withResolvers<void>();
  const told = Promise.withResolvers<void>();
  const paused = wrapped(ledger, new RegExp(`^${call}$`), async (perform) => {
    arrived.resolve();
    await told.promise;
    return perform();
  });
  return { ledger: paused, waiting: arrived.promise, goOn: told.resolve };
}
