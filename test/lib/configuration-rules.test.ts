// The rules between settings: a refusal offers the nearest correct value, for any other settings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Configuration, configurationOf } from '../../lib/configuration.ts';
import { ledgerRetentionDaysMin, minuteRetentionDaysMin } from '../../lib/configuration-rules.ts';
import { refusalOf } from './refusal.ts';

const DAY = 86_400;

const timing = fc.record({
  // From a day on: below it the least retention is one day, and no setting is smaller.
  acceptPastSeconds: fc.integer({ min: DAY, max: 400 * DAY }),
  streamRetentionHours: fc.integer({ min: 24, max: 8760 }),
  queueRetentionDays: fc.integer({ min: 1, max: 13 }),
  redriveHorizonDays: fc.integer({ min: 0, max: 365 }),
  dedupWindowSeconds: fc.integer({ min: 1, max: 4_333 }),
});

test('the retention rule: the smallest value offered is longer than what is needed, and the next smaller one is not', () => {
  fc.assert(
    fc.property(timing, (settings) => {
      const c: Configuration = { ...configurationOf('dev'), ...settings };
      const messages = c.streamRetentionHours / 24 + c.queueRetentionDays + 14 + c.redriveHorizonDays;
      const minutes = Number(minuteRetentionDaysMin(c));
      const needed = settings.acceptPastSeconds / DAY;
      assert.ok(minutes > needed && minutes - 1 <= needed, `${minutes} for ${needed}`);
      const ledger = ledgerRetentionDaysMin(c);
      const remembered = c.dedupWindowSeconds / DAY + messages;
      assert.ok(ledger > remembered && ledger - 1 <= remembered, `${ledger} for ${remembered}`);
    }),
  );
});

test('one below the retention offered is refused, and what is offered is not', () => {
  fc.assert(
    fc.property(
      timing.filter((t) => t.acceptPastSeconds >= DAY),
      (settings) => {
        const streamRetentionHours = Math.max(settings.streamRetentionHours, 25);
        const least = minuteRetentionDaysMin({
          ...configurationOf('dev'),
          ...settings,
          streamRetentionHours,
        });
        const correct = {
          ...settings,
          streamRetentionHours,
          iteratorAgeAlarmMinutes: 1,
          queueAgeAlarmMinutes: 1,
          ledgerRetentionDays: 'forever',
          deltaRetentionDays: 36_500,
          minuteRetentionDays: Number(least),
        };
        configurationOf('prod', correct);
        const sentence = refusalOf({ ...correct, minuteRetentionDays: Number(least) - 1 });
        assert.ok(sentence.startsWith(`minuteRetentionDays must be at least ${least}: `), sentence);
      },
    ),
  );
});
