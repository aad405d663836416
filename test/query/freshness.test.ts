// For how long an answer may be used again: what is immutable is word for word the same until then.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DAY_MS, HOUR_MS } from '../../lambdas/core/time.ts';
import {
  ACCEPT_PAST_MS,
  asked,
  counted,
  EMPTY,
  NOW_MS,
  question,
  read,
} from '../support/counted-questions.ts';
import { type Minutes, script } from '../support/counted-world.ts';
import { runs } from '../support/long.ts';

test('an answer cached as immutable stays the same byte for byte, whatever arrives, expires and is set', async () => {
  let immutable = 0;
  await fc.assert(
    fc.asyncProperty(
      counted,
      question,
      fc.tuple(script, fc.nat(3000), fc.constantFrom('as before', 'raised', 'lowered')),
      fc.double({ min: 0, max: 1, noNaN: true }),
      async (world, asking, [laterScript, risenMinutes, acceptPast], part) => {
        const before = await read(asked(asking), world);
        const { maxAgeSeconds, isImmutable } = before.freshness;
        assert.ok(maxAgeSeconds > 0 && maxAgeSeconds <= 7 * 86_400);
        if (!isImmutable) return assert.equal(maxAgeSeconds, 5);
        immutable += 1;
        const nowMs = NOW_MS + Math.floor(maxAgeSeconds * part) * 1000 - 1;
        // Whatever arrives now is too old for the stretch, or it would not be final.
        const arrived: Minutes = [[NOW_MS - 30_000 - ACCEPT_PAST_MS, 5n]];
        const throughMs = world.throughMs + risenMinutes * 60_000;
        // When the age that is accepted is raised, the boundary stands still; when it is lowered, it jumps.
        const fromMs = { raised: world.throughMs - ACCEPT_PAST_MS, lowered: throughMs - HOUR_MS };
        const after = await read(asked(asking), {
          ...world,
          script: [...world.script, ...laterScript],
          throughMs,
          ...(acceptPast !== 'as before' && { acceptedFromMs: fromMs[acceptPast] }),
          nowMs,
          minutes: [...world.minutes, ...arrived],
        });
        assert.deepEqual(after.answer, before.answer);
      },
    ),
    { numRuns: runs(300) },
  );
  assert.ok(immutable > runs(20), `${immutable} immutable answers`);
});

test('without an end, a query changes its meaning each minute: its answer is cached for seconds', async () => {
  const from = '2025-01-01T00:00Z';
  const first = await read(asked({ from, by: 'day', limit: '10' }), EMPTY);
  assert.ok(first.answer.next !== undefined);
  assert.equal(first.freshness.isImmutable, false);
  const second = await read(asked({ next: first.answer.next }), EMPTY);
  assert.equal(second.freshness.isImmutable, true, 'a token has the end in it');
});

test('nothing is immutable beyond the time at which its grain expires', async () => {
  const retentions = { hours: 60 * DAY_MS, days: 400 * DAY_MS, months: undefined, all: undefined };
  const world = { ...EMPTY, retentions };
  const ageOf = async (from: string, to: string, nowMs = NOW_MS) => {
    const { answer, freshness } = await read(asked({ by: 'minute', from, to }), { ...world, nowMs });
    return { grain: answer.grain, ...freshness };
  };
  // Minutes live for 60 days after their hour.
  const [from, to] = ['2026-09-23T10:00Z', '2026-09-23T12:30Z'];
  const untilMs = Date.parse('2026-09-23T11:00Z') + 60 * DAY_MS;
  const maxAgeSeconds = Math.floor((untilMs - NOW_MS) / 1000);
  assert.deepEqual(await ageOf(from, to), { grain: 'minute', maxAgeSeconds, isImmutable: true });
  assert.equal((await ageOf(from, to, untilMs - 1)).grain, 'minute');
  assert.deepEqual(await ageOf(from, to, untilMs), { grain: 'hour', maxAgeSeconds: 5, isImmutable: false });
  assert.deepEqual(
    await ageOf(from, to, untilMs + 2 * HOUR_MS),
    { grain: 'hour', maxAgeSeconds: 7 * 86_400, isImmutable: true },
    'all minutes are gone, and hours stay for long',
  );
});
