// The read protocol: each cell is the plain sum, with any rows compacted, half compacted, late or in flight.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { rangesOf } from '../../lambdas/core/hash-range.ts';
import { LEVELS, type Level, periodAt, UPPER_LEVELS } from '../../lambdas/core/level.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import type { DepthHints } from '../../lambdas/query/read-blocks.ts';
import { type QueryPorts, readCounts } from '../../lambdas/query/read-counts.ts';
import type { Block, BlockReader } from '../../lambdas/store/ports.ts';
import {
  assertPlainSum,
  type Counted,
  counted,
  DAYS,
  ENTITIES,
  minuteWithin,
  NOW_MS,
  play,
  portsOf,
  settingsOf,
} from '../support/counted-questions.ts';
import { epochStep, type Minutes, type Step } from '../support/counted-world.ts';
import { LONG, runs } from '../support/long.ts';

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

async function checkAll(of: Counted, ports: QueryPorts): Promise<void> {
  // The others stand in the same blocks.
  const queries = ENTITIES.slice(0, 4).flatMap((entity) =>
    QUESTIONS.map((question) => parseCountQuery('view', entity, question, NOW_MS)),
  );
  for (const read of await readCounts(queries, ports, settingsOf(of))) {
    assert.ok(!(read instanceof InvalidQuery), String(read));
    assertPlainSum(read.answer, of.minutes);
  }
}

/** The blocks of a level down to the third split. */
async function blocksOf(level: Level, { minutes }: Counted, store: BlockReader): Promise<readonly Block[]> {
  const periods = new Map(
    minutes.map(([atMs]) => periodAt(level, atMs)).map((period) => [period.startMs, period]),
  );
  const ranges = [0, 1, 2, 3].flatMap((bits) => rangesOf(bits));
  const names = [...periods.values()].flatMap((period) => ranges.map((range) => ({ period, range })));
  return (await store.readBlocks(names)).filter((block) => block !== undefined);
}

test('each cell of each grain is the plain sum, at any progress of the compactor', async () => {
  const seen: Record<string, number> = {};
  const see = (what: string, isSeen = true) => {
    seen[what] = (seen[what] ?? 0) + (isSeen ? 1 : 0);
  };
  // Never of the world that is asked about: a hint must not be trusted.
  const hints: DepthHints = new Map();
  await fc.assert(
    fc.asyncProperty(world, async (of) => {
      const ports = await portsOf(of);
      await checkAll(of, { ...ports, hints });
      const { counts, state: reader } = ports;
      const state = await reader.readState();
      for (const level of LEVELS) {
        const { epoch, plan, closedBeforeMs } = state[level];
        const own = await blocksOf(level, of, counts);
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
          own.some(({ content }) => content === 'split'),
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
    { numRuns: runs(120) },
  );
  const never = Object.entries(seen).filter(([, times]) => times === 0);
  // A quarter of the runs may miss something.
  if (LONG) assert.deepEqual(never, [], 'the histories must cross everything that is told apart');
});

test('a compactor at work between any two reads changes no answer', async () => {
  const steps = fc.array(
    fc.oneof(fc.constant<Step>({ do: 'settle' }), fc.constantFrom(...LEVELS).chain(epochStep)),
    // With one more, a request might be overtaken more often than it begins again.
    { minLength: 1, maxLength: 4, size: 'max' },
  );
  const hints: DepthHints = new Map();
  let restarts = 0;
  await fc.assert(
    fc.asyncProperty(
      world,
      steps,
      fc.array(fc.nat(5), { minLength: 4, maxLength: 4 }),
      async (of, rest, pauses) => {
        const { ports, more } = await play(of);
        const left = rest.map((step, index) => ({ step, pause: pauses[index] ?? 0 }));
        let turn = Promise.resolve();
        const disturbed = () => {
          const [next] = left;
          if (next === undefined) return turn;
          if (next.pause > 0) next.pause -= 1;
          else {
            left.shift();
            turn = turn.then(() => more(next.step));
          }
          return turn;
        };
        const { state, counts } = ports;
        let reads = 0;
        await checkAll(of, {
          ...ports,
          hints,
          state: {
            readDeletions: (count) => state.readDeletions(count),
            readState: async () => {
              reads += 1;
              await disturbed();
              return state.readState();
            },
          },
          counts: {
            readBlocks: async (names) => disturbed().then(() => counts.readBlocks(names)),
            deltasIn: (...asked) => after(disturbed, () => counts.deltasIn(...asked)),
            lateRows: (...asked) => after(disturbed, () => counts.lateRows(...asked)),
          },
        });
        restarts += reads - 1;
      },
    ),
    { numRuns: runs(120) },
  );
  if (LONG) assert.ok(restarts > 0, 'no request was ever overtaken');
});

async function* after<T>(wait: () => Promise<void>, read: () => AsyncIterable<T>): AsyncIterable<T> {
  await wait();
  yield* read();
}
