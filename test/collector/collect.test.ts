// The collector's use case: announced twice, cut off anywhere, overtaken, on a stream that turns batches away: each line once.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type MinuteCounts, readTruth } from '../../cli/verify/truth.ts';
import { announcedObject, announcementOf } from '../../lambdas/collector/announcement.ts';
import { type Collected, type CollectorSettings, collect } from '../../lambdas/collector/collect.ts';
import {
  type AccessLog,
  type BatchRecord,
  type CollectorPorts,
  type LogObject,
  ObjectGone,
  type Progress,
} from '../../lambdas/collector/ports.ts';
import { logLine, logLines } from '../cli/support/import-world.ts';

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
  readonly parked: { key: string; reason: string }[] = [];
  /** Events by batch key and place, as the aggregator tells twins: what was put twice is there once. */
  readonly counted = new Map<string, { metric: string; entity: string; at: number | string }>();
  nowMs = Date.parse('2026-11-03T00:00:00Z');
  puts = 0;
  opens = 0;
  chunkBytes = 64 * 1024;
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
      save: async ({ key, etag }, progress) => {
        const before = await this.ports.progress.read({ bucket: 'logs', key, etag, bytes: 0 });
        if (before && (before.status !== 'reading' || before.cursor.offset > progress.cursor.offset))
          return false;
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
          for (const [place, event] of events.entries()) this.counted.set(`${key}#${place}`, event);
        }
        if (what === 'die after') throw new Error('died');
        return records.filter((record) => !taken.includes(record));
      },
    },
    parked: { keep: async ({ key }, reason) => void this.parked.push({ key, reason }) },
    nowMs: () => this.nowMs,
    pause: async (ms) => {
      this.nowMs += ms;
    },
  };

  collect(object: LogObject, log: Partial<AccessLog> = {}, hasTime = () => true): Promise<Collected> {
    const settings: CollectorSettings = { accessLogs: [{ ...LOG, ...log }], dedupWindowMs: WINDOW_MS };
    return collect(object, this.ports, settings, hasTime);
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
      const { outcome, events, malformed } = await world.collect(object);
      assert.deepEqual([outcome, events, malformed], ['done', 1300, 1]);
      assert.equal(world.counted.size, 1300);
      world.nowMs += 21 * 86_400_000;
      const { puts } = world;
      assert.equal((await world.collect(object)).outcome, 'already');
      assert.equal(world.puts, puts);
    });
  }

  test('that falls under no setting, is empty, a probe, or gone, is left alone', async () => {
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
    assert.equal(world.counted.size + world.parked.length, 0);
  });

  test('that is put again with other content is another; with the same content it is the same', async () => {
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
      assert.match(world.parked[0]?.reason ?? '', reason);
      assert.equal((await world.collect(object, log)).outcome, 'already');
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
      [...world.counted.values()],
      [{ metric: 'post', entity: '203.0.113.1', at: Date.parse('2026-11-03T12:00:00Z') }],
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
    test(`goes on in as many runs as it takes: ${name}`, async () => {
      const world = new World();
      const object = world.put('web/large.log', bytes);
      let runs = 0;
      for (let outcome = 'more'; outcome === 'more'; runs += 1)
        ({ outcome } = await world.collect(object, {}, () => false));
      assert.ok(runs > 2, `${runs} runs`);
      assert.equal(world.counted.size, 60_000);
      // Announced again long after the queue has let it wait: nothing was doubtful.
      const progress = JSON.parse([...world.items.values()][0] ?? '{}') as Progress;
      assert.deepEqual([progress.status, progress.events], ['done', 60_000]);
    });
  }

  test('waits in the queue for longer than the dedup window between two runs', async () => {
    const world = new World();
    const object = world.put('web/large.log', text);
    assert.equal((await world.collect(object, {}, () => false)).outcome, 'more');
    world.nowMs += 2 * WINDOW_MS;
    assert.equal((await world.collect(object)).outcome, 'done');
    assert.equal(world.counted.size, 60_000);
  });
});

test('a run that died too long ago leaves the object parked: nobody knows what of it is counted', async () => {
  const world = new World();
  const object = world.put('web/a.log', logLines(100));
  world.onPut = () => 'die after';
  await assert.rejects(world.collect(object), /died/);
  world.onPut = () => 'take';
  world.nowMs += WINDOW_MS;
  assert.equal((await world.collect(object)).outcome, 'parked');
  assert.match(world.parked[0]?.reason ?? '', /is unknown/);
});

test('whatever dies, comes again and is turned away, within the window: each line once', async () => {
  const step = fc.constantFrom('take', 'take', 'take', 'refuse some', 'die before', 'die after');
  const text = logLines(30_000);
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 20, size: 'max' }), fc.boolean(), async (steps, gzip) => {
      const world = new World();
      const object = world.put('web/a.log', gzip ? gzipSync(text) : text);
      world.onPut = () => (steps.shift() as 'take') ?? 'take';
      let outcome = '';
      for (let run = 0; outcome !== 'done' && run < 30; run += 1) {
        outcome = await world
          .collect(object, {}, () => run % 3 === 0)
          .then(
            (collected) => collected.outcome,
            () => 'died',
          );
        // A copy of the message, at the same time.
        if (run === 1) await world.collect(object).catch(() => {});
      }
      assert.ok(['done', 'already'].includes((await world.collect(object)).outcome));
      assert.equal(world.counted.size, 30_000);
      assert.equal(world.parked.length, 0);
    }),
    { numRuns: 10 },
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

const data = process.env['TALLY_DATA'] ?? fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const absent = existsSync(data)
  ? false
  : 'the shared data sets (../shared/data beside the project) are not here';

for (const [truth, file] of [
  ['elastic_apache', 'elastic-examples_apache_logs.log.gz'],
  ['elastic_nginx', 'elastic-examples_nginx_logs.log.gz'],
  ['ocatak_acunetix_lenient', 'ocatak_apache-http-logs_acunetix.txt.gz'],
  ['ocatak_netsparker_lenient', 'ocatak_apache-http-logs_netsparker.txt.gz'],
  ['ocatak_w3af_lenient', 'ocatak_apache-http-logs_w3af.txt.gz'],
  ['cf_aws-samples', 'aws-samples_cloudfront-2018.log.gz'],
  ['cf_aws-solutions', 'aws-solutions_cloudfront-2023.log.gz'],
  ['aws-samples_alb-2018', 'aws-samples_alb-2018.log.gz'],
  ['aws-solutions_alb-2023', 'aws-solutions_alb-2023.log.gz'],
  ['cdluc3_alb-2023', 'cdluc3_alb-2023.log.gz'],
  ['crowdsec-hub_aws-alb-logs', 'crowdsec-hub_aws-alb-logs.log.gz'],
] as const) {
  test(`${truth}: every view equals the truth`, { skip: absent }, async () => {
    const world = new World();
    const object = world.put(`web/${file}`, readFileSync(`${data}${file}`));
    for (let outcome = 'more'; outcome === 'more'; )
      ({ outcome } = await world.collect(object, {}, () => false));
    const counts = new Map<string, MinuteCounts>();
    for (const { entity, at } of world.counted.values()) {
      const minutes = counts.get(entity) ?? new Map<number, number>();
      counts.set(entity, minutes);
      const minute = Math.floor(new Date(at).getTime() / 60_000) * 60;
      minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
    }
    const { entities } = await readTruth(`${data}truth/${truth}`, 'views');
    assert.deepEqual(counts, new Map([...entities].filter(([, minutes]) => minutes.size > 0)));
  });
}
