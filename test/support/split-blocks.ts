// Blocks that were split: which answer, and which should be gone.
import assert from 'node:assert/strict';
import { ScanCommand } from '@aws-sdk/client-dynamodb';
import type { Call } from '../../fake-aws/call.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import type { StoreWorld } from './store-world.ts';

/** An entity's minutes, as a warm container reads them that found another hour's blocks at a depth. */
export async function minutesOf(world: StoreWorld, entity: string, depth: number): Promise<bigint> {
  const range = { by: 'minute', from: '2026-11-23T08:00Z', to: '2026-11-23T09:00Z' };
  const query = parseCountQuery('view', entity, range, world.nowMs);
  const ports = { ...world.queryPorts(), hints: new Map([['hours', depth] as const]) };
  const { retentions } = world.settings;
  const [read] = await readCounts([query], ports, { acceptFutureMs: 1e12, retentions });
  assert.ok(read !== undefined && 'answer' in read);
  return read.answer.total;
}

/** Blocks beneath a block that has rows. */
export async function strayBlocks(world: StoreWorld): Promise<readonly string[]> {
  const { Items = [] } = await world.aws.clients().dynamoDb.send(new ScanCommand({ TableName: 'counts' }));
  const blocks = Items.filter(({ pk }) => pk?.S?.startsWith('BLOCK')).map(({ pk, sk, rows }) => {
    const period = pk?.S?.split('#').slice(1, 3).join('#');
    return { name: `${period} ${sk?.S}`, isLeaf: rows !== undefined };
  });
  const leaves = blocks.filter(({ isLeaf }) => isLeaf);
  return blocks
    .map(({ name }) => name)
    .filter((name) => leaves.some((leaf) => name !== leaf.name && name.startsWith(leaf.name)));
}

/** Whether a call puts a block of the hours. */
export const isBlockPut = ({ input, operation }: Call) =>
  operation === 'PutItem' && JSON.stringify(input).includes('BLOCK#hours');
