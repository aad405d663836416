// Sweeps: each counter is recomputed once for all that is due, in as many passes as memory and time ask for, whoever dies or meets on the way.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type CompactorSettings, lookingMsOf } from '../../lambdas/compactor/compaction.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/counting/time.ts';
import { checkTopsAtRest } from '../../simulation/oracle/tops.ts';
import { Random } from '../../simulation/random.ts';
import type { Network, Request } from '../../simulation/world/network.ts';
import { type RowName, SweptWorld, shardAt } from '../support/swept-world.ts';

const DAY = Date.UTC(2026, 10, 29);
const SETTINGS: CompactorSettings = {
  generation: '1',
  retentionsMs: { counters: undefined, days: undefined, months: undefined },
  intervalsMs: { days: 1, months: 1 },
  settleMs: 0,
  patienceMs: 0,
  concurrency: 4,
  sweepItems: 1_000,
  portionItems: 1_000,
  lookingMs: 60_000,
  topLists: { entriesMax: 4, certainMin: 2, remakeSegmentsMax: 1_000, remakeCountersMax: 1_000 },
};

class Died extends Error {}

/** Calls that take a while, each its own, fail, done or not, and may be the caller's last. */
function faulty(random: Random, dying: number, failing: number): Network {
  let isDead = false;
  return {
    async call<T>({ effect }: Request<T>): Promise<T> {
      for (let waits = random.between(0, 6); waits > 0; waits -= 1) await undefined;
      const dies = random.chance(dying);
      const fails = random.chance(failing);
      // Dead is dead for every call that is under way; the last one may have taken effect.
      if (isDead) throw new Died();
      isDead = dies;
      if ((dies || fails) && random.chance(0.5)) throw new Died();
      const answer = effect();
      if (dies || fails) throw new Died();
      return answer;
    },
  };
}

function rowNamed(random: Random): RowName {
  const metric = random.pick(['view', 'like']);
  const hourMs = DAY + random.pick([0, 1, 5]) * HOUR_MS + random.pick([0, 0, 1, 3]) * DAY_MS;
  return { metric, entity: `/${random.between(1, 6)}`, hourMs };
}

/** A few segments on a few shards, each in one part or two. */
function addSegments(world: SweptWorld, random: Random, shards: number): void {
  for (let count = random.between(1, 10); count > 0; count -= 1) {
    const parts = Array.from({ length: random.between(1, 2) }, () =>
      Array.from({ length: random.between(1, 4) }, () => rowNamed(random)),
    );
    world.add(shardAt(random.between(0, shards - 1)), parts);
  }
}

function assertNothingLacks(world: SweptWorld): void {
  assert.deepEqual(world.lacking('days'), []);
  assert.deepEqual(world.lacking('months'), []);
}

test('any bounds of memory and time, deaths, failures and two compactors at once: no cursor is ahead of its level, and levels end as one sum', async () => {
  let most = 0;
  await fc.assert(
    fc.asyncProperty(fc.integer(), async (seed) => {
      const random = new Random(`${seed}`);
      const world = new SweptWorld();
      const shards = random.between(1, 3);
      const settings: CompactorSettings = {
        ...SETTINGS,
        concurrency: random.pick([1, 4]),
        sweepItems: random.pick([1, 2, 5, 1_000]),
        portionItems: random.pick([1, 3, 1_000]),
        lookingMs: random.pick([0, 60_000]),
      };
      for (let round = random.between(1, 6); round > 0; round -= 1) {
        addSegments(world, random, shards);
        for (const one of world.segments)
          for (const part of one.parts.keys()) if (random.chance(0.5)) world.apply(one, part);
        world.clock.atMs += random.pick([0, 1, 1_000]);
        const runs = Array.from({ length: random.between(1, 2) }, async (_, place) => {
          const chance = random.fork(`${round} ${place}`);
          let looks = random.pick([5, 40, 1_000]);
          const hasTime = () => looks-- > 0;
          const network = faulty(chance, random.pick([0, 0.01, 0.1]), random.pick([0, 0, 0.01]));
          try {
            most = Math.max(most, (await world.compact(settings, hasTime, network)).passes);
          } catch (error) {
            if (!(error instanceof Died)) throw error;
          }
        });
        await Promise.all(runs);
        assertNothingLacks(world);
      }
      world.applyAll();
      world.clock.atMs += 1_000;
      await world.compact(settings);
      assertNothingLacks(world);
      for (const level of ['days', 'months', 'total'] as const) assert.deepEqual(world.differing(level), []);
      for (const shard of world.ledger.listed()) {
        const { pending, through, open } = world.ledger.cursor(shard, 'months');
        assert.deepEqual([pending, through, open], [undefined, world.ledger.of(shard).head?.segment, []]);
      }
      checkTopsAtRest(world, SETTINGS.topLists.certainMin);
    }),
    { numRuns: 60 },
  );
  assert.ok(most > 4, `${most} passes at most`);
});

/** Twenty entities in each of six segments on two shards, all counted. */
function busyWorld(): SweptWorld {
  const world = new SweptWorld();
  for (let segment = 0; segment < 6; segment += 1) {
    const rows = Array.from({ length: 20 }, (_, at) => ({ metric: 'view', entity: `/${at}`, hourMs: DAY }));
    world.add(shardAt(segment % 2), [rows]);
  }
  world.applyAll();
  return world;
}
const cursors = (world: SweptWorld) =>
  world.ledger.listed().map((shard) => world.ledger.cursor(shard, 'days'));

test('what fits into memory is one pass: each counter is recomputed once, and each cursor put once', async () => {
  const world = busyWorld();
  const report = await world.compact(SETTINGS);
  // Twenty days; twenty months and totals.
  assert.deepEqual([report.passes, report.segments, report.recomputed], [2, 12, 60]);
  assert.deepEqual(
    cursors(world).map(({ revision }) => revision),
    [1, 1],
  );
});

test('what does not fit is recomputed once all the same, in passes over the same segments', async () => {
  const world = busyWorld();
  const report = await world.compact({ ...SETTINGS, sweepItems: 5 });
  assert.deepEqual([report.segments, report.recomputed, report.complete], [12, 60, true]);
  assert.ok(report.passes >= 8, `${report.passes} passes`);
  assert.deepEqual(world.differing('total'), []);
});

test('a run that ends in the middle of a pass leaves what is done of it, claims nothing, and is gone on with', async () => {
  const world = busyWorld();
  let looks = 20;
  const first = await world.compact({ ...SETTINGS, portionItems: 4, concurrency: 1 }, () => looks-- > 0);
  assert.equal(first.complete, false);
  assert.ok(first.recomputed > 0 && first.recomputed < 20);
  for (const { through, pending } of cursors(world)) {
    assert.deepEqual([through, pending?.through, pending?.readable], [0, 3, 3]);
    assert.ok((pending?.doneBelow ?? 0) > 0);
  }
  const { recomputed, complete } = await world.compact(SETTINGS);
  // At most one portion was begun in vain.
  assert.ok(complete && first.recomputed + recomputed <= 60 + 4, `${first.recomputed} + ${recomputed}`);
  assert.deepEqual(world.differing('total'), []);
});

test('a call that fails is the end of a run, not of what was done before it', async () => {
  const world = busyWorld();
  let queries = 10;
  const network: Network = {
    async call({ operation, effect }) {
      if (operation === 'query' && queries-- <= 0) throw new Error('throttled');
      return effect();
    },
  };
  await assert.rejects(
    world.compact({ ...SETTINGS, portionItems: 4 }, () => true, network),
    /throttled/,
  );
  for (const { through, pending } of cursors(world)) {
    assert.equal(through, 0);
    assert.ok((pending?.doneBelow ?? 0) > 0, 'two portions are done');
  }
  const { recomputed } = await world.compact(SETTINGS);
  assert.equal(recomputed, 60 - 8);
  assertNothingLacks(world);
  assert.deepEqual(world.differing('total'), []);
});

test('what is counted while a step is pending is not taken for held by it', async () => {
  const world = busyWorld();
  const late = { metric: 'view', entity: '/3', hourMs: DAY };
  world.add(shardAt(0), [[late], [{ ...late, entity: '/4' }]]);
  const open = world.segments.at(-1);
  assert.ok(open !== undefined);
  let looks = 20;
  await world.compact({ ...SETTINGS, portionItems: 4, concurrency: 1 }, () => looks-- > 0);
  world.apply(open, 0);
  world.apply(open, 1);
  await world.compact(SETTINGS);
  assertNothingLacks(world);
  assert.deepEqual(world.ledger.cursor(shardAt(0), 'days').open, [{ segment: open.segment, held: 0 }]);
  world.clock.atMs += 1;
  await world.compact(SETTINGS);
  assert.deepEqual(world.differing('total'), []);
  assert.deepEqual(world.ledger.cursor(shardAt(0), 'days').open, []);
});

test('the list of what a segment touches is gone before the last pass: that is counted as missed', async () => {
  const world = busyWorld();
  let looks = 20;
  await world.compact({ ...SETTINGS, portionItems: 4, concurrency: 1 }, () => looks-- > 0);
  const { entries, touched } = world.ledger.of(shardAt(0));
  entries.delete(1);
  for (const name of [...touched.keys()]) if (name.startsWith('1/')) touched.delete(name);
  for (const name of [...world.ledger.of(shardAt(1)).touched.keys()])
    if (name.startsWith('1/')) world.ledger.of(shardAt(1)).touched.delete(name);
  const { missed, complete } = await world.compact(SETTINGS);
  assert.equal(complete, true);
  // One segment of each shard for the days; for the months, too.
  assert.equal(missed, 4);
});

test('time that does not suffice to look at all that is due makes steps smaller, not endless', async () => {
  const world = busyWorld();
  const { complete, segments } = await world.compact({ ...SETTINGS, lookingMs: 0, concurrency: 1 });
  assert.deepEqual([complete, segments], [true, 12]);
  assert.deepEqual(world.differing('total'), []);
  assert.deepEqual(
    cursors(world).map(({ through, revision }) => [through, revision]),
    [
      [3, 4],
      [3, 4],
    ],
    'a segment a step, and the interval',
  );
});

test('a run that is shorter than a look gets something done all the same', async () => {
  const world = new SweptWorld();
  for (let segment = 0; segment < 40; segment += 1)
    world.add(shardAt(0), [[{ metric: 'view', entity: `/${segment % 4}`, hourMs: DAY }]]);
  world.applyAll();
  const network: Network = {
    async call({ operation, effect }) {
      world.clock.atMs += operation === 'readTouched' ? 1_000 : 10;
      return effect();
    },
  };
  const settings = { ...SETTINGS, intervalsMs: { days: DAY_MS, months: DAY_MS }, concurrency: 1 };
  world.clock.atMs += DAY_MS;
  let runs = 0;
  for (let complete = false; !complete; runs += 1) {
    assert.ok(runs < 20, 'runs do nothing');
    const endMs = world.clock.atMs + 20_000;
    const lookingMs = lookingMsOf(settings, 20_000);
    const hasTime = () => world.clock.atMs < endMs;
    ({ complete } = await world.compact({ ...settings, lookingMs }, hasTime, network));
  }
  assert.ok(runs > 2, `${runs} runs`);
  assert.deepEqual(world.differing('total'), []);
});

test('open segments that a pass has no time for stay open', async () => {
  const world = new SweptWorld();
  for (const entity of ['/a', '/b', '/c']) world.add(shardAt(0), [[{ metric: 'view', entity, hourMs: DAY }]]);
  await world.compact(SETTINGS);
  world.applyAll();
  world.clock.atMs += 1;
  let looks = 8;
  const settings = { ...SETTINGS, concurrency: 1, portionItems: 1 };
  await world.compact(settings, () => looks-- > 0);
  assert.deepEqual(cursors(world)[0]?.pending?.again.length, 3);
  let most = 1;
  await world.compact({ ...settings, lookingMs: 0 }, () => most-- > 0);
  assertNothingLacks(world);
  await world.compact({ ...settings, lookingMs: 0 });
  assertNothingLacks(world);
  assert.deepEqual(world.differing('total'), []);
});
