// A stack moved to another region, as the runbook has it: its tables become those of a stack that has counted a little.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, compacted, itemsOf, replaceItems, start, totals } from './support/generations.ts';

type Region = Awaited<ReturnType<typeof start>>;

let sent = 0;

async function count(
  region: Region,
  events: number,
  generation: string,
  generationFrom?: number,
): Promise<void> {
  await region.putAgain(sent, sent + events);
  sent += events;
  await region.aggregateNew(generation, generationFrom === undefined ? {} : { generationFrom });
  await region.writeAll();
  await compacted(region, generation);
}

for (const epochs of [1, 4]) {
  test(`what the old stack counted, and what the new one counts, after ${epochs} epochs there`, async () => {
    const old = await start(2);
    const now = await start(2);
    for (let epoch = 0; epoch < epochs; epoch += 1) await count(now, 10, '2');
    for (let epoch = 0; epoch < 2; epoch += 1) await count(old, 50, '1');
    await old.split();
    await count(old, 20, '1');

    await replaceItems(now.countsTable, await itemsOf(old.countsTable));
    await replaceItems(now.ledgerTable, await itemsOf(old.ledgerTable));
    assert.deepEqual(await totals(now), [120, 120]);
    const fromMs = clock.nowMs();
    await count(now, 7, '3', fromMs);
    await now.split();
    await count(now, 30, '3', fromMs);
    assert.deepEqual(await totals(now), [157, 157]);
    const { difference, gaps, lost } = await now.account('3');
    assert.deepEqual([difference, gaps, lost], [0, [], []]);
  });
}
