// A campaign on fixed and on fresh seeds; the seeds are printed, so that a failure can be seen again.
import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { runCampaign } from '../../proof/simulation/campaign/campaign.ts';
import { describeTally, replayCommand } from '../../proof/simulation/campaign/report.ts';

async function campaign(t: TestContext, from: number, runs: number, lengthMs: number): Promise<void> {
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
}

test('fixed seeds keep every promise', (t) => campaign(t, 1, 500, 60_000));

test('fresh seeds keep every promise', (t) =>
  campaign(t, randomInt(1_000_000, 1_000_000_000), 1_000_000, 15_000));
