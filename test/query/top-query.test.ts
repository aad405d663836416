// Questions about the top: what can be asked, which list answers, and what the answer says about itself.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Coverage, INITIAL_STATE } from '../../lambdas/core/compaction.ts';
import { parseShardKey } from '../../lambdas/core/identifiers.ts';
import { periodName } from '../../lambdas/core/level.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { NO_WATERMARK } from '../../lambdas/core/watermark.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery, TOP_GRAINS, topAnswer, topFreshness } from '../../lambdas/query/top-query.ts';

const ms = (iso: string) => Date.parse(iso);
const NOW_MS = ms('2026-11-22T05:30:00Z');
const ask = (parameters: Record<string, string>) => parseTopQuery('view', parameters, NOW_MS);
const settings = {
  retentions: { hours: 30 * DAY_MS, days: undefined, months: undefined, all: undefined },
};
const THROUGH_MS = ms('2026-11-22T05:20:00Z');
const ENTRIES = ['a', 'b', 'c'].map((entity, index) => ({ entity, n: BigInt(9 - index) }));
const kept = (
  parameters: Record<string, string>,
  throughMs = THROUGH_MS,
  nowMs = NOW_MS,
  settledMs = throughMs - 7 * DAY_MS,
) => {
  const query = ask(parameters);
  const answer = topAnswer(query, ENTRIES, throughMs, { ...settings, settledMs, nowMs });
  return { answer, ...topFreshness(query, answer, { ...settings, nowMs }) };
};
const answer = (parameters: Record<string, string>, throughMs = THROUGH_MS) =>
  kept(parameters, throughMs).answer;

test('a query has defaults, and any instant names its period', () => {
  const { metric, by, period, isNamed, k } = ask({});
  assert.deepEqual([metric, by, periodName(period), isNamed, k], ['view', 'day', '2026-11-22', false, 10]);
  assert.equal(ask({ at: '2026-11-21' }).period.startMs, Date.UTC(2026, 10, 21));
  const month = answer({ by: 'month', at: '2026-02-03T04:05:06+01:00', k: '2' });
  assert.deepEqual([month.from, month.to], ['2026-02-01T00:00:00Z', '2026-03-01T00:00:00Z']);
  assert.deepEqual(month.entries, ENTRIES.slice(0, 2));
});

test('an invalid query is refused with the reason', () => {
  for (const [parameters, message] of [
    [{ by: 'minute' }, /"by" must be one of hour, day, month, total/],
    [{ k: '0' }, /"k" must be/],
    [{ k: '101' }, /"k" must be/],
    [{ k: '1e1' }, /"k" must be/],
    [{ at: '2026-11-31' }, /"at" must be ISO 8601/],
    [{ at: '2026-11-22T05:00' }, /"at" must have a zone/],
    [{ at: '1793696400' }, /"at" must be epoch milliseconds, and 1793696400 looks like seconds/],
    [{ by: 'hour', at: '2026-11-22T06:00:00Z' }, /has not begun/],
    [{ by: 'total', at: '2026-11-22T05:00:00Z' }, /"at" needs by=hour, day or month/],
    [{ from: '0' }, /no parameter "from"/],
  ] as const) {
    assert.throws(() => ask(parameters), { constructor: InvalidQuery, message }, JSON.stringify(parameters));
  }
});

test('without a time it is the current period, which is open and says so', () => {
  for (const [by, from, to] of [
    ['hour', '2026-11-22T05:00:00Z', '2026-11-22T06:00:00Z'],
    ['day', '2026-11-22T00:00:00Z', '2026-11-23T00:00:00Z'],
    ['month', '2026-11-01T00:00:00Z', '2026-12-01T00:00:00Z'],
    ['total', '1970-01-01T00:00:00Z', '2026-11-22T05:31:00Z'],
  ] as const) {
    const open = answer({ by });
    assert.deepEqual([open.from, open.to, open.state], [from, to, 'provisional']);
    assert.match(
      String(open.note),
      by === 'total' ? /all time goes on/ : new RegExp(`the ${by} is still open`),
    );
    assert.equal(open.completeThrough, '2026-11-22T05:20:00.000Z');
    assert.deepEqual(open.entries, ENTRIES);
  }
});

test('a closed period says so if its list is incomplete, and is final once nothing more can arrive', () => {
  const at = '2026-11-22T04:00:00Z';
  assert.equal(answer({ by: 'hour', at }).note, undefined);
  assert.match(
    String(answer({ by: 'hour', at }, ms('2026-11-22T04:59:00Z')).note),
    /not all of it is in the list/,
  );
  const final = answer({ at: '2026-11-14T00:00:00Z' });
  assert.deepEqual(
    [final.state, final.completeThrough],
    ['final', '2026-11-15T00:00:00.000Z'],
    'fixed forever',
  );
  assert.equal(answer({ at: '2026-11-15T00:00:00Z' }).state, 'provisional');
  assert.equal(answer({}, 0).completeThrough, null);
});

test('a final answer is cached for a week; an open one, or one without a fixed period, for seconds', () => {
  const [final, open] = [
    { maxAgeSeconds: 7 * 86_400, isImmutable: true },
    { maxAgeSeconds: 5, isImmutable: false },
  ];
  const freshness = (parameters: Record<string, string>) => {
    const { answer: _, ...rest } = kept(parameters);
    return rest;
  };
  assert.deepEqual(freshness({ at: '2026-11-10T00:00:00Z' }), final);
  assert.deepEqual(freshness({ at: '2026-11-21T00:00:00Z' }), open, 'a late event may come');
  assert.deepEqual(freshness({ by: 'hour' }), open, 'soon another hour');
  const soonGone = { by: 'hour', at: '2026-10-23T05:00:00Z' };
  assert.deepEqual(freshness(soonGone), { maxAgeSeconds: 1800, isImmutable: true });
  const gone = kept({ by: 'hour', at: '2026-10-23T04:00:00Z' });
  assert.deepEqual([gone.answer.entries, gone.answer.state, gone.isImmutable], [[], 'provisional', false]);
  assert.match(String(gone.answer.note), /no list of this hour is kept/);
});

test('an answer cached as immutable stays the same byte for byte, whatever is compacted and set', () => {
  const later = fc.record({
    risenMs: fc.nat(40 * DAY_MS),
    acceptPast: fc.constantFrom('as before', 'raised', 'lowered'),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  let immutable = 0;
  fc.assert(
    fc.property(
      fc.constantFrom(...TOP_GRAINS),
      fc.integer({ min: 0, max: 60 }),
      later,
      (by, daysAgo, { risenMs, acceptPast, part }) => {
        const asking = { by, ...(by !== 'total' && { at: String(NOW_MS - daysAgo * DAY_MS) }) };
        const before = kept(asking);
        if (!before.isImmutable) return assert.equal(before.maxAgeSeconds, 5);
        immutable += 1;
        const nowMs = NOW_MS + Math.floor(before.maxAgeSeconds * part) * 1000 - 1;
        // The boundary stands still after a raise, and jumps when the setting is lowered.
        const pastMs = { 'as before': 7 * DAY_MS, raised: 7 * DAY_MS + risenMs, lowered: DAY_MS };
        const throughMs = THROUGH_MS + risenMs;
        const after = kept(asking, throughMs, nowMs, throughMs - pastMs[acceptPast]);
        assert.deepEqual(after.answer, before.answer);
        assert.equal(before.answer.state, 'final');
      },
    ),
    { numRuns: 500 },
  );
  assert.ok(immutable > 50, `${immutable} immutable answers`);
});

test("an answer is as complete as the watermark, the level and the level's open segments", async () => {
  const completeThrough = async (watermark: string, floor: string, since?: string) => {
    const open = { shard: parseShardKey('1.0'), segment: 3, runMaxMs: NOW_MS, sinceMs: ms(since ?? '') };
    const covers: Coverage = { through: {}, open: since === undefined ? [] : [open], floorMs: ms(floor) };
    const state = { ...INITIAL_STATE, days: { ...INITIAL_STATE.days, covers } };
    const { answer: read } = await readTop(
      ask({}),
      {
        watermarks: { readWatermark: async () => ({ ...NO_WATERMARK, throughMs: ms(watermark) }) },
        state: { readState: async () => state, readDeletions: async () => [] },
        tops: {
          readTop: async (_, { level }) => ({ epoch: 1, edit: 1, entries: level === 'days' ? ENTRIES : [] }),
        },
        clock: { nowMs: () => NOW_MS },
      },
      settings,
    );
    assert.deepEqual(read.entries, ENTRIES);
    return read.completeThrough?.slice(11, 16);
  };
  const [early, middle, late] = ['2026-11-22T05:01Z', '2026-11-22T05:02Z', '2026-11-22T05:03Z'];
  assert.equal(await completeThrough(early, middle), '05:01');
  assert.equal(await completeThrough(late, middle), '05:02');
  assert.equal(await completeThrough(late, middle, early), '05:01');
});
