// The collector's use case: announced twice, interrupted at any point, overtaken, on a stream that refuses batches: each line once.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { announcedObject, announcementOf } from '../../lambdas/collector/announcement.ts';
import { type Collected, type CollectorSettings, collect } from '../../lambdas/collector/collect.ts';
import {
  type AccessLog,
  type BatchRecord,
  type CollectorPorts,
  type Cursor,
  type LogObject,
  ObjectGone,
  type Progress,
} from '../../lambdas/collector/ports.ts';
import { logLine, logLines } from '../cli/support/import-world.ts';
import { runs } from '../support/long.ts';
import { ABSENT, ACCESS_LOGS, DATA, trueViews } from '../support/real-logs.ts';

const LOG: AccessLog = {
  bucket: 'logs',
  prefix: 'web/',
  format: 'auto',
  metric: 'view',
  filter: '',
  entity: '',
  logFormat: '',
};
const WINDOW_MS = 600_000;

/** Objects, a ledger and a stream in memory, which fail when a test says so. */
class World {
  readonly objects = new Map<string, Buffer>();
  readonly items = new Map<string, string>();
  readonly reported: { key: string; reason: string; countedUpTo: Cursor }[] = [];
  /** Events by batch key and place; the aggregator drops repeats within its window. */
  readonly counted = new Map<
    string,
    { metric: string; entity: string; at: number | string; putMs: number }
  >();
  /** Repeats after the window. */
  twice = 0;
  runs = 0;
  nowMs = Date.parse('2026-11-03T00:00:00Z');
  puts = 0;
  opens = 0;
  chunkBytes = 64 * 1024;
  onOpen: () => Promise<void> = async () => {};
  onPause: () => Promise<void> = async () => {};
  onReport: () => void = () => {};
  onPut: (records: readonly BatchRecord[]) => 'take' | 'refuse some' | 'die before' | 'die after' = () =>
    'take';

  put(key: string, bytes: Buffer | string): LogObject {
    const buffer = Buffer.from(bytes as string);
    this.objects.set(key, buffer);
    return {
      bucket: 'logs',
      key,
      bytes: buffer.length,
      etag: createHash('md5').update(buffer).digest('hex'),
    };
  }

  readonly ports: CollectorPorts = {
    objects: {
      open: async ({ key, etag }, offset, most) => {
        this.opens += 1;
        await this.onOpen();
        const bytes = this.objects.get(key);
        if (bytes === undefined || createHash('md5').update(bytes).digest('hex') !== etag)
          throw new ObjectGone(`${key} is gone`);
        const { chunkBytes } = this;
        return (async function* () {
          const end = Math.min(bytes.length, offset + (most ?? bytes.length));
          for (let at = offset; at < end; at += chunkBytes)
            yield bytes.subarray(at, Math.min(end, at + chunkBytes));
        })();
      },
    },
    progress: {
      read: async ({ key, etag }) => {
        const item = this.items.get(`${key} ${etag}`);
        return item === undefined ? undefined : (JSON.parse(item) as Progress);
      },
      save: async ({ key, etag }, progress, last) => {
        const before = await this.ports.progress.read({ bucket: 'logs', key, etag, bytes: 0 });
        const same = (one: Progress) =>
          before?.run === one.run &&
          before?.status === one.status &&
          before.cursor.offset === one.cursor.offset;
        if (!(last.run === undefined ? before === undefined : same(last)) && !same(progress)) return false;
        this.items.set(`${key} ${etag}`, JSON.stringify(progress));
        return true;
      },
    },
    stream: {
      put: async (records) => {
        this.puts += 1;
        const what = this.onPut(records);
        if (what === 'die before') throw new Error('died');
        const taken = what === 'refuse some' ? records.filter((_, i) => i % 2 === 0) : records;
        for (const { key, data } of taken) {
          const [version, name, events] = JSON.parse(data);
          assert.deepEqual([version, name], [1, key]);
          assert.ok(events.length <= 500 && data.length < 1_000_000 && key.length <= 128);
          for (const [place, event] of events.entries()) {
            const first = this.counted.get(`${key}#${place}`);
            if (first === undefined) this.counted.set(`${key}#${place}`, { ...event, putMs: this.nowMs });
            else if (this.nowMs - first.putMs > WINDOW_MS) this.twice += 1;
          }
        }
        if (what === 'die after') throw new Error('died');
        return records.filter((record) => !taken.includes(record));
      },
    },
    report: async ({ key }, reason, countedUpTo) => {
      this.reported.push({ key, reason, countedUpTo });
      this.onReport();
    },
    run: '',
    nowMs: () => this.nowMs,
    pause: async (ms) => {
      this.nowMs += ms;
      await this.onPause();
    },
  };

  /** Of the only object. */
  get progress(): Progress {
    return JSON.parse([...this.items.values()][0] ?? '{}') as Progress;
  }

  collect(object: LogObject, log: Partial<AccessLog> = {}, hasTime = () => true): Promise<Collected> {
    const settings: CollectorSettings = { accessLogs: [{ ...LOG, ...log }], dedupWindowMs: WINDOW_MS };
    this.runs += 1;
    return collect(object, { ...this.ports, run: `run ${this.runs}` }, settings, hasTime);
  }
}

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
      const world = new World();
      const object = world.put('web/a.log', pack(`${logLines(1300) + logLine(1, 404)}rubbish\n`));
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
      const world = new World();
      const object = world.put('web/bad.log', bytes);
      const { outcome } = await world.collect(object, log);
      assert.equal(outcome, 'parked');
      assert.match(world.reported[0]?.reason ?? '', reason);
      assert.equal((await world.collect(object, log)).outcome, 'already');
      assert.equal(world.reported.length, 1);
    });
  }

  test('that the settings could not read is counted after they are corrected and it is announced again', async () => {
    const world = new World();
    const object = world.put('web/a.log', `${logLines(10)}${'what is this\n'.repeat(3)}`);
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
    const world = new World();
    const object = world.put('web/a.log', `${logLines(1300)}${'rubbish\n'.repeat(200)}`);
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
      const world = new World();
      const object = world.put('web/a.log', pack(`${logLines(80)}${'rubbish\n'.repeat(20)}`));
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
      const world = new World();
      const object = world.put('web/large.log', bytes);
      let runs = 0;
      for (let outcome = 'more'; outcome === 'more'; runs += 1)
        ({ outcome } = await world.collect(object, {}, after(3 + 3 * runs)));
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
        const world = new World();
        const object = world.put('web/large.log', bytes);
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
    const world = new World();
    const object = world.put('web/large.log', text);
    assert.equal((await world.collect(object, {}, after(8))).outcome, 'more');
    world.nowMs += 2 * WINDOW_MS;
    assert.equal((await world.collect(object)).outcome, 'done');
    assert.equal(world.counted.size, 60_000);
  });

  test('with nothing to count is read in several runs, too', async () => {
    const world = new World();
    const object = world.put('web/posts.log', logLines(60_000).replaceAll('GET', 'PUT'));
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
    for (let outcome = 'more'; outcome === 'more'; )
      ({ outcome } = await world.collect(world.put('web/a.log', text), {}, after(3)));
    const { events, malformed } = world.progress;
    assert.deepEqual([events, malformed], [39_200, 800]);
  });

  test('of gzip that a run cannot inflate up to its progress is parked, with what to do', async () => {
    const world = new World();
    const object = world.put('web/large.log', gzipSync(text));
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
    const world = new World();
    const object = world.put('web/a.log', cutOff);
    world.onPut = () => 'die after';
    await assert.rejects(world.collect(object), /died/);
    world.onPut = () => 'take';
    await world.collect(object);
    const [{ reason, countedUpTo } = assert.fail('no report')] = world.reported;
    assert.match(reason, /cut off .*; a run stopped before, and perhaps up to \d+ batches more are counted$/);
    assert.equal(world.counted.size, countedUpTo.lines);
  });

  test('is not parked by a run that another has overtaken', async () => {
    const world = new World();
    const object = world.put('web/a.log', cutOff);
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

test('a run that read the progress before another finished does not reopen the object', async () => {
  const world = new World();
  const object = world.put('web/a.log', logLines(100));
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
  world.onPut = () => 'die after';
  await assert.rejects(world.collect(object), /died/);
  world.onPut = () => 'take';
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

/** Time for a number of clock reads. */
function after(looks: number): () => boolean {
  let left = looks;
  return () => {
    left -= 1;
    return left > 0;
  };
}

test('a run that died too long ago leaves the object parked, since its counted lines are unknown', async () => {
  const world = new World();
  const object = world.put('web/a.log', logLines(100));
  world.onPut = () => 'die after';
  await assert.rejects(world.collect(object), /died/);
  world.onPut = () => 'take';
  world.nowMs += WINDOW_MS;
  assert.equal((await world.collect(object)).outcome, 'parked');
  assert.match(world.reported[0]?.reason ?? '', /is unknown/);
  assert.equal(world.twice, 0);
});

test('records of a dead run are as old as its first attempt, for any number of dead runs since', async () => {
  const world = new World();
  const object = world.put('web/a.log', logLines(100));
  world.onPut = () => 'die after';
  await assert.rejects(world.collect(object), /died/);
  world.nowMs += 0.7 * WINDOW_MS;
  world.onPut = () => 'die before';
  await assert.rejects(world.collect(object), /died/);
  world.onPut = () => 'take';
  world.nowMs += 0.7 * WINDOW_MS;
  assert.equal((await world.collect(object)).outcome, 'parked');
  assert.equal(world.twice, 0);
});

test('an overtaken run puts nothing that a later one would put again', async () => {
  const world = new World();
  const object = world.put('web/a.log', logLines(60_000));
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
      const world = new World();
      const object = world.put('web/a.log', gzip ? gzipSync(text) : text);
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

test('an announcement is read as EventBridge writes it, and as the backfill does', () => {
  const object = { bucket: 'logs', key: 'web/a b.log', etag: 'abc', bytes: 7 };
  assert.deepEqual(announcedObject(JSON.stringify(announcementOf(object))), object);
  const event = {
    source: 'aws.s3',
    'detail-type': 'Object Created',
    detail: {
      bucket: { name: 'logs' },
      object: { key: 'web/a b.log', size: 7, etag: 'abc', 'version-id': 'v' },
    },
  };
  assert.deepEqual(announcedObject(JSON.stringify(event)), object);
  for (const other of ['', 'null', '{}', '{"detail":{"bucket":{"name":1}}}'])
    assert.equal(announcedObject(other), undefined);
});

for (const [truth, file] of ACCESS_LOGS) {
  test(`${truth}: every view equals the truth`, { skip: ABSENT }, async () => {
    const world = new World();
    const object = world.put(`web/${file}`, readFileSync(`${DATA}${file}`));
    for (let [outcome, runs] = ['more', 1]; outcome === 'more'; runs += 1)
      ({ outcome } = await world.collect(object, {}, after(8 ** runs)));
    const counts = new Map<string, number>();
    for (const { entity, at } of world.counted.values()) {
      const key = `${entity} ${Math.floor(new Date(at).getTime() / 60_000) * 60}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    assert.deepEqual(counts, await trueViews(truth));
  });
}
