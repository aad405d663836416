// Access logs of the shared data sets, collected.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ACCESS_LOGS, DATA, skipOf, trueViews } from '../support/real-logs.ts';
import { after, worldWith } from './support/world.ts';

for (const [truth, file] of ACCESS_LOGS) {
  test(`${truth}: every view equals the truth`, { skip: skipOf(truth) }, async () => {
    const { world, object } = worldWith(readFileSync(`${DATA}${file}`), `web/${file}`);
    await world.collectAll(object, (run) => after(8 ** (run + 1)));
    const counts = new Map<string, number>();
    for (const { entity, at } of world.counted.values()) {
      const key = `${entity} ${Math.floor(new Date(at).getTime() / 60_000) * 60}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    assert.deepEqual(counts, await trueViews(truth));
  });
}
