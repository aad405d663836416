// A head names its nearest ancestors and those within reach of a dedup window: it does not grow with every reshard.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { type ShardId, shardKey } from '../../lambdas/core/identifiers.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { aggregatorPorts } from '../support/aggregator-ports.ts';
import { ledgerInMemory } from '../support/ledger-in-memory.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';
import { worldShard } from '../support/store-world.ts';

const SETTINGS = { generation: '1', streamRetentionMs: 30 * DAY_MS, rollup: CONFIG };

/** A ledger, and a stream whose shards descend from each other as a test says. */
function lineage() {
  const { clock, aws, ledger } = ledgerInMemory(60 * DAY_MS);
  const parents = new Map<ShardId, readonly ShardId[]>();
  const ranges = new CompactionStateTable(aws.clients().dynamoDb, 'ledger');
  const made = aggregatorPorts({ ledger, ranges, clock }, []);
  let looks = 0;
  const parentsOf = async (shard: ShardId) => {
    looks += 1;
    return parents.get(shard) ?? [];
  };
  return { clock, ledger, parents, ports: { ...made, log: { ...made.log, parentsOf } }, looks: () => looks };
}

/** Scales four shards down to two and up again, once a day, each shard with one record. @returns the ancestors in a newest head */
async function ancestorsAfter(days: number): Promise<number> {
  const { clock, ledger, parents, ports } = lineage();
  let shards = 0;
  async function open(...from: ShardId[]): Promise<ShardId> {
    const shard = worldShard(shards++);
    parents.set(shard, from);
    const records = [record(shards, {}, clock.now)];
    assert.equal(await aggregate({ shard, records }, ports, SETTINGS, () => true), 'done');
    return shard;
  }
  let [a, b, c, d] = [await open(), await open(), await open(), await open()];
  for (let day = 0; day < days; day += 1) {
    clock.now += 12 * HOUR_MS;
    const [left, right] = [await open(a, b), await open(c, d)];
    clock.now += 12 * HOUR_MS;
    // Lineages mix, as they do when a stream is scaled by other boundaries.
    [a, c, b, d] = [await open(left), await open(left), await open(right), await open(right)];
  }
  return (await ledger.readHead(shardKey('1', d)))?.ancestors.length ?? 0;
}

test('a head does not grow with every reshard', async () => {
  const [few, many] = [await ancestorsAfter(5), await ancestorsAfter(25)];
  assert.ok(few > 1);
  assert.ok(many <= few, `${few} ancestors after 5 days, ${many} after 25`);
});

test('each ancestor of an idle lineage is looked at once, however often it was split and merged', async () => {
  const { parents, ports, looks } = lineage();
  let shards = 0;
  const open = (...from: ShardId[]): ShardId => {
    const shard = worldShard(shards++);
    parents.set(shard, from);
    return shard;
  };
  let one = open();
  for (let day = 0; day < 10; day += 1) one = open(open(one), open(one));
  const records = [record(1, {}, ARRIVAL_MS)];
  assert.equal(await aggregate({ shard: one, records }, ports, SETTINGS, () => true), 'done');
  assert.ok(looks() <= shards, `${looks()} looks at ${shards} shards`);
});
