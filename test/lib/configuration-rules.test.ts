// The rules between settings: what a refusal offers is the nearest correct value, whatever the other settings are.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { BUCKET_MINUTES } from '../../lambdas/counting/time.ts';
import { type Configuration, configurationOf, PRODUCTION } from '../../lib/configuration.ts';
import {
  appliedBytesMax,
  counterRetentionDaysMin,
  ledgerRetentionDaysMin,
  queueVisibilitySecondsMin,
} from '../../lib/configuration-rules.ts';
import { refusalOf } from './refusal.ts';

const DAY = 86_400;

const days = fc.integer({ min: 1, max: 14 });
const timing = fc.record({
  acceptPastSeconds: fc.integer({ min: 180, max: 400 * DAY }),
  streamRetentionHours: fc.integer({ min: 24, max: 8760 }),
  queueRetentionDays: days,
  deadLetterRetentionDays: days,
  redriveHorizonDays: fc.integer({ min: 0, max: 365 }),
  dedupWindowSeconds: fc.integer({ min: 1, max: 8_000 }),
});

test('the retention rule: the smallest value offered is longer than the sum, and the next smaller one is not', () => {
  fc.assert(
    fc.property(timing, (settings) => {
      const c: Configuration = { ...PRODUCTION, ...settings };
      const messages =
        c.streamRetentionHours / 24 + c.queueRetentionDays + c.deadLetterRetentionDays + c.redriveHorizonDays;
      const counters = Number(counterRetentionDaysMin(c));
      const needed = settings.acceptPastSeconds / DAY + messages;
      assert.ok(counters > needed && counters - 1 <= needed, `${counters} for ${needed}`);
      const ledger = ledgerRetentionDaysMin(c);
      const remembered = c.dedupWindowSeconds / DAY + messages;
      assert.ok(ledger > remembered && ledger - 1 <= remembered, `${ledger} for ${remembered}`);
    }),
  );
});

test('whatever is one below the retention or the visibility offered is refused, and what is offered is not', () => {
  fc.assert(
    fc.property(
      timing.filter((t) => t.deadLetterRetentionDays > t.queueRetentionDays),
      fc.integer({ min: 30, max: 900 }),
      fc.integer({ min: 1, max: 300 }),
      (settings, writerTimeoutSeconds, writerWindowSeconds) => {
        const c: Configuration = { ...PRODUCTION, ...settings, writerTimeoutSeconds, writerWindowSeconds };
        const correct = {
          ...settings,
          writerTimeoutSeconds,
          writerWindowSeconds,
          streamRetentionHours: Math.max(settings.streamRetentionHours, 25),
          iteratorAgeAlarmMinutes: 1,
          queueAgeAlarmMinutes: 1,
          freshnessAlarmSeconds: 1000,
          ledgerRetentionDays: 'forever',
          counterRetentionDays: Number(
            counterRetentionDaysMin({
              ...c,
              streamRetentionHours: Math.max(settings.streamRetentionHours, 25),
            }),
          ),
          queueVisibilitySeconds: queueVisibilitySecondsMin(c),
        };
        configurationOf('prod', correct);
        for (const setting of ['counterRetentionDays', 'queueVisibilitySeconds'] as const) {
          const sentence = refusalOf({ ...correct, [setting]: correct[setting] - 1 });
          assert.ok(sentence.startsWith(`${setting} must be at least ${correct[setting]}: `), sentence);
        }
      },
    ),
  );
});

test('segment ids: more shards, shorter windows, smaller batches and longer buckets never take fewer bytes', () => {
  const settings = fc.record({
    streamShards: fc.integer({ min: 1, max: 500 }),
    aggregatorWindowSeconds: fc.integer({ min: 0, max: 300 }),
    aggregatorBatchSize: fc.integer({ min: 1, max: 10_000 }),
    bucketMinutes: fc.constantFrom(...BUCKET_MINUTES),
  });
  fc.assert(
    fc.property(settings, settings, (a, b) => {
      const larger: Configuration = {
        ...PRODUCTION,
        streamShards: Math.max(a.streamShards, b.streamShards),
        aggregatorWindowSeconds: Math.min(a.aggregatorWindowSeconds, b.aggregatorWindowSeconds),
        aggregatorBatchSize: Math.min(a.aggregatorBatchSize, b.aggregatorBatchSize),
        bucketMinutes: Math.max(a.bucketMinutes, b.bucketMinutes),
      };
      assert.ok(appliedBytesMax(larger) >= appliedBytesMax({ ...PRODUCTION, ...a }));
    }),
  );
  // By hand: one shard, a segment a second by its window, 1 in 10 s by records, 1 in 4 s each by payload and events; ids of 14 bytes.
  const c: Configuration = { ...PRODUCTION, streamShards: 1, aggregatorWindowSeconds: 1 };
  assert.equal(appliedBytesMax(c), 3600 * 1.6 * 14);
});
