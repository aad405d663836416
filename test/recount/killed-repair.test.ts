import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DeleteItemCommand, PutItemCommand, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import type { Transport } from '../../fake-aws/call.ts';
import { decodeRows, encodeRows } from '../../lambdas/core/rows.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { hoursOnly } from '../support/disturbed.ts';
import { compactedWorld, nothingDiffers, recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

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
