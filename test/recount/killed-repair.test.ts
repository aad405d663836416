import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PutItemCommand, ScanCommand } from '@aws-sdk/client-dynamodb';
import type { Transport } from '../../fake-aws/call.ts';
import { decodeRows, encodeRows } from '../../lambdas/core/rows.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import { recountWorld } from '../support/recounted-world.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

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
