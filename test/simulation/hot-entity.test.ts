// A hot entity, on the settings that the plan gives: its partition bears it; and when it can not, nothing is lost.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hotStage } from '../../plan/hot-stage.ts';
import { runHotEntity } from '../../simulation/hot-entity/run.ts';

// Every run is held against the oracle: it throws when anything is not counted exactly once.
const stage = hotStage();
const PARTITION_UNITS = 1_000;

test('as planned, the hot entity is counted in time, and its partition has plenty of room', async () => {
  const outcome = await runHotEntity({ stage, phases: [{ minutes: 0.75, factor: 1.5 }], seed: 1 });
  const { freshnessMs, busiestSecond, throttled, broughtBack, deadLetters, updates, rows } = outcome;
  assert.ok(
    rows >= outcome.segments && outcome.segments > 900,
    `${rows} rows of ${outcome.segments} segments`,
  );
  assert.deepEqual([throttled, broughtBack, deadLetters], [0, 0, 0]);
  assert.ok(busiestSecond < PARTITION_UNITS / 2, `${busiestSecond} write units in a second`);
  assert.ok((freshnessMs.at(-1) ?? NaN) / 1000 <= stage.freshnessSeconds, `${freshnessMs.at(-1)} ms`);
  assert.ok(rows / updates > 10, `${rows} rows in ${updates} updates`);
});

test('with each message a batch of its own and a peak of three times the mean it is throttled, rights itself, and nothing is lost', async () => {
  const phases = [
    { minutes: 1.1, factor: 3 },
    { minutes: 0.2, factor: 1 },
  ];
  const outcome = await runHotEntity({ stage, messagesMax: 1, phases, seed: 1 });
  const { rows, updates, throttled, broughtBack, parked, busiestHalfMinute } = outcome;
  assert.equal(updates, rows, 'no two rows meet');
  assert.ok(
    throttled > 0 && broughtBack > 0,
    `${throttled} updates refused, ${broughtBack} messages brought back`,
  );
  // What it had saved up in a second, and what it takes in thirty.
  assert.ok(
    busiestHalfMinute <= (31 / 30) * PARTITION_UNITS + 100,
    `${busiestHalfMinute} write units a second`,
  );
  // Dead letters, if there are any, come back by themselves.
  assert.equal(parked, 0);
  assert.ok(outcome.settledMs < 15 * 60_000, `${outcome.settledMs} ms until everything was counted`);
});
