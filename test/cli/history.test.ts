// The history in a ledger: ancestors before descendants, however long the lineage; what has expired is named.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { archiveHistory, ledgerHistory } from '../../cli/recount/history.ts';
import { parseSegmentId, type SegmentId, type ShardKey, shardKey } from '../../lambdas/core/identifiers.ts';
import { InvalidRawObject } from '../../lambdas/core/raw-segment.ts';
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
    entriesUp: async function* () {},
  };
  const { shards } = await ledgerHistory(ledger as never, {} as never);
  assert.deepEqual(
    shards.map(({ key }) => key),
    keys,
  );
});

test('segments without an entry are named, wherever they are', async () => {
  const ledger = {
    shards: async () => ['1.0', '1.1', '1.2'],
    readHead: async (key: string) => ({
      status: key === '1.1' ? 'planned' : 'sent',
      segment: 9,
      ancestors: [],
    }),
    readGenerations: async () => [],
    entriesUp: async function* (key: string) {
      // The second is complete up to its plan.
      const segments = { '1.0': [3, 4, 6], '1.1': [1, 2, 3, 4, 5, 6, 7, 8] }[key] ?? [];
      for (const segment of segments) yield { segment };
    },
  };
  const { missing } = await ledgerHistory(ledger as never, {} as never);
  assert.deepEqual(missing, [
    'segments 1 to 2 of shard 1.0 were not counted again: not in the ledger any more',
    'segment 5 of shard 1.0 was not counted again: not in the ledger any more',
    'segments 7 to 9 of shard 1.0 were not counted again: not in the ledger any more',
    'segments 1 to 9 of shard 1.2 were not counted again: not in the ledger any more',
  ]);
});

test('a shard comes after its parent, although its first archived object is unreadable', async () => {
  const archive = {
    async *places() {
      for (const segment of ['1.1.1', '1.1.2', '1.2.1'] as SegmentId[]) yield { segment, hourMs: 0 };
    },
    async readRaw({ segment }: { readonly segment: SegmentId }) {
      if (segment === '1.1.1') throw new InvalidRawObject('its last line is cut off');
      return { ancestors: parseSegmentId(segment).shard === '1.1' ? ['1.2'] : [], records: [] };
    },
  };
  const { shards } = await archiveHistory(archive as never, { shards: async () => [] } as never);
  assert.deepEqual(
    shards.map(({ key, ancestors }) => [key, ancestors]),
    [
      ['1.2', []],
      ['1.1', ['1.2']],
    ],
  );
});
