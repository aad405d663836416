// The index of open hours: which items stand in it, where, and what an answer made from it says of itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { counterKey } from '../../lambdas/counting/counter-item.ts';
import { type Claims, NO_CLAIMS } from '../../lambdas/counting/levels.ts';
import {
  asksOpenHour,
  openHourAnswer,
  openHourKeys,
  openHourMark,
} from '../../lambdas/counting/open-hour.ts';
import { HOUR_MS, MINUTE_MS } from '../../lambdas/counting/time.ts';
import type { TopGrain } from '../../lambdas/counting/top-name.ts';

const FIVE_MS = Date.UTC(2026, 10, 22, 5);
const NOW_MS = FIVE_MS + 30 * MINUTE_MS;
const key = (entity: string, bucket = '2026-11-22T05') => counterKey('view', entity, bucket);
const name = (by: TopGrain, startMs: number) => ({ metric: 'view', by, startMs });

test('an item gets into the index from before its hour until two hours after it, and leaves it with the next update then', () => {
  for (const offsetMs of [-HOUR_MS, 0, HOUR_MS, 3 * HOUR_MS - 1]) {
    assert.notEqual(openHourMark(key('/a'), FIVE_MS + offsetMs), 'out', String(offsetMs));
  }
  assert.equal(openHourMark(key('/a'), FIVE_MS + 3 * HOUR_MS), 'out');
  assert.equal(openHourMark(key('/a', 'nonsense'), NOW_MS), 'out');
});

test('an item stands under one of the keys that are asked for, and entities are spread over all of them', () => {
  const keys = openHourKeys('view', FIVE_MS);
  assert.equal(new Set(keys).size, 16);
  const found = new Map<string, number>();
  for (let number = 0; number < 1_600; number += 1) {
    const mark = openHourMark(key(`/videos/${number}`), NOW_MS);
    assert.ok(mark !== 'out' && keys.includes(mark.in), JSON.stringify(mark));
    found.set(mark.in, (found.get(mark.in) ?? 0) + 1);
  }
  for (const one of keys) {
    const entities = found.get(one) ?? 0;
    assert.ok(entities > 50 && entities < 200, `${one} has ${entities} of 1,600`);
  }
  assert.ok(!openHourKeys('view', FIVE_MS + HOUR_MS).some((one) => keys.includes(one)));
});

test('the index is asked about hours only, which are not closed and stand in it', () => {
  const claims: Claims = { ...NO_CLAIMS, days: { closedBeforeMs: FIVE_MS, throughMs: FIVE_MS } };
  assert.equal(asksOpenHour(name('hour', FIVE_MS), claims, NOW_MS), true);
  assert.equal(asksOpenHour(name('hour', FIVE_MS - HOUR_MS), claims, NOW_MS), false, 'its list is there');
  assert.equal(asksOpenHour(name('day', FIVE_MS - 5 * HOUR_MS), claims, NOW_MS), false);
  assert.equal(asksOpenHour(name('hour', FIVE_MS), claims, NOW_MS + 3 * HOUR_MS), false, 'out of the index');
});

test('an answer is sorted by the counts as they were read, and says how far they are complete', () => {
  const counts = [
    { entity: 'b', n: 3n },
    { entity: 'c', n: 9n },
    { entity: 'a', n: 3n },
  ];
  const query = { metric: 'view', by: 'hour', atMs: FIVE_MS, k: 2 } as const;
  const claims = { ...NO_CLAIMS, throughMs: NOW_MS };
  const { entries, state, completeThrough, note } = openHourAnswer(
    query,
    name('hour', FIVE_MS),
    claims,
    counts,
  );
  assert.deepEqual(entries, [counts[1], counts[2]]);
  assert.deepEqual([state, completeThrough], ['provisional', '2026-11-22T05:30:00.000Z']);
  assert.match(note ?? '', /still open/);
  const nothing = openHourAnswer(query, name('hour', FIVE_MS), NO_CLAIMS, []);
  assert.deepEqual([nothing.entries, nothing.completeThrough], [[], null]);
});
