// The same seed twice gives the same trace, to the last step.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planHistory } from '../../proof/simulation/plan/history-plan.ts';
import { runHistory } from '../../proof/simulation/run-history.ts';
import { LONG } from '../support/long.ts';

const SEEDS = LONG ? 12 : 4;

test('a seed run twice gives the same trace, and another seed another one', async () => {
  const hashes = new Set<string>();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const first = await runHistory(planHistory(seed), true);
    const second = await runHistory(planHistory(seed), true);
    assert.deepEqual(second.trace, first.trace, `seed ${seed}`);
    assert.equal(second.traceHash, first.traceHash);
    if (seed === 1) {
      const { traceHash } = await runHistory(planHistory(seed));
      assert.equal(traceHash, first.traceHash, 'text or no text, the same hash');
    }
    hashes.add(first.traceHash);
  }
  assert.equal(hashes.size, SEEDS);
});
