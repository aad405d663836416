import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type Acceptance,
  acceptedFromMs,
  advanceKept,
  type KeptLevel,
  keepingBoundaries,
  keptGoneAtMs,
} from '../../lambdas/core/boundaries.ts';
import { expiresAtOf, goneAtMs, LEVELS, periodAt, periodEndMs } from '../../lambdas/core/level.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { NO_WATERMARK, raisedWatermark, retentionsKept } from '../../lambdas/core/watermark.ts';
import { CONFIG, record, SHARD_KEY } from '../support/records.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const NOW_MS = Date.UTC(2026, 10, 29, 12);
const hourEndOf = (ms: number) => ms - (ms % HOUR_MS) + HOUR_MS;

test('no block is deleted before it counts as gone, at the ends of days and months either', () => {
  const atMs = fc.integer({ min: Date.UTC(2026, 0), max: Date.UTC(2028, 0) });
  const days = fc.integer({ min: 1, max: 400 });
  fc.assert(
    fc.property(fc.constantFrom(...LEVELS), atMs, days, (level, ms, kept) => {
      const period = periodAt(level, ms);
      const retentionMs = kept * DAY_MS;
      const retentions = { hours: retentionMs, days: retentionMs, months: retentionMs, all: undefined };
      const deletedMs = (expiresAtOf(period, retentions) ?? Number.POSITIVE_INFINITY) * 1000;
      assert.ok(deletedMs >= goneAtMs(period, retentions));
      if (level !== 'all') assert.equal(goneAtMs(period, retentions), periodEndMs(period) + retentionMs);
    }),
  );
});

test('what was too old stays too old, however acceptPastSeconds changes; unchanged it leaves no trace', () => {
  const past = fc.constantFrom(undefined, HOUR_MS, DAY_MS, 7 * DAY_MS);
  const segments = fc.array(fc.tuple(past, fc.integer({ min: 0, max: 3 * HOUR_MS })), {
    minLength: 1,
    maxLength: 60,
    size: 'max',
  });
  fc.assert(
    fc.property(segments, (changes) => {
      let head: ReturnType<typeof planSegment> | undefined;
      let boundaryMs = 0;
      let arrivalMs = NOW_MS;
      for (const [index, [acceptPastMs, laterMs]] of changes.entries()) {
        arrivalMs += laterMs;
        const config = { ...CONFIG, acceptPastMs };
        const records = [record(index + 1, {}, arrivalMs)];
        const plan = planSegment(head && { ...head, status: 'sent' }, records, config, []);
        const fromMs = acceptedFromMs(plan.config, arrivalMs);
        assert.ok(fromMs >= boundaryMs, `${fromMs} is before ${boundaryMs}`);
        const isUnchanged = changes.slice(0, index).every(([before]) => before === acceptPastMs);
        if (isUnchanged) assert.equal(plan.config, config);
        boundaryMs = fromMs;
        head = plan;
      }
    }),
  );
});

test('a raised acceptance keeps its boundary until that is in the past anyway', () => {
  const day = { acceptPastMs: DAY_MS };
  const week = { acceptPastMs: 7 * DAY_MS };
  const at = (reachedMs: number, acceptance: Acceptance) => [
    { reachedMs, acceptedFromMs: acceptedFromMs(acceptance, reachedMs) },
  ];
  assert.equal(keepingBoundaries(day, at(NOW_MS, day)), day, 'unchanged');
  assert.equal(keepingBoundaries(day, at(NOW_MS, week)), day, 'lowered');
  const raised: Acceptance = keepingBoundaries(week, at(NOW_MS, day));
  assert.deepEqual(raised, { ...week, acceptFromMs: NOW_MS - DAY_MS });
  const later: Acceptance = keepingBoundaries(week, at(NOW_MS + 3 * DAY_MS, raised));
  assert.equal(later.acceptFromMs, NOW_MS - DAY_MS);
  assert.equal(keepingBoundaries(week, at(NOW_MS + 6 * DAY_MS, raised)), week, 'behind');
});

test("a child keeps its ancestors' boundaries", () => {
  const ancestors = [{ shard: SHARD_KEY, segment: 3, runMaxMs: NOW_MS, acceptedFromMs: NOW_MS - DAY_MS }];
  const config = { ...CONFIG, acceptPastMs: 7 * DAY_MS };
  const plan = planSegment(undefined, [record(1, {}, NOW_MS)], config, ancestors);
  assert.equal(plan.config.acceptFromMs, NOW_MS - DAY_MS);
});

test('a raised retention: what is gone stays gone, and what was written before expires as it was', () => {
  const short = advanceKept(undefined, 30 * DAY_MS, NOW_MS, hourEndOf(NOW_MS));
  assert.equal(short.fromMs, NOW_MS - 30 * DAY_MS);
  const raised = advanceKept(short, 400 * DAY_MS, NOW_MS, hourEndOf(NOW_MS));
  const goneAt = (endMs: number, kept: KeptLevel) => keptGoneAtMs(endMs, kept);
  assert.ok(goneAt(NOW_MS - 100 * DAY_MS, raised) <= NOW_MS, '100 days ago');
  assert.equal(goneAt(NOW_MS - 20 * DAY_MS, raised), NOW_MS + 10 * DAY_MS, 'stamped with 30 days');
  assert.equal(goneAt(NOW_MS + 2 * HOUR_MS, raised), NOW_MS + 2 * HOUR_MS + 400 * DAY_MS, 'since');
  const later = advanceKept(raised, 400 * DAY_MS, NOW_MS + 50 * DAY_MS, 0);
  assert.deepEqual([later.fromMs, later.earlier], [hourEndOf(NOW_MS), []]);
  const forever = advanceKept(later, undefined, NOW_MS + 60 * DAY_MS, NOW_MS + 60 * DAY_MS);
  assert.equal(goneAt(NOW_MS + 61 * DAY_MS, forever), Number.POSITIVE_INFINITY);
  assert.equal(advanceKept(forever, DAY_MS, NOW_MS + 62 * DAY_MS, 0).fromMs, NOW_MS + 61 * DAY_MS, 'lowered');
});

test('for any settings: a period that is gone stays gone, and is kept no longer than the longest setting', () => {
  const days = fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined });
  const history = fc.array(fc.tuple(days, fc.integer({ min: 1, max: 400 })), {
    minLength: 2,
    maxLength: 80,
    size: 'max',
  });
  fc.assert(
    fc.property(history, fc.integer({ min: -60 * 24, max: 200 * 24 }), (steps, hour) => {
      const endMs = hourEndOf(NOW_MS) + hour * HOUR_MS;
      let nowMs = NOW_MS;
      let kept: KeptLevel | undefined;
      let isGone = false;
      // When the item of the period is deleted at the earliest: as it was last written, at its end or when the ledger was new.
      let stamped: number | undefined;
      for (const [retentionDays, laterHours] of steps) {
        const retentionMs = retentionDays && retentionDays * DAY_MS;
        kept = advanceKept(kept, retentionMs, nowMs, hourEndOf(nowMs));
        if (nowMs < endMs) stamped = retentionMs === undefined ? Infinity : endMs + retentionMs;
        const gone = keptGoneAtMs(endMs, kept) <= nowMs;
        assert.ok(gone || !isGone, 'it came back');
        if (stamped !== undefined && !gone && nowMs >= endMs) assert.ok(stamped > nowMs, 'it was deleted');
        isGone = gone;
        nowMs += laterHours * HOUR_MS;
      }
    }),
  );
});

test('the watermark only rises, and says how far behind it nothing is accepted', () => {
  const retentions = { hours: 30 * DAY_MS, days: undefined, months: undefined, all: undefined };
  const settings = { retentions, acceptFutureMs: 600_000 };
  const seen = (throughMs: number, acceptedFromMs: number) => ({
    throughMs,
    acceptedFromMs,
    acceptedToMs: 0,
  });
  const first = raisedWatermark(NO_WATERMARK, seen(100, 40), settings, NOW_MS);
  const second = raisedWatermark(first, seen(90, 50), settings, NOW_MS + 1);
  assert.deepEqual([second.throughMs, second.acceptedFromMs, second.revision], [100, 50, 2]);
  const lower = raisedWatermark(second, seen(1, 1), settings, NOW_MS + 1);
  assert.deepEqual([lower.throughMs, lower.acceptedFromMs], [100, 50]);
  const longer = { ...retentions, hours: 400 * DAY_MS };
  const raised = raisedWatermark(second, second, { ...settings, retentions: longer }, NOW_MS + 2);
  const hour = periodAt('hours', NOW_MS - 100 * DAY_MS);
  assert.ok(goneAtMs(hour, longer) > NOW_MS, 'by the settings alone it would be there');
  assert.ok(goneAtMs(hour, retentionsKept(raised, longer)) <= NOW_MS + 2);
  assert.equal(retentionsKept(NO_WATERMARK, longer), longer);
});
