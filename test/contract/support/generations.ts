// A pipeline whose stream is resharded while generations follow each other, and ledgers that die or wait.
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import { ListShardsCommand, type Shard } from '@aws-sdk/client-kinesis';
import { advanceCheckpoints } from '../../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../../lambdas/accountant/read-status.ts';
import { parseShardId, type ShardId } from '../../../lambdas/core/identifiers.ts';
import { conservationDifference } from '../../../lambdas/core/pipeline-status.ts';
import { decodeRows } from '../../../lambdas/core/rows.ts';
import type { SegmentLedger } from '../../../lambdas/ports.ts';
import { readAccepted } from '../../../lambdas/query/read-accepted.ts';
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
