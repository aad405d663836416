// Settings that change while the aggregator is away: no loss is hidden, and what was final stays so.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { parseShardKey, type ShardKey, segmentId } from '../../lambdas/core/identifiers.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { aggregatedStream } from '../support/aggregated-stream.ts';
import { aggregatorPorts } from '../support/aggregator-ports.ts';
import { ledgerInMemory } from '../support/ledger-in-memory.ts';
import { CONFIG, record, SHARD } from '../support/records.ts';
import { worldShard } from '../support/store-world.ts';

for (const settingHours of [24, 168])
  test(`records trimmed under a retention of 24 hours are named by an aggregator deployed with ${settingHours}`, async () => {
    const { clock, stream, gaps, put, aggregate, received } = aggregatedStream(DAY_MS);
    put('a');
    await aggregate(0, 24);
    clock.now += HOUR_MS;
    put('trimmed unread');
    clock.now += 28 * HOUR_MS;
    put('b');
    clock.now += HOUR_MS;
    stream.trim();
    await aggregate(0, settingHours);
    assert.equal(await received(0), 2);
    assert.equal(gaps.length, 1);
  });

test('a record that is over a day old and still there is no gap', async () => {
  const { clock, aws, ledger } = ledgerInMemory();
  const ranges = new CompactionStateTable(aws.clients().dynamoDb, 'ledger');
  const gaps: ShardKey[] = [];
  const listener = { ...SILENT, gap: (shard: ShardKey) => void gaps.push(shard) };
  const made = aggregatorPorts({ ledger, ranges, clock }, [], { listener });
  const log = { ...made.log, holds: async () => true };
  const settings = { generation: '1', streamRetentionMs: 7 * DAY_MS, rollup: CONFIG };
  for (const position of [1, 2]) {
    const batch = { shard: SHARD, records: [record(position, { id: `id-${position}` }, clock.now)] };
    await aggregate(batch, { ...made, log }, settings, () => true);
    clock.now += 2 * DAY_MS;
  }
  assert.deepEqual(gaps, []);
});

test('a stream with more shards and a raised acceptPastSeconds: what was final stays so', async () => {
  const { clock, aws, ledger } = ledgerInMemory();
  const ranges = new CompactionStateTable(aws.clients().dynamoDb, 'ledger');
  const ports = aggregatorPorts({ ledger, ranges, clock }, []);
  const run = (generation: string, shard: number, days: number, ...records: ReturnType<typeof record>[]) => {
    const generationFrom = generation === '1' ? ('heads' as const) : clock.now - MINUTE_MS;
    const rollup = { ...CONFIG, acceptPastMs: days * DAY_MS };
    const settings = { generation, generationFrom, streamRetentionMs: 7 * DAY_MS, rollup };
    return aggregate({ shard: worldShard(shard), records }, ports, settings, () => true);
  };
  await run('1', 0, 7, record(1, { id: 'a' }, clock.now));
  const first = parseShardKey('1.0');
  await ledger.acknowledge(segmentId(first, 1), [0]);
  await advanceWatermark(ledger, { shards: async () => [{ shard: worldShard(0), parents: [] }] }, '1', clock);
  const { acceptedFromMs } = await ledger.readWatermark();
  assert.equal(acceptedFromMs, Number((await ledger.readHead(first))?.runMaxMs) - 7 * DAY_MS);
  clock.now += 10 * MINUTE_MS;
  for (const shard of [0, 1]) {
    const late = { id: `late-${shard}`, at: acceptedFromMs - 10 * DAY_MS };
    await run('2', shard, 30, record(shard + 5, late, clock.now));
    const head = await ledger.readHead(parseShardKey(`2.${shard}`));
    assert.deepEqual(head?.totals.rejected, { 'too-old': 1 }, `shard ${shard}`);
  }
});
