// Changes to a store that our code never makes: rows, blocks and deltas that are wrong, missing, or made up.
import { DeleteItemCommand } from '@aws-sdk/client-dynamodb';
import { holds, nameHash, rangesOf, WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import type { Period } from '../../lambdas/core/level.ts';
import { compareRows, decodeRows, encodeRows, type Row } from '../../lambdas/core/rows.ts';
import { leavesIn } from '../../lambdas/store/leaf-blocks.ts';
import type { StoredDelta } from '../../lambdas/store/ports.ts';
import { storeKeys } from '../../lambdas/store/store-items.ts';
import type { StoreWorld } from './store-world.ts';

/** Gives an entity's views other cells in a period's blocks, as one event more where it had none. */
export async function changeRow(
  world: Pick<StoreWorld, 'store' | 'state'>,
  period: Period,
  entity: string,
  cells: (row: Row) => ReadonlyMap<number, bigint>,
): Promise<void> {
  const metric = 'view';
  const hash = nameHash(metric, entity);
  const leaves = await leavesIn(world.store, [period], WHOLE_RANGE);
  for (const { range, block } of leaves) {
    if (!holds(range, hash)) continue;
    const rows = block === undefined || block.content === 'split' ? [] : decodeRows(block.content);
    const isOther = (row: Row) => row.metric !== metric || row.entity !== entity;
    const row = rows.find((one) => !isOther(one)) ?? { metric, entity, hour: 0, events: 1, cells: new Map() };
    const changed = [...rows.filter(isOther), { ...row, cells: cells(row) }].sort(compareRows);
    const { epoch, edit } = block ?? { epoch: (await world.state.readState())[period.level].epoch, edit: 0 };
    const content = encodeRows(changed);
    const condition =
      block === undefined ? ({ is: 'absent' } as const) : ({ is: 'as-read', epoch, edit } as const);
    await world.store.putBlock(period, range, { epoch, edit, content }, condition, undefined);
  }
}

/** Deletes all blocks of a period. */
export async function removeBlocks(world: StoreWorld, period: Period): Promise<void> {
  for (let bits = 0; bits <= 12; bits += 1) {
    for (const range of rangesOf(bits)) await remove(world, storeKeys.block(period, range));
  }
}

/** The deltas of segments with this running maximum of arrivals. */
export async function deltasAt(world: StoreWorld, runMaxMs: number): Promise<StoredDelta[]> {
  const found: StoredDelta[] = [];
  for (const bits of (await world.state.readState()).rangeBits) {
    for (const range of rangesOf(bits)) {
      for await (const delta of world.store.deltasIn(range, runMaxMs, runMaxMs)) found.push(delta);
    }
  }
  return found;
}

/** Deletes a delta. */
export async function removeDelta(world: StoreWorld, delta: StoredDelta): Promise<void> {
  await remove(world, storeKeys.delta(delta));
}

async function remove(world: StoreWorld, Key: ReturnType<typeof storeKeys.delta>): Promise<void> {
  await world.aws.clients().dynamoDb.send(new DeleteItemCommand({ TableName: 'counts', Key }));
}
