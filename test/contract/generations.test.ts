// A new generation on a resharded stream: every record counts once, with a death at any write.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { beginShard } from '../../lambdas/aggregator/begin-shard.ts';
import { GenerationEnded } from '../../lambdas/aggregator/errors.ts';
import { parseShardId, shardKey } from '../../lambdas/core/identifiers.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import { CONFIG } from '../support/records.ts';
import { clock, dying, pausing, services, start } from './support/generations.ts';

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

for (const when of ['before', 'after'] as const) {
  test(`the invocation that begins the generation dies ${when} a write, then the next one a write later: every record once`, async () => {
    const { put, split, counted, account, ...pipeline } = await start(1);
    await put(6);
    // The first generation is killed with a planned, unfinished segment.
    const [shard] = await pipeline.shardIds();
    assert.ok(shard);
    const killed = { ledger: dying(pipeline.ledger, 4, 'before') };
    const records = await pipeline.recordsOf(shard);
    await assert.rejects(pipeline.aggregateShard(shard, records, '1', killed), /died/);
    await split();
    await put(5);
    let deaths = 0;
    for (;;) {
      const ledger = dying(pipeline.ledger, deaths + 1, when);
      try {
        await pipeline.aggregateNew('2', { ledger });
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
      const zombie = pipeline.aggregateShard(shard, records, '1', { ledger }).then(
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
