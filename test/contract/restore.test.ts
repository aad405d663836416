// Both tables restored to one point in time, as the runbook has it: the stream gives again what came since.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compacted, itemsOf, replaceItems, start, totals } from './support/generations.ts';

for (const inFlight of [0, 10]) {
  test(`both tables restored, ${inFlight} events in flight then: a new generation counts what came since`, async () => {
    const pipeline = await start(2);
    const { put, countsTable, ledgerTable } = pipeline;
    const count = async (events: number) => {
      await put(events);
      await pipeline.aggregateNew('1');
      await pipeline.writeAll();
    };
    await count(30);
    await compacted(pipeline, '1');
    await count(10);
    if (inFlight > 0) await put(inFlight);
    await pipeline.aggregateNew('1');
    const [counts, ledger] = [await itemsOf(countsTable), await itemsOf(ledgerTable)];

    await count(20);
    await pipeline.split();
    await count(7);
    await compacted(pipeline, '1');
    await count(5);
    await compacted(pipeline, '1');
    assert.deepEqual(await totals(pipeline), [72 + inFlight, 72 + inFlight]);

    await replaceItems(countsTable, counts);
    await replaceItems(ledgerTable, ledger);
    assert.deepEqual(await totals(pipeline), [40, 40]);
    await put(3);
    // A mapping that was made again delivers everything from the oldest record.
    for (const shard of await pipeline.shardIds())
      await pipeline.aggregateShard(shard, await pipeline.recordsOf(shard), '2');
    await pipeline.writeAll();
    for (let rounds = 0; rounds < 3; rounds += 1) await compacted(pipeline, '2');
    assert.deepEqual(await totals(pipeline), [75, 75]);
    const { status, difference } = await pipeline.account('2');
    const { received, counted } = status;
    assert.deepEqual([received, counted, status.inFlight, difference], [75 + inFlight, 75, inFlight, 0]);
  });
}
