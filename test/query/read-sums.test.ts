// The protocol of reading: whatever is compacted, half compacted, late or on its way, each cell is the plain sum.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LEVELS, UPPER_LEVELS } from '../../lambdas/core/level.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { InvalidCountQuery, parseCountQuery } from '../../lambdas/query/count-query.ts';
import { readCounts } from '../../lambdas/query/read-counts.ts';
import {
  assertPlainSum,
  type Counted,
  counted,
  DAYS,
  ENTITIES,
  minuteWithin,
  NOW_MS,
  portsOf,
  settingsOf,
} from '../support/counted-questions.ts';
import type { Minutes } from '../support/counted-world.ts';

/** Many rows in a few hours, so that blocks split, and a few long ago. */
const dense: fc.Arbitrary<Minutes> = fc.array(
  fc.tuple(
    fc.oneof(
      { weight: 4, arbitrary: minuteWithin(0.25) },
      { weight: 2, arbitrary: minuteWithin(6) },
      minuteWithin(DAYS),
    ),
    fc.bigInt({ min: 1n, max: 9n }),
    fc.constantFrom(...ENTITIES),
  ),
  { minLength: 20, maxLength: 120, size: 'max' },
);
const world: fc.Arbitrary<Counted> = fc
  .tuple(counted, dense)
  .map(([each, minutes]) => ({ ...each, minutes }));

const QUESTIONS: readonly Readonly<Record<string, string>>[] = [
  { by: 'minute', from: String(NOW_MS - 30_000 - 9 * HOUR_MS) },
  { by: 'hour', from: '2026-11-14T00:00Z' },
  { by: 'hour', from: '2026-11-21T00:00Z', tz: 'Asia/Kathmandu' },
  { by: 'day', from: '2026-09-01T00:00Z' },
  { by: 'week', from: '2025-09-01T00:00Z', tz: 'Europe/Berlin' },
  { by: 'month', from: '2025-08-01T00:00Z' },
  { by: 'total' },
];

async function checkAll(of: Counted, hints: Map<'hours', number>): Promise<void> {
  // The others stand in the same blocks.
  const queries = ENTITIES.slice(0, 4).flatMap((entity) =>
    QUESTIONS.map((question) => parseCountQuery('view', entity, question, NOW_MS)),
  );
  const ports = { ...(await portsOf(of)), hints };
  for (const read of await readCounts(queries, ports, settingsOf(of))) {
    assert.ok(!(read instanceof InvalidCountQuery), String(read));
    assertPlainSum(read.answer, of.minutes);
  }
}

test('each cell of each grain is the plain sum, whatever the compactor has done so far', async () => {
  const seen: Record<string, number> = {};
  const see = (what: string, isSeen = true) => {
    seen[what] = (seen[what] ?? 0) + (isSeen ? 1 : 0);
  };
  // Never of the world that is asked about: a hint must not be trusted.
  const hints = new Map();
  await fc.assert(
    fc.asyncProperty(world, async (of) => {
      await checkAll(of, hints);
      const { counts, state: reader } = await portsOf(of);
      const state = await reader.readState();
      const blocks = [...counts.blocks()];
      for (const level of LEVELS) {
        const { epoch, plan, closedBeforeMs } = state[level];
        const own = blocks.filter((block) => block.level === level);
        see(`${level} compacted`, epoch > 0);
        see(
          `${level} under way, with blocks done`,
          plan !== undefined && own.some((one) => one.epoch > epoch),
        );
        see(
          `${level} under way, with blocks to be done`,
          plan !== undefined && own.some((one) => one.epoch <= epoch),
        );
        see(
          `${level} split`,
          own.some(({ isSplit }) => isSplit),
        );
        if (level !== 'hours') see(`${level} closed`, closedBeforeMs > 0);
      }
      for (const level of UPPER_LEVELS)
        see(`late ${level}`, state.late[level].epoch > state[level].hourEpoch);
      see('open segments', state.hours.covers.open.length > 0);
      see(
        'upper levels ahead',
        UPPER_LEVELS.every((level) => state[level].epoch > 0),
      );
    }),
    { numRuns: 120 },
  );
  const rare = Object.entries(seen).filter(([, times]) => times < 3);
  assert.deepEqual(rare, [], 'the histories must cross everything that is told apart');
});
