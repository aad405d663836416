// An import in packs: fewer records, the same journal, and a front door that packs otherwise or not at all.
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import fc from 'fast-check';
import type { Fault } from './support/front-door.ts';
import { ImportWorld, logLines } from './support/import-world.ts';

let world: ImportWorld;

beforeEach(async () => {
  world = await ImportWorld.open();
});

afterEach(() => world.close());

test('many events are one record, and --alone makes one of each', async () => {
  const path = await world.write('a.log', logLines(3_000));
  const { figures } = await world.import(path);
  assert.deepEqual([figures.accepted, figures.requests, world.door.packed], [3_000, 2, 2]);
  assert.ok(world.door.records <= 32, `${world.door.records} records`);
  const before = world.door.records;
  const again = await world.import(path, '--forget', '--alone');
  assert.deepEqual([again.figures.accepted, again.figures.requests], [3_000, 6]);
  assert.equal(world.door.records - before, 3_000);
  assert.equal(world.door.stored.size, 3_000, 'the same ids');
});

test('a Tally with other buckets is asked once too often, and no more', async () => {
  world.door.packBuckets = 128;
  const path = await world.write('a.log', logLines(3_000));
  const { figures, troubles } = await world.import(path, '--concurrency', '1');
  assert.deepEqual([figures.accepted, figures.requests], [3_000, 3]);
  assert.match(troubles.join(), /it has 128 buckets for packs, not 16/);
  assert.equal(world.door.repeated, 0);
});

test('a Tally without packs gets events alone, cut to what it takes', async () => {
  world.door.packBuckets = undefined;
  const path = await world.write('a.log', logLines(3_000));
  const { figures } = await world.import(path);
  assert.equal(figures.accepted, 3_000);
  assert.equal(world.door.packed, 0);
  assert.equal(world.door.records, 3_000);
  assert.equal(world.door.repeated, 0);
  assert.equal(world.door.malformed, 0);
});

test('more packs than a request may have are cut by pack, before they are sent: none is refused, and packs stay as full', async () => {
  world.door.packBuckets = 1024;
  const path = await world.write('a.log', logLines(4_000));
  const { figures } = await world.import(path, '--concurrency', '1', '--batch-events', '4000');
  assert.deepEqual([figures.accepted, figures.requests], [4_000, 1 + 3]);
  assert.equal(world.door.malformed, 1, 'the one that was packed for 16');
  assert.ok(world.door.records <= 1024, `${world.door.records} records`);
  assert.equal(world.door.repeated, 0);
});

test('broken off, resumed packed otherwise or alone: every event stored, and what was sure is not sent again', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom<Fault>('ok', 'reset', 'store-reset', 'partly', 'partly-unsure', 'throttle'), {
        maxLength: 12,
      }),
      fc.integer({ min: 1, max: 12 }),
      fc.array(fc.constantFrom(['--batch-events', '37'], ['--batch-events', '4000'], ['--alone']), {
        minLength: 1,
        maxLength: 3,
      }),
      async (faults, stopAt, ways) => {
        const one = await ImportWorld.open();
        try {
          const path = await one.write('a.log', logLines(400));
          let requests = 0;
          one.door.script = () => {
            requests += 1;
            if (requests === stopAt) one.stop.abort();
            return faults[requests - 1] ?? 'ok';
          };
          for (const way of ways) {
            await one.import(path, ...way);
            one.stop = new AbortController();
          }
          const { figures } = await one.import(path);
          assert.equal(one.door.stored.size, 400);
          assert.equal(figures.already + figures.accepted, 400);
          const unsure = faults.some((fault) => fault === 'store-reset' || fault === 'partly-unsure');
          if (!unsure) assert.equal(one.door.repeated, 0);
        } finally {
          await one.close();
        }
      },
    ),
    { numRuns: 40 },
  );
});
