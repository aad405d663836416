// The settings that a plan gives: the rules of lib/ take them, freshness is met, no item is too hot, and docs/plan.md shows them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { configurationOf } from '../../lib/configuration.ts';
import { type Choice, chooseSettings, NoSettings } from '../../plan/choose.ts';
import { COMPARED, comparison, planned } from '../../plan/comparison.ts';
import { breaksFirst, limitsOf } from '../../plan/limits.ts';
import { report, settingsArgument, verdict } from '../../plan/report.ts';
import { USUAL_WORKLOAD, type Workload } from '../../plan/workload.ts';

const PARTITION_WRITE_UNITS = 1_000;
const plans = planned(COMPARED);

/** What every plan must keep. */
function checkChoice({ settings, model }: Choice): void {
  const { workload: w, mean, peak } = model;
  // As a deployment reads them: from JSON, over a stage's defaults.
  const configuration = configurationOf('prod', JSON.parse(JSON.stringify(settings)));
  assert.deepEqual(configuration, model.configuration);
  assert.ok(model.freshnessSeconds <= w.freshnessSeconds, `readable after ${model.freshnessSeconds} s`);
  for (const { counters } of [mean, peak]) {
    assert.ok(
      counters.hottest.writeUnitsPerSecond <= PARTITION_WRITE_UNITS,
      `${counters.hottest.writeUnitsPerSecond}`,
    );
    assert.ok(counters.hottest.bytes < 400 * 1024);
    assert.ok(counters.secondsEach * 2 <= 30);
    assert.ok(counters.concurrency <= configuration.writerConcurrency);
  }
  const records = peak.eventsPerSecond / w.eventsPerRecord / configuration.streamShards;
  assert.ok(records <= 1_000, `${records} records a second and shard`);
  for (const { used, limit, mover, name } of limitsOf(model)) {
    if (mover === 'settings') assert.ok(used <= limit, `${name}: ${used} of ${limit}`);
  }
}

for (const { name, choice } of plans) {
  test(`${name} events/s: there are settings, and they keep what they must`, () => {
    assert.ok(!(choice instanceof NoSettings), choice instanceof NoSettings ? choice.message : '');
    checkChoice(choice);
  });
}

test('docs/plan.md is what the command prints', () => {
  const docs = readFileSync(new URL('../../docs/plan.md', import.meta.url), 'utf8');
  assert.ok(docs.includes(comparison(plans)), 'run npm run plan -- --table and paste it');
});

test('half of 100,000 events/s on one entity: its item holds even if no two rows met in an update', () => {
  const hot = plans.find(({ workload }) => workload.hotShare > 0)?.choice;
  assert.ok(hot !== undefined && !(hot instanceof NoSettings));
  const { hottest } = hot.model.peak.counters;
  assert.equal(hottest.share, 0.5);
  assert.ok(hottest.uncoalescedWriteUnitsPerSecond <= PARTITION_WRITE_UNITS);
  assert.ok(hot.model.configuration.bucketMinutes < 60, 'an hour of it would not fit');
});

test('settings with which a hot item holds in any case go before cheaper ones', () => {
  const w = { ...USUAL_WORKLOAD, eventsPerSecond: 100_000, entities: 1_000_000, hotShare: 0.9 };
  const { model } = chooseSettings(w);
  assert.ok(model.peak.counters.hottest.uncoalescedWriteUnitsPerSecond <= PARTITION_WRITE_UNITS);
});

test('whatever the load, a plan keeps what it must, or says why there is none', () => {
  const load = fc.record({
    eventsPerSecond: fc.integer({ min: 0, max: 6 }).map((power) => 10 ** power),
    entities: fc.integer({ min: 0, max: 8 }).map((power) => 10 ** power),
    skew: fc.constantFrom(0, 0.8, 1, 1.5),
    hotShare: fc.constantFrom(0, 0.5, 0.9),
    freshnessSeconds: fc.constantFrom(6, 15, 30),
    eventsPerRecord: fc.constantFrom(1, 100),
  });
  fc.assert(
    fc.property(load, (change) => {
      const w: Workload = { ...USUAL_WORKLOAD, ...change };
      try {
        checkChoice(chooseSettings(w));
      } catch (error) {
        if (!(error instanceof NoSettings)) throw error;
        assert.match(error.message, /\.$/);
        assert.ok(
          w.eventsPerSecond >= 1e5 || w.freshnessSeconds < 15,
          `${JSON.stringify(w)}: ${error.message}`,
        );
      }
    }),
    { numRuns: 12 },
  );
});

test('a load that no settings bear is refused with a reason', () => {
  assert.throws(
    () => chooseSettings({ ...USUAL_WORKLOAD, eventsPerSecond: 1_000_000 }),
    /^NoSettings: streamShards must be at most \d+: segment ids could take /,
  );
  assert.throws(
    () => chooseSettings({ ...USUAL_WORKLOAD, freshnessSeconds: 2 }),
    /Freshness of 2 s is not met/,
  );
});

test('a report names settings, limits, dollars and what was taken for granted', () => {
  const [, plan] = plans;
  assert.ok(plan !== undefined && !(plan.choice instanceof NoSettings));
  const text = report(plan.choice);
  assert.ok(text.includes(settingsArgument(plan.choice)));
  for (const word of [
    'in all',
    'for a million events',
    'bucketMinutes',
    'Breaks first: ',
    'Taken for granted',
    'npm run bench',
  ])
    assert.ok(text.includes(word), word);
  const uses = limitsOf(plan.choice.model);
  assert.ok(breaksFirst(uses) !== undefined);
  const over = uses.map((use) => ({ ...use, used: 2 * use.limit }));
  assert.match(verdict(over), /^Does not work as it is: /);
});
