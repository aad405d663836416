// A short hostile run: every kind of attack once, then a few seconds at random; `npx tally hostile` runs for longer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runHostile } from '../../proof/hostile/run.ts';
import { onlyLong } from '../support/long.ts';

test('attacks are answered with their errors, and neighbours are counted exactly', onlyLong, async (t) => {
  const seed = Date.now() % 1_000_000;
  t.diagnostic(`seed ${seed}: npx tally hostile --seed ${seed}`);
  const report = await runHostile({ seed, seconds: 2, crowd: 100 });
  assert.deepEqual(report.broken, []);
  assert.ok(report.neighbours.sent > 0);
  assert.equal(report.neighbours.counted, report.neighbours.sent);
});
