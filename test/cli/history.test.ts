// The order in which shards are counted again: ancestors before descendants, however long the lineage.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ledgerHistory } from '../../cli/recount/history.ts';
import { type ShardKey, shardKey } from '../../lambdas/core/identifiers.ts';
import { worldShard } from '../support/store-world.ts';

test('a lineage of thousands of shards comes in order', async () => {
  const keys = Array.from({ length: 4_000 }, (_, number) => shardKey('1', worldShard(number)));
  const ledger = {
    shards: async () => keys.toReversed(),
    readHead: async (key: ShardKey) => {
      const parent = keys[keys.indexOf(key) - 1];
      return { status: 'sent', segment: 1, ancestors: parent === undefined ? [] : [{ shard: parent }] };
    },
    readGenerations: async () => [],
  };
  const { shards } = await ledgerHistory(ledger as never, {} as never);
  assert.deepEqual(
    shards.map(({ key }) => key),
    keys,
  );
});
