// Objects that take several runs, or that break off.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Collected } from '../../lambdas/collector/collect.ts';
import { logLines } from '../cli/support/import-world.ts';
import { after, WINDOW_MS, World, worldWith } from './support/world.ts';

describe('a large object', () => {
  const text = '#Fields: date time cs-uri-stem cs-method sc-status\n'.concat(
    ...Array.from(
      { length: 60_000 },
      (_, i) => `2026-11-03\t12:00:${String(i % 60).padStart(2, '0')}\t/p${i % 97}\tGET\t200\n`,
    ),
  );

  for (const [name, bytes] of [
    ['plain', Buffer.from(text)],
    ['gzip', gzipSync(text)],
    [
      'gzip of many members',
      Buffer.concat(text.match(/[\s\S]{1,300000}/g)?.map((part) => gzipSync(part)) ?? []),
    ],
  ] as const) {
    test(`takes as many runs as needed: ${name}`, async () => {
      const { world, object } = worldWith(bytes, 'web/large.log');
      const runs = await world.collectAll(object, (run) => after(3 + 3 * run));
      assert.ok(runs > 2, `${runs} runs`);
      assert.equal(world.counted.size, 60_000);
      assert.equal(world.reported.length, 0);
      // Announced again long after it waited in the queue: nothing was uncertain.
      assert.deepEqual([world.progress.status, world.progress.events], ['done', 60_000]);
    });
  }

  for (const [name, bytes] of [
    ['plain', Buffer.from(text)],
    ['gzip', gzipSync(text)],
  ] as const) {
    // A look at the clock is a chunk: 64 KiB of plain text, 256 KiB of inflated text, counted or skipped.
    for (const looks of [2, 6, 20]) {
      test(`is read further by each run, or given up: ${name}, ${looks} looks at the clock`, async () => {
        const { world, object } = worldWith(bytes, 'web/large.log');
        let [outcome, offset] = ['more', 0];
        while (outcome === 'more') {
          ({ outcome } = await world.collect(object, {}, after(looks)));
          const { cursor } = world.progress;
          assert.ok(cursor.offset > offset || outcome === 'parked', `${outcome} at ${cursor.offset}`);
          offset = cursor.offset;
          // All lines but the header.
          assert.equal(world.counted.size, cursor.lines - 1);
        }
        assert.equal(outcome, name === 'gzip' && looks < 20 ? 'parked' : 'done');
        assert.equal(world.reported.length, outcome === 'parked' ? 1 : 0);
      });
    }
  }

  test('may wait in the queue for longer than the dedup window between two runs', async () => {
    const { world, object } = worldWith(text, 'web/large.log');
    assert.equal((await world.collect(object, {}, after(8))).outcome, 'more');
    world.nowMs += 2 * WINDOW_MS;
    assert.equal((await world.collect(object)).outcome, 'done');
    assert.equal(world.counted.size, 60_000);
  });

  test('with nothing to count is read in several runs, too', async () => {
    const { world, object } = worldWith(logLines(60_000).replaceAll('GET', 'PUT'), 'web/posts.log');
    let runs = 0;
    for (let outcome = 'more'; outcome === 'more' && runs < 50; runs += 1)
      ({ outcome } = await world.collect(object, {}, after(25)));
    const { status, events, malformed } = world.progress;
    assert.deepEqual([status, events, malformed], ['done', 0, 0]);
    assert.ok(runs > 2, `${runs} runs`);
  });

  test('malformed lines are counted once over all runs', async () => {
    const world = new World();
    const lines = logLines(40_000).split('\n');
    const text = lines.map((line, i) => (i % 50 === 7 ? 'rubbish' : line)).join('\n');
    await world.collectAll(world.put('web/a.log', text), () => after(3));
    const { events, malformed } = world.progress;
    assert.deepEqual([events, malformed], [39_200, 800]);
  });

  test('of gzip that a run cannot inflate up to its progress is parked, with what to do', async () => {
    const { world, object } = worldWith(gzipSync(text), 'web/large.log');
    assert.equal((await world.collect(object, {}, after(8))).outcome, 'more');
    assert.equal((await world.collect(object, {}, () => false)).outcome, 'parked');
    assert.match(
      world.reported[0]?.reason ?? '',
      /are counted, and a run ends before .*: put the rest as smaller/,
    );
  });
});

describe('an object that breaks off', () => {
  const whole = gzipSync(logLines(30_000));
  const cutOff = whole.subarray(0, whole.length / 2);

  test('is reported with exactly its counted lines', async () => {
    const world = new World();
    const { outcome, events } = await world.collect(world.put('web/a.log', cutOff));
    assert.equal(outcome, 'parked');
    const { lines = 0, offset = 0 } = world.reported[0]?.countedUpTo ?? {};
    assert.ok(lines > 500, `${lines} lines`);
    assert.deepEqual([world.counted.size, events], [lines, lines]);
    await world.collect(world.put('web/rest.log', logLines(30_000).slice(offset)));
    assert.equal(world.counted.size, 30_000);
  });

  test('after a run that died is reported with its unknown lines', async () => {
    const { world, object } = worldWith(cutOff);
    await world.collectDying(object);
    await world.collect(object);
    const [{ reason, countedUpTo } = assert.fail('no report')] = world.reported;
    assert.match(reason, /cut off .*; a run stopped before, and perhaps up to \d+ batches more are counted$/);
    assert.equal(world.counted.size, countedUpTo.lines);
  });

  for (const opens of [0, 1])
    test(`because it is deleted between two runs is reported, found after ${opens} reads`, async () => {
      const { world, object } = worldWith(logLines(60_000));
      assert.equal((await world.collect(object, {}, after(25))).outcome, 'more');
      const { size } = world.counted;
      const { opens: before } = world;
      world.onOpen = async () => {
        if (world.opens > before + opens) world.objects.clear();
      };
      assert.equal((await world.collect(object)).outcome, 'parked');
      const [{ reason, countedUpTo } = assert.fail('no report')] = world.reported;
      assert.match(reason, /is gone$/);
      assert.deepEqual(
        [countedUpTo.lines, world.counted.size, world.progress.status],
        [size, size, 'parked'],
      );
      assert.equal((await world.collect(object)).outcome, 'already');
    });

  test('because it is deleted after a run that died is reported with its unknown lines', async () => {
    const { world, object } = worldWith(logLines(30_000));
    await world.collectDying(object);
    world.objects.clear();
    assert.equal((await world.collect(object)).outcome, 'parked');
    assert.match(
      world.reported[0]?.reason ?? '',
      /is gone; a run stopped before, and perhaps up to 50 batches/,
    );
  });

  test('because it is deleted between two members that one run reads is reported', async () => {
    const members = [gzipSync(logLines(3_000)), Buffer.alloc(100), gzipSync(logLines(3_000, 3_000))];
    const { world, object } = worldWith(Buffer.concat(members));
    world.onOpen = async () => {
      if (world.opens > 3) world.objects.clear();
    };
    assert.equal((await world.collect(object)).outcome, 'parked');
    assert.equal(world.reported[0]?.countedUpTo.lines, world.counted.size);
  });

  test('before anything of it is counted is ignored, and read when it comes back', async () => {
    for (const opensBefore of [1, 2]) {
      const { world, object } = worldWith(logLines(10));
      const there = new Map(world.objects);
      world.onOpen = async () => {
        if (world.opens > opensBefore) world.objects.clear();
      };
      assert.equal((await world.collect(object)).outcome, 'ignored');
      assert.deepEqual(world.reported, []);
      // A delete marker is removed days later, and the object announced again.
      for (const [key, bytes] of there) world.objects.set(key, bytes);
      world.nowMs += 2 * WINDOW_MS;
      world.onOpen = async () => {};
      assert.deepEqual(await world.collect(object), { outcome: 'done', events: 10 });
    }
  });

  test('is not parked by a run that another has overtaken', async () => {
    const { world, object } = worldWith(cutOff);
    let second: Promise<Collected> | undefined;
    const first = await world.collect(object, {}, () => {
      second ??= world.collect(object, {}, after(1));
      return true;
    });
    assert.equal((await second)?.outcome, 'more');
    assert.deepEqual([first.outcome, world.reported], ['busy', []]);
    assert.equal(world.progress.status, 'reading');
  });
});
