import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteItemCommand, PutItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Transport } from '../../fake-aws/call.ts';
import { DeltasMissing } from '../../lambdas/compactor/epoch-rows.ts';
import { periodAt } from '../../lambdas/core/level.ts';
import { decodeRows, encodeRows } from '../../lambdas/core/rows.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { hoursOnly } from '../support/disturbed.ts';
import {
  compactedWorld,
  nothingDiffers,
  type RecountOptions,
  recountWorld,
  type Saved,
} from '../support/recounted-world.ts';
import { changeRow, deltasAt, removeDelta } from '../support/store-changes.ts';
import { StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const HOUR = periodAt('hours', WORLD_START_MS);
const nothingSaved = (): Saved => ({ state: undefined, spill: undefined });

/** Repairs a world, and dies at the first put of an item. @returns what it saved */
async function repairUntil(
  world: StoreWorld,
  pk: string,
  settings?: RecountOptions['settings'],
): Promise<Saved> {
  const saved = nothingSaved();
  const transport: Transport = async (call, perform) => {
    const isPut = call.operation === 'PutItem' && JSON.stringify(call.input).includes(pk);
    if (isPut) throw new Error('died');
    return perform();
  };
  const run = recountWorld(world, { repair: true, saved, transport, ...(settings && { settings }) });
  await assert.rejects(run, /died/);
  return saved;
}

/** Adds a segment that is not compacted yet, with rows in every part. */
async function pending(world: StoreWorld): Promise<void> {
  world.nowMs += HOUR_MS;
  await world.count(Array.from({ length: 40 }, (_, index) => viewed(`/${index}`, 1)));
}

/** Deletes the last segment's deltas, so that compaction stands still. */
async function standstill(world: StoreWorld): Promise<void> {
  for (const delta of await deltasAt(world, world.nowMs)) await removeDelta(world, delta);
  await assert.rejects(world.compact(), DeltasMissing);
}

test('a repair ends although compaction stands still, with the right lists', async () => {
  const world = await compactedWorld();
  await changeRow(world, HOUR, '/a', () => new Map([[0, 44n]]));
  const saved = await repairUntil(world, 'TOP#');
  assert.equal(saved.state?.topsDue.length, 1);
  await pending(world);
  await standstill(world);
  world.records.clear();
  let calls = 0;
  const transport: Transport = async (_, perform) => {
    calls += 1;
    assert.ok(calls < 5_000, 'it does not end');
    return perform();
  };
  const found = await recountWorld(world, { repair: true, saved, transport });
  assert.match(found.stuck ?? '', /deltas/);
  const top = await world.store.readTop('view', HOUR);
  assert.equal(top?.entries.find(({ entity }) => entity === '/a')?.n, 3n);
});

test('lists are made again after each part, so that a killed repair leaves few wrong ones', async () => {
  const world = await compactedWorld();
  for (const entity of ['/a', '/b']) await changeRow(world, HOUR, entity, () => new Map([[0, 44n]]));
  const due: number[] = [];
  const saved = {
    ...nothingSaved(),
    get state() {
      return undefined;
    },
    set state(state: Saved['state']) {
      due.push(state?.topsDue.length ?? 0);
    },
  };
  const found = await recountWorld(world, { repair: true, saved, settings: { partEvents: 1 } });
  assert.equal(found.repaired, 2);
  assert.equal(Math.max(...due), 1);
  assert.equal(due.at(-1), 0);
});

for (const isStuck of [false, true])
  test(`figures are counted once after a kill${isStuck ? ', and when compaction goes on again' : ''}`, async () => {
    const world = await compactedWorld();
    if (isStuck) await pending(world);
    for (const entity of ['/a', '/b']) await changeRow(world, HOUR, entity, () => new Map([[0, 44n]]));
    const settings = { partEvents: 10 };
    const saved = await repairUntil(world, 'BLOCK#', settings);
    if (isStuck) await standstill(world);
    const found = await recountWorld(world, { repair: true, saved, settings });
    assert.equal(found.stuck, undefined);
    const { figures, deltas } = await recountWorld(world);
    assert.deepEqual([found.figures, found.deltas], [figures, deltas]);
  });

test('a repair that dies between two halves and their marker leaves nothing that answers a question', async () => {
  const world = await StoreWorld.make({ slotBits: 0, blockBytes: 2_000 });
  const event = (entity: string) => ({ metric: 'view', entity, atMs: WORLD_START_MS, n: 1 });
  const names = Array.from({ length: 40 }, (_, index) => `/videos/${index}`);
  await world.write(await world.commit(worldShard(0), names.map(event)));
  await world.compact();
  // A fault takes half of the hour's rows.
  const { dynamoDb } = world.aws.clients();
  const { Items = [] } = await dynamoDb.send(new ScanCommand({ TableName: 'counts' }));
  const item = Items.find(({ pk }) => pk?.S?.startsWith('BLOCK#hours'));
  assert.ok(item?.['rows']?.B !== undefined);
  const half = decodeRows(item['rows'].B).filter((_, index) => index % 2 === 0);
  await dynamoDb.send(
    new PutItemCommand({ TableName: 'counts', Item: { ...item, rows: { B: encodeRows(half) } } }),
  );
  const dying: Transport = async (call, perform) => {
    if (JSON.stringify(call.input).includes('"split"')) throw new Error('died before the marker');
    return perform();
  };
  const repair = { repair: true, transport: dying, settings: { blockBytes: 300 } };
  await assert.rejects(recountWorld(world, repair), /died/);
  world.nowMs += HOUR_MS;
  await world.write(await world.commit(worldShard(0), names.map(event)));
  await world.compact();
  const range = { by: 'minute', from: '2026-11-23T08:00Z', to: '2026-11-23T09:00Z' };
  const { retentions } = world.settings;
  for (const depth of [0, 1, 2]) {
    // A warm container found the blocks of another hour at this depth.
    const ports = { ...world.queryPorts(), hints: new Map([['hours', depth] as const]) };
    const queries = half.map(({ entity }) => parseCountQuery('view', entity, range, world.nowMs));
    const answers = await readCounts(queries, ports, { acceptFutureMs: 1e12, retentions });
    for (const [index, read] of answers.entries())
      assert.equal('answer' in read && read.answer.total, 2n, `${half[index]?.entity} from depth ${depth}`);
  }
});

test('a repair of late rows that dies between any two writes is finished by the next one', async () => {
  const day = { from: '2026-11-23T00:00Z', to: '2026-11-24T00:00Z' };
  let died = true;
  for (let writes = 0; died; writes += 1) {
    const world = await compactedWorld();
    await world.count([viewed('/a', 5)]);
    await assert.rejects(world.compact(hoursOnly));
    // As a compactor would leave it that did not know what the upper levels had closed.
    const { dynamoDb } = world.aws.clients();
    const { Items = [] } = await dynamoDb.send(new ScanCommand({ TableName: 'counts' }));
    for (const { pk, sk } of Items)
      if (pk?.S?.startsWith('LATE#') && sk !== undefined)
        await dynamoDb.send(new DeleteItemCommand({ TableName: 'counts', Key: { pk, sk } }));
    const Key = { pk: { S: 'COMPACTION' }, sk: { S: 'STATE' } };
    await dynamoDb.send(new UpdateItemCommand({ TableName: 'ledger', Key, UpdateExpression: 'REMOVE late' }));
    let left = writes;
    const dying: Transport = async (call, perform) => {
      if (!/^(Put|Update)Item$/.test(call.operation)) return perform();
      left -= 1;
      if (left < 0) throw new Error('died');
      return perform();
    };
    died = await recountWorld(world, { repair: true, transport: dying }).then(
      () => false,
      () => true,
    );
    await recountWorld(world, { repair: true });
    await nothingDiffers(world);
    const answers = await world.ask(['hour', 'day', 'total'].map((by) => ['view', '/a', { by, ...day }]));
    assert.deepEqual(
      answers.map(({ total }) => total),
      [8n, 8n, 8n],
      `died after ${writes} writes`,
    );
  }
});
