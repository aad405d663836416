// Runs that die, overtake each other or come late: each line once.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import type { Collected } from '../../lambdas/collector/collect.ts';
import { logLines } from '../cli/support/import-world.ts';
import { runs } from '../support/long.ts';
import { after, WINDOW_MS, World, worldWith } from './support/world.ts';

test('a run that read the progress before another finished does not reopen the object', async () => {
  const { world, object } = worldWith(logLines(100));
  const { promise, resolve } = Promise.withResolvers<void>();
  let second: Promise<Collected> | undefined;
  world.onPut = () => {
    world.onOpen = () => promise;
    second ??= world.collect(object);
    return 'take';
  };
  assert.equal((await world.collect(object)).outcome, 'done');
  resolve();
  assert.equal((await second)?.outcome, 'busy');
  assert.equal(world.progress.status, 'done');
});

test('a run that died is forgotten once all its records have been put again, in runs of any length', async () => {
  const world = new World();
  world.chunkBytes = 256 * 1024;
  const object = world.put('web/a.log', logLines(80_000));
  await world.collectDying(object);
  let events = 0;
  while (events < 51 * 500) {
    const run = await world.collect(object, {}, after(3));
    assert.equal(run.outcome, 'more');
    assert.ok(run.events < 50 * 500);
    events += run.events;
  }
  world.nowMs += 2 * WINDOW_MS;
  assert.equal((await world.collect(object)).outcome, 'done');
  assert.deepEqual([world.counted.size, world.twice], [80_000, 0]);
});

test('a run that died too long ago leaves the object parked, since its counted lines are unknown', async () => {
  const { world, object } = worldWith(logLines(100));
  await world.collectDying(object);
  world.nowMs += WINDOW_MS;
  assert.equal((await world.collect(object)).outcome, 'parked');
  assert.match(world.reported[0]?.reason ?? '', /is unknown/);
  assert.equal(world.twice, 0);
});

test('records of a dead run are as old as its first attempt, for any number of dead runs since', async () => {
  const { world, object } = worldWith(logLines(100));
  world.onPut = () => 'die after';
  await assert.rejects(world.collect(object), /died/);
  world.nowMs += 0.7 * WINDOW_MS;
  await world.collectDying(object, 'die before');
  world.nowMs += 0.7 * WINDOW_MS;
  assert.equal((await world.collect(object)).outcome, 'parked');
  assert.equal(world.twice, 0);
});

test('an overtaken run puts nothing that a later one would put again', async () => {
  const { world, object } = worldWith(logLines(60_000));
  // In the middle of its batches another run takes over the object, and gets no further.
  let second: Promise<Collected> | undefined;
  const first = await world.collect(object, {}, () => {
    second ??= world.collect(object, {}, after(1));
    return true;
  });
  assert.equal((await second)?.outcome, 'more');
  assert.equal(first.outcome, 'busy');
  world.nowMs += 2 * WINDOW_MS;
  const third = await world.collect(object);
  assert.ok(['parked', 'done'].includes(third.outcome));
  assert.equal(world.twice, 0);
});

test('with deaths, redelivery, waits and throttling: each line once, or reported', async () => {
  const step = fc.constantFrom('take', 'take', 'take', 'refuse some', 'die before', 'die after', 'wait');
  const text = logLines(30_000);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), fc.boolean(), async (steps, gzip) => {
      const { world, object } = worldWith(gzip ? gzipSync(text) : text);
      const left = [...steps];
      let waits = false;
      world.onPut = () => {
        const next = left.shift() ?? 'take';
        waits ||= next === 'wait';
        return next === 'wait' ? 'die after' : next;
      };
      let outcome = '';
      for (let run = 0; !['done', 'parked'].includes(outcome) && run < 40; run += 1) {
        const collected = world.collect(object, {}, run % 3 === 0 ? () => true : after(30)).then(
          (one) => one.outcome,
          () => 'died',
        );
        // A copy of the message, at the same time.
        if (run % 4 === 1) await world.collect(object, {}, after(40)).catch(() => {});
        outcome = await collected;
        if (waits) world.nowMs += 0.6 * WINDOW_MS;
        waits = false;
      }
      assert.equal((await world.collect(object)).outcome, 'already');
      assert.equal(world.twice, 0);
      if (world.reported.length === 0) assert.equal(world.counted.size, 30_000);
      else assert.match(world.reported[0]?.reason ?? '', /is unknown/);
    }),
    { numRuns: runs(12) },
  );
});

test('an object whose metric is changed while it is read counts under the one that it began with', async () => {
  const { world, object } = worldWith(logLines(1_300));
  await world.collectDying(object);
  assert.equal((await world.collect(object, { metric: 'hit' })).outcome, 'done');
  const metrics = new Set([...world.counted.values()].map(({ metric }) => metric));
  assert.deepEqual([world.counted.size, ...metrics], [1_300, 'view']);
});
