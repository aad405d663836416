// A campaign on fixed and on fresh seeds; the seeds are printed, so that a failure can be replayed.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Tally } from '../../proof/simulation/campaign/batch.ts';
import { runCampaign } from '../../proof/simulation/campaign/campaign.ts';
import { neverReached } from '../../proof/simulation/campaign/crossings.ts';
import { describeTally, replayCommand } from '../../proof/simulation/campaign/report.ts';
import { LONG } from '../support/long.ts';

/** So many seeds meet everything that a campaign promises to reach. */
const SEEDS_FOR_ALL = 300;
const FIXED_SEEDS = LONG ? SEEDS_FOR_ALL : 20;
const FRESH_MS = LONG ? 15_000 : 2_000;

async function campaign(t: TestContext, from: number, runs: number, lengthMs: number): Promise<Tally> {
  t.diagnostic(`seeds from ${from}`);
  const startMs = performance.now();
  const tally = await runCampaign({ from, runs, lengthMs });
  t.diagnostic(describeTally(tally, (performance.now() - startMs) / 1000));
  const [failure] = tally.failures;
  const nothing = { faults: new Set<number>(), puts: new Set<number>() };
  assert.equal(
    failure,
    undefined,
    failure && `${failure.promise}: ${failure.message}\n${replayCommand(failure.seed, nothing)}`,
  );
  return tally;
}

test('fixed seeds keep every promise, and enough of them reach every limit, expiry and fault', async (t) => {
  const tally = await campaign(t, 1, FIXED_SEEDS, 120_000);
  assert.deepEqual(neverReached(tally, SEEDS_FOR_ALL), []);
});

test('a campaign that never reached something says what', () => {
  const all = new Map(
    neverReached({ histories: 1_000, crossed: new Map(), struck: new Map() }).map((one) => [one, 1]),
  );
  assert.ok(all.size > 40);
  assert.deepEqual(neverReached({ histories: 1_000, crossed: all, struck: new Map() }), []);
  all.delete('expiry of IDS');
  assert.deepEqual(neverReached({ histories: 1_000, crossed: all, struck: new Map() }), ['expiry of IDS']);
  assert.deepEqual(neverReached({ histories: 999, crossed: new Map(), struck: new Map() }), []);
});

test('fresh seeds keep every promise', async (t) => {
  await campaign(t, randomInt(1_000_000, 1_000_000_000), 1_000_000, FRESH_MS);
});
