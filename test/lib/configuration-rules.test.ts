// The rules between settings: a refusal offers the nearest correct value, for any other settings.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { configurationOf } from '../../lib/configuration.ts';
import { refusalOf } from './refusal.ts';

const DAY = 86_400;

/** The least value of a retention that the refusal of a day offers. */
function leastOf(name: string, settings: object): number {
  const sentence = refusalOf({ ...settings, [name]: name === 'deltaRetentionDays' ? 7 : 1 });
  const [, least] = new RegExp(`^${name} must be at least (\\d+): `).exec(sentence) ?? assert.fail(sentence);
  return Number(least);
}

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
      const { streamRetentionHours, queueRetentionDays, redriveHorizonDays, dedupWindowSeconds } = settings;
      const messages = streamRetentionHours / 24 + queueRetentionDays + 14 + redriveHorizonDays;
      const minutes = leastOf('minuteRetentionDays', settings);
      const needed = settings.acceptPastSeconds / DAY;
      assert.ok(minutes > needed && minutes - 1 <= needed, `${minutes} for ${needed}`);
      const remembered = dedupWindowSeconds / DAY + messages;
      for (const name of ['ledgerRetentionDays', 'deltaRetentionDays']) {
        const least = leastOf(name, { ledgerRetentionDays: 'forever', ...settings });
        assert.ok(least > remembered && least - 1 <= remembered, `${name}: ${least} for ${remembered}`);
      }
    }),
  );
});

test('one below the retention offered is refused, and what is offered is not', () => {
  fc.assert(
    fc.property(
      timing.filter((t) => t.acceptPastSeconds >= DAY),
      (settings) => {
        const streamRetentionHours = Math.max(settings.streamRetentionHours, 25);
        const least = leastOf('minuteRetentionDays', { ...settings, streamRetentionHours });
        const correct = {
          ...settings,
          streamRetentionHours,
          iteratorAgeAlarmMinutes: 1,
          queueAgeAlarmMinutes: 1,
          ledgerRetentionDays: 'forever',
          deltaRetentionDays: 36_500,
          minuteRetentionDays: least,
        };
        configurationOf('prod', correct);
        const sentence = refusalOf({ ...correct, minuteRetentionDays: least - 1 });
        assert.ok(sentence.startsWith(`minuteRetentionDays must be at least ${least}: `), sentence);
      },
    ),
  );
});
