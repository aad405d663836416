// What becomes of an object: its lines count once, it is ignored, or it is parked with a reason.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { Collected } from '../../lambdas/collector/collect.ts';
import { logLine, logLines } from '../cli/support/import-world.ts';
import { WINDOW_MS, World, worldWith } from './support/world.ts';

describe('an object', () => {
  for (const [name, pack] of [
    ['plain', (text: string) => Buffer.from(text)],
    ['gzip', (text: string) => gzipSync(text)],
    [
      'gzip of two members with zeros between',
      (text: string) =>
        Buffer.concat([gzipSync(text.slice(0, 5000)), Buffer.alloc(100), gzipSync(text.slice(5000))]),
    ],
  ] as const) {
    test(`${name}: its lines count once, also weeks later`, async () => {
      const { world, object } = worldWith(pack(`${logLines(1300) + logLine(1, 404)}rubbish\n`));
      const { outcome, events } = await world.collect(object);
      assert.deepEqual([outcome, events, world.reported], ['done', 1300, []]);
      assert.equal(world.counted.size, 1300);
      world.nowMs += 21 * 86_400_000;
      const { puts } = world;
      assert.equal((await world.collect(object)).outcome, 'already');
      assert.equal(world.puts, puts);
    });
  }

  test('that matches no setting, is empty, a probe, or gone, is ignored', async () => {
    const world = new World();
    const lines = logLines(3);
    for (const [key, text] of [
      ['other/a.log', lines],
      ['web/', ''],
      ['web/AWSLogs/1/ELBAccessLogTestFile', 'Enable AccessLog for ELB'],
      ['web/blank.log', '\n\n'],
    ] as const)
      assert.equal((await world.collect(world.put(key, text))).outcome, 'ignored', key);
    const gone = world.put('web/gone.log', lines);
    world.objects.delete('web/gone.log');
    assert.equal((await world.collect(gone)).outcome, 'ignored');
    assert.equal(world.counted.size + world.reported.length, 0);
  });

  test('put again with other content is a new one; with the same content it is the same', async () => {
    const world = new World();
    await world.collect(world.put('web/a.log', logLines(5)));
    assert.equal((await world.collect(world.put('web/a.log', logLines(5)))).outcome, 'already');
    assert.equal((await world.collect(world.put('web/a.log', logLines(6, 100)))).outcome, 'done');
    assert.equal(world.counted.size, 11);
  });

  for (const [reason, bytes, log] of [
    [/tar archive/, Buffer.from(`${'a.log'.padEnd(257, '\0')}ustar\0`), {}],
    [/cut off/, gzipSync(logLines(3000)).subarray(0, 5000), {}],
    [/not recognised/, Buffer.from('what is this\n'), {}],
    [/cannot use --log-format|needs --log-format/, Buffer.from(logLines(1)), { format: 'template' }],
  ] as const) {
    test(`that cannot be read is parked with its reason: ${reason}`, async () => {
      const { world, object } = worldWith(bytes, 'web/bad.log');
      const { outcome } = await world.collect(object, log);
      assert.equal(outcome, 'parked');
      assert.match(world.reported[0]?.reason ?? '', reason);
      assert.equal((await world.collect(object, log)).outcome, 'already');
      assert.equal(world.reported.length, 1);
    });
  }

  test('that the settings could not read is counted after they are corrected and it is announced again', async () => {
    const { world, object } = worldWith(`${logLines(10)}${'what is this\n'.repeat(3)}`);
    const wrong = { format: 'alb' };
    assert.equal((await world.collect(object, wrong)).outcome, 'parked');
    assert.match(world.reported[0]?.reason ?? '', /^13 of its first 13 lines are malformed, read as elb$/);
    assert.equal((await world.collect(object, wrong)).outcome, 'already');
    assert.equal((await world.collect(object)).outcome, 'done');
    assert.equal((await world.collect(object, wrong)).outcome, 'already');
    assert.equal(world.counted.size, 10);
  });

  test('with more than a tenth of its lines malformed is counted, and reported', async () => {
    const world = new World();
    const { outcome, reason } = await world.collect(
      world.put('web/a.log', `${logLines(80)}${'rubbish\n'.repeat(20)}`),
    );
    assert.equal(outcome, 'done');
    assert.equal(reason, '20 of its 100 lines are malformed, read as combined; the others are counted');
    assert.deepEqual(
      world.reported.map((one) => one.reason),
      [reason],
    );
    assert.equal(world.counted.size, 80);
  });

  test('with malformed lines is reported by the run that finishes it, not by one that it overtook', async () => {
    const { world, object } = worldWith(`${logLines(1300)}${'rubbish\n'.repeat(200)}`);
    world.onPut = () => (world.puts === 1 ? 'refuse some' : 'take');
    let second: Collected | undefined;
    world.onPause = async () => {
      second ??= await world.collect(object);
    };
    const first = await world.collect(object);
    assert.deepEqual([first.outcome, second?.outcome], ['busy', 'done']);
    assert.equal(world.reported.length, 1);
    assert.deepEqual([world.counted.size, world.progress.malformed], [1300, 200]);
  });

  for (const [name, pack] of [
    ['plain', Buffer.from],
    ['gzip', gzipSync],
  ] as const) {
    test(`with malformed lines whose run dies once it is reported is done by the next: ${name}`, async () => {
      const { world, object } = worldWith(pack(`${logLines(80)}${'rubbish\n'.repeat(20)}`));
      world.onReport = () => {
        world.onReport = () => {};
        throw new Error('died');
      };
      await assert.rejects(world.collect(object), /died/);
      world.nowMs += 2 * WINDOW_MS;
      assert.equal((await world.collect(object)).outcome, 'done');
      assert.deepEqual([world.twice, world.counted.size, world.progress.malformed], [0, 80, 20]);
      // The first message may be lost, so it is sent again: the same one.
      assert.deepEqual(world.reported[0], world.reported[1]);
    });
  }

  test('with a first line longer than what tells the format is counted, or parked: never ignored', async () => {
    const world = new World();
    const events = Array.from({ length: 8000 }, (_, i) => ({ entity: `e${i}`, at: 1_793_707_200 + i }));
    assert.equal((await world.collect(world.put('web/a.json', JSON.stringify(events)))).events, 8000);
    const longer = world.put('web/b.json', JSON.stringify([...events, ...events, ...events, ...events]));
    assert.equal((await world.collect(longer)).outcome, 'parked');
  });

  test('settings: metric, filter, entity and template', async () => {
    const world = new World();
    const text = '203.0.113.1 [03/Nov/2026:12:00:00 +0000] "POST /a HTTP/1.1" 201\n';
    const logFormat = '$remote_addr [$time_local] "$request" $status';
    await world.collect(world.put('web/a.log', text), {
      metric: 'post',
      filter: 'method=POST,status=2xx',
      logFormat,
      entity: 'remote_addr',
    });
    assert.deepEqual(
      [...world.counted.values()].map(({ metric, entity, at }) => [metric, entity, at]),
      [['post', '203.0.113.1', Date.parse('2026-11-03T12:00:00Z')]],
    );
  });
});
