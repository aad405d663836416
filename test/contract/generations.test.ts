// A new generation on a resharded stream: every record counts once, with a death at any write, with or without the old ledger.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import {
  GetShardIteratorCommand,
  ListShardsCommand,
  MergeShardsCommand,
  type Shard,
  SplitShardCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { beginShard } from '../../lambdas/aggregator/begin-shard.ts';
import { GenerationEnded } from '../../lambdas/aggregator/errors.ts';
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { parseShardId, type ShardId, shardKey } from '../../lambdas/core/identifiers.ts';
import { conservationDifference } from '../../lambdas/core/pipeline-status.ts';
import { decodeRows } from '../../lambdas/core/rows.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import type { SegmentLedger } from '../../lambdas/ports.ts';
import { readAccepted } from '../../lambdas/query/read-accepted.ts';
import { deltaOf } from '../../lambdas/store/store-items.ts';
import { startPipeline } from '../support/pipeline.ts';
import { CONFIG } from '../support/records.ts';
import { startServices } from '../support/services.ts';

const services = await startServices();
const HOUR = Date.UTC(2026, 10, 22, 5);
const clock = { nowMs: () => Date.now() };

/** A pipeline whose stream can be resharded, and whose counts can be read. */
async function start(shards: number) {
  const pipeline = await startPipeline(services, shards);
  const StreamName = pipeline.stream;
  let sent = 0;
  const ready = () =>
    waitUntilStreamExists({ client: services.kinesis, minDelay: 1, maxWaitTime: 60 }, { StreamName });

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
        const NewStartingHashKey = String((low + high) / 2n);
        await services.kinesis.send(
          new SplitShardCommand({ StreamName, ShardToSplit: ShardId, NewStartingHashKey }),
        );
        await ready();
      }
    },
    /** Merges the first two open shards. */
    async merge(): Promise<void> {
      const [a, b] = (await open()).sort((x, y) =>
        BigInt(x.HashKeyRange?.StartingHashKey ?? 0) < BigInt(y.HashKeyRange?.StartingHashKey ?? 0) ? -1 : 1,
      );
      await services.kinesis.send(
        new MergeShardsCommand({ StreamName, ShardToMerge: a?.ShardId, AdjacentShardToMerge: b?.ShardId }),
      );
      await ready();
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

test('200 events, split to six, a new generation, 40 more: 240', async () => {
  const { put, split, counted, account, ...pipeline } = await start(3);
  await put(200);
  await pipeline.aggregateNew('1');
  assert.equal(await counted(), 200);
  await split();
  await put(40);
  await pipeline.aggregateNew('2');
  assert.equal(await counted(), 240);
  const { status, difference, gaps, lost, throughMs } = await account('2');
  assert.deepEqual([status.received, status.counted, difference], [240, 240, 0]);
  assert.deepEqual([gaps, lost], [[], []]);
  assert.ok(throughMs > 0, 'a watermark is published');
  // Nothing of the first generation is left to wait for, and the next one works in the same way.
  await put(10);
  await pipeline.aggregateNew('3');
  assert.equal(await counted(), 250);
  assert.deepEqual(
    (await pipeline.ledger.readGenerations()).map(({ name, from }) => [name, from]),
    [
      ['1', 'heads'],
      ['2', 'heads'],
      ['3', 'heads'],
    ],
  );
});

test('split, unread rest, merge, an idle shard: children first, every record once', async () => {
  const { put, split, merge, openIds, counted, account, ...pipeline } = await start(2);
  await put(3);
  await pipeline.aggregateNew('1');
  // These are still unread when their shards close.
  await put(60);
  await split();
  await put(50);
  await merge();
  await put(20);
  // The youngest first, as a poller might.
  for (const shard of (await pipeline.shardIds()).reverse())
    await pipeline.aggregateShard(shard, await pipeline.recordsOf(shard), '2');
  assert.equal(await counted(), 133);
  const { difference, gaps, status } = await account('2');
  assert.deepEqual([difference, gaps, status.counted], [0, [], 133]);
  await split();
  await put(7);
  await pipeline.aggregateNew('2');
  await pipeline.aggregateNew('3');
  assert.equal(await counted(), 140);
  assert.ok((await openIds()).length > 2);
});

test('the status reads each shard from where the new generation begins', async () => {
  const { put, split, placed, ...pipeline } = await start(2);
  await put(20);
  await pipeline.aggregateNew('1');
  await split();
  await put(6);
  assert.deepEqual(await placed(), [26, 6, 20]);
  const [closed, , ...children] = await pipeline.shardIds();
  assert.ok(closed);
  for (const shard of children) await pipeline.aggregateShard(shard, await pipeline.recordsOf(shard), '2');
  assert.deepEqual(await placed(), [26, 0, 26]);
  await put(3);
  assert.deepEqual(await placed(), [29, 3, 26]);
});

test('an id seen before the change is a duplicate after it, on the shard and on its children', async () => {
  const { put, putAgain, split, counted, ...pipeline } = await start(1);
  await put(30);
  await pipeline.aggregateNew('1');
  await putAgain(0, 10);
  await pipeline.aggregateNew('2');
  await split();
  await putAgain(5, 20);
  await pipeline.aggregateNew('2');
  assert.equal(await counted(), 30);
});

/** A ledger whose `nth` write fails, or loses its answer; its invocation then dies. */
function dying(
  ledger: SegmentLedger,
  nth: number,
  when: 'before' | 'after',
): SegmentLedger & { writes: number } {
  const state = { writes: 0 };
  const writing = /^(putPlan|markSent|registerShard|putIds|putEntryIfAbsent|putGenerations|endHead)$/;
  return new Proxy(ledger, {
    get(target, name) {
      if (name === 'writes') return state.writes;
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      if (!writing.test(String(name))) return method.bind(target);
      return async (...args: unknown[]) => {
        state.writes += 1;
        if (state.writes === nth && when === 'before') throw new Error('died');
        const answer = await method.apply(target, args);
        if (state.writes === nth) throw new Error('died');
        return answer;
      };
    },
  }) as SegmentLedger & { writes: number };
}

for (const when of ['before', 'after'] as const) {
  test(`the invocation that begins the generation dies ${when} a write, then the next one a write later: every record once`, async () => {
    const { put, split, counted, account, ...pipeline } = await start(1);
    await put(6);
    // The first generation is killed with a planned, unfinished segment.
    const [shard] = await pipeline.shardIds();
    assert.ok(shard);
    const killed = { ledger: dying(pipeline.ledger, 4, 'before') };
    const records = await pipeline.recordsOf(shard);
    await assert.rejects(pipeline.aggregateShard(shard, records, '1', undefined, undefined, killed), /died/);
    await split();
    await put(5);
    let deaths = 0;
    for (;;) {
      const ledger = dying(pipeline.ledger, deaths + 1, when);
      try {
        await pipeline.aggregateNew('2', undefined, { ledger });
        break;
      } catch (error) {
        assert.match(String(error), /died/);
        deaths += 1;
      }
    }
    assert.ok(deaths >= 5, `${deaths} deaths`);
    assert.equal(await counted(), 11);
    const { difference, lost } = await account('2');
    assert.deepEqual([difference, lost], [0, []]);
  });
}

/** A ledger that stops before a call until it is released. */
function pausing(ledger: SegmentLedger, call: keyof SegmentLedger) {
  let arrived = () => {};
  let goOn = () => {};
  const waiting = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const told = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const paused = new Proxy(ledger, {
    get(target, name) {
      const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
      if (name !== call) return method.bind(target);
      return async (...args: unknown[]) => {
        arrived();
        await told;
        return method.apply(target, args);
      };
    },
  });
  return { ledger: paused, waiting, goOn: () => goOn() };
}

for (const call of [
  'readGenerations',
  'registerShard',
  'putPlan',
  'putIds',
  'putEntryIfAbsent',
  'markSent',
] as const) {
  test(`a zombie of the old generation is about to ${call} while the new one begins: every record once`, async () => {
    for (const seen of [false, true]) {
      const { put, counted, account, ...pipeline } = await start(1);
      const [shard] = await pipeline.shardIds();
      assert.ok(shard);
      await put(4);
      await pipeline.ledger.putGenerations([{ name: '1', from: 'heads', startedAtMs: 0 }], 0);
      // With and without a segment of the shard in the old generation.
      if (seen) await pipeline.aggregateNew('1');
      if (seen && (call === 'readGenerations' || call === 'registerShard')) continue;
      await put(5);
      const records = await pipeline.recordsOf(shard);
      const { ledger, waiting, goOn } = pausing(pipeline.ledger, call);
      const zombie = pipeline.aggregateShard(shard, records, '1', undefined, undefined, { ledger }).then(
        () => 'ended well',
        (error: unknown) => error,
      );
      await Promise.race([waiting, zombie]);
      await pipeline.aggregateShard(shard, records, '2');
      await put(3);
      goOn();
      const outcome = await zombie;
      assert.ok(outcome === 'ended well' || outcome instanceof GenerationEnded, String(outcome));
      await pipeline.aggregateShard(shard, await pipeline.recordsOf(shard), '2');
      assert.equal(await counted(), 12);
      const { difference, gaps, lost } = await account('2');
      assert.deepEqual([difference, gaps, lost], [0, [], []]);
    }
  });
}

test('a generation that another has followed plans nothing more, and reports it', async () => {
  const { put, counted, ...pipeline } = await start(1);
  await put(2);
  await pipeline.aggregateNew('1');
  await put(2);
  await pipeline.aggregateNew('2');
  await put(2);
  const [shard] = await pipeline.shardIds();
  assert.ok(shard);
  const records = await pipeline.recordsOf(shard);
  await assert.rejects(pipeline.aggregateShard(shard, records, '1'), GenerationEnded);
  await pipeline.aggregateNew('2');
  assert.equal(await counted(), 6);
});

test('an invocation that began before the newest generation is not the next one', async () => {
  const ledger = new LedgerTable(services.dynamoDb, await services.table(), clock);
  const began = (generation: string, beganMs: number) =>
    beginShard(
      parseShardId('shardId-000000000000'),
      beganMs,
      { ledger, clock: { nowMs: () => beganMs + 5 } },
      { generation, rollup: CONFIG, streamRetentionMs: 86_400_000 },
      () => assert.fail('nothing is planned'),
    );
  await began('2', 100);
  // Generation 1 was deployed before, and never counted anything.
  await assert.rejects(began('1', 90), GenerationEnded);
  await began('3', 200);
  assert.deepEqual(
    (await ledger.readGenerations()).map(({ name }) => name),
    ['2', '3'],
  );
});

test('a ledger from before generations were listed: the first new one finds the old by its shards', async () => {
  const { put, split, counted, ...pipeline } = await start(1);
  await put(9);
  const { ledger } = pipeline;
  const old: SegmentLedger = new Proxy(ledger, {
    get(target, name) {
      if (name === 'putGenerations') return async () => 'put';
      const value = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  await pipeline.aggregateNew('1', undefined, { ledger: old });
  assert.deepEqual(await ledger.readGenerations(), []);
  await split();
  await put(4);
  await pipeline.aggregateNew('2');
  assert.equal(await counted(), 13);
});

/** The emulator has no iterator at a time. One at the horizon replaces it, since earlier records are skipped anyway. */
async function logAt(stream: string, asked: number[]): Promise<KinesisLog> {
  const client = await services.kinesisWith(async ({ action, body }) => {
    if (action !== 'GetShardIterator') return 'pass';
    const { ShardIteratorType, ShardId, Timestamp } = JSON.parse(body);
    if (ShardIteratorType !== 'AT_TIMESTAMP') return 'pass';
    asked.push(Timestamp * 1000);
    const answer = await services.kinesis.send(
      new GetShardIteratorCommand({ StreamName: stream, ShardId, ShardIteratorType: 'TRIM_HORIZON' }),
    );
    const headers = { 'content-type': 'application/x-amz-json-1.1' };
    return { status: 200, headers, body: JSON.stringify({ ShardIterator: answer.ShardIterator }) };
  });
  return new KinesisLog(client, stream);
}

test('without the ledger, the new generation begins at a time, in open shards and in closed ones', async () => {
  const { put, split, counted, ...pipeline } = await start(3);
  await put(200);
  await pipeline.aggregateNew('1');
  assert.equal(await counted(), 200);
  await split();
  await put(30);
  await pipeline.aggregateNew('1');
  const timeMs = await afterArrivals(pipeline);
  await put(40);
  const empty = new LedgerTable(services.dynamoDb, await services.table(), clock);
  const asked: number[] = [];
  const log = await logAt(pipeline.stream, asked);
  // A recreated mapping delivers everything from the oldest record on.
  for (const shard of await pipeline.shardIds()) {
    const records = await pipeline.recordsOf(shard);
    await pipeline.aggregateShard(shard, records, '2', undefined, undefined, {
      ledger: empty,
      log,
      generationFrom: timeMs,
    });
  }
  assert.equal(await counted(), 270);
  assert.ok(asked.length > 0 && asked.every((at) => at === timeMs));
  const names = await Promise.all(
    (await empty.shards()).map(async (shard) => (await empty.readHead(shard))?.segment),
  );
  assert.ok(names.every((segment) => segment === 1));
});

test('without the ledger and a time, what closed shards still hold counts again', async () => {
  const { put, split, counted, ...pipeline } = await start(1);
  await put(20);
  await pipeline.aggregateNew('1');
  await split();
  await put(4);
  const ledger = new LedgerTable(services.dynamoDb, await services.table(), clock);
  await pipeline.aggregateNew('2', undefined, { ledger });
  assert.equal(await counted(), 44, 'this is why the runbook asks for the time');
});

test('the list of generations, and the end of a head, are put once', async () => {
  const { put, ledger, ...pipeline } = await start(1);
  await put(1);
  await pipeline.aggregateNew('1');
  const [shard] = await pipeline.shardIds();
  assert.ok(shard);
  const [first, second] = [shardKey('1', shard), shardKey('2', shard)];
  const head = await ledger.readHead(first);
  assert.ok(head);
  const list = await ledger.readGenerations();
  assert.equal(list.length, 1);
  const longer = [...list, { name: '2', from: 5, startedAtMs: 6 } as const];
  assert.equal(await ledger.putGenerations(longer, 0), 'conflict');
  assert.equal(await ledger.putGenerations(longer, 1), 'put');
  assert.equal(await ledger.putGenerations(longer, 1), 'conflict');
  assert.deepEqual(await ledger.readGenerations(), longer);
  assert.equal(await ledger.endHead(first, { ...head, status: 'ended', segment: 2 }), 'conflict');
  assert.equal(await ledger.endHead(first, { ...head, status: 'ended' }), 'ended');
  assert.equal(await ledger.endHead(first, { ...head, status: 'ended' }), 'conflict');
  assert.equal(await ledger.endHead(first, { ...head, status: 'ended', segment: 0 }), 'conflict');
  assert.equal(await ledger.endHead(second, { ...head, status: 'ended', segment: 0 }), 'ended');
  assert.equal(await ledger.putPlan(second, { ...head, segment: 1 }), 'conflict');
});

/** A time later than every arrival so far. After a split, an emulator stamps arrivals up to a second ahead of the clock. */
async function afterArrivals({
  shardIds,
  recordsOf,
}: Pick<Awaited<ReturnType<typeof start>>, 'shardIds' | 'recordsOf'>): Promise<number> {
  const records = await Promise.all((await shardIds()).map(recordsOf));
  const latestMs = Math.max(...records.flat().map(({ arrivalMs }) => arrivalMs));
  while (Date.now() <= latestMs) await new Promise((resolve) => setImmediate(resolve));
  return latestMs + 1;
}
