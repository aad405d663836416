// Any line at all: nothing throws, nothing hangs, and the lines around it are read as if it were absent.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { readingPlan } from '../../formats/detect.ts';
import { FORMATS, type FormatName } from '../../formats/plan.ts';
import { RecordReader } from '../../formats/records.ts';
import type { Wrapper } from '../../formats/unwrap.ts';

const logFormat =
  '$remote_addr - $remote_user [$time_local] "$request" $status $upstream_addr $host "$http_referer"';
const fields = { entity: '1', time: '2' };
/** A good line of each format, and what it is counted as. */
const GOOD: Readonly<Record<FormatName, readonly [line: string, entity: string, options?: object]>> = {
  combined: ['::1 - - [03/Nov/2026:12:00:00 +0000] "GET /good HTTP/1.1" 200 5', '/good'],
  haproxy: [
    'haproxy[1]: 10.0.1.2:3 [03/Nov/2026:12:00:00.655] in web/srv1 1/0/3/6/9 200 27 - - ---- 1/1/1/1/0 0/0 "GET /good HTTP/1.1"',
    '/good',
  ],
  elb: [
    'http 2026-11-03T12:00:00Z app/a 1.2.3.4:5 - -1 -1 -1 200 - 1 2 "GET http://x.org:80/good HTTP/1.1" "a" - -',
    '/good',
  ],
  nlb: [
    'tls 2.0 2026-11-03T12:00:00 net/n 6e 1.2.3.4:5 1.2.3.4:443 5 2 98 246 - arn - ECDHE tlsv12 - good h2 h2 "h2"',
    'good',
  ],
  w3c: ['#Fields: date time cs-method cs-uri-stem sc-status\n2026-11-03\t12:00:00\tGET\t/good\t200', '/good'],
  'cloudfront-realtime': ['1793707200.123\t1.2.3.4\t-\t0.002\t200\t9\tGET\thttps\tx.org\t/good\t77', '/good'],
  template: [
    '::1 - - [03/Nov/2026:12:00:00 +0000] "GET /good HTTP/1.1" 200 10.0.0.1:80 x.org "-"',
    '/good',
    { logFormat },
  ],
  'json-access': ['{"ts":1793707200,"method":"GET","uri":"/good","status":200}', '/good'],
  jsonl: ['{"entity":"good","at":1793707200}', 'good'],
  csv: ['good,1793707200', 'good', fields],
  columns: ['good 1793707200', 'good', fields],
};

function entitiesOf(format: FormatName, text: Buffer, unwrap: Wrapper = 'none'): string[] {
  const [good, , options] = GOOD[format];
  const plan = readingPlan({ format, unwrap, ...options }, Buffer.from(good), true, 'file');
  assert.ok(plan);
  const reader = new RecordReader(plan, 'view');
  return [...reader.push(text), ...reader.end()]
    .flatMap(({ outcomes }) => outcomes)
    .flatMap((outcome) => (outcome.kind === 'event' ? [outcome.entity] : []));
}

const WRAPPED: readonly (readonly [Wrapper, (line: string) => string])[] = [
  ['syslog', (line) => `<190>Nov  3 12:00:00 web nginx: ${line}`],
  ['syslog', (line) => `<190>1 2026-11-03T12:00:00.1Z web nginx 7 - - ${line}`],
  ['cri', (line) => `2026-11-03T12:00:00.6Z stdout F ${line}`],
  ['docker', (line) => JSON.stringify({ log: `${line}\n`, stream: 'stdout', time: '2026-11-03T12:00:00Z' })],
];

describe('each format in each wrapper, both found out', () => {
  for (const format of Object.keys(FORMATS) as FormatName[]) {
    const [line, entity, options] = GOOD[format];
    test(format, () => {
      for (const [wrapper, wrap] of WRAPPED) {
        const text = Buffer.from(line.split('\n').map(wrap).join('\n'));
        const plan = readingPlan({ ...options }, text, true, 'file');
        assert.deepEqual([plan?.unwrap, plan?.format], [wrapper, format]);
        assert.deepEqual(entitiesOf(format, text, wrapper), [entity]);
      }
    });
  }
});

/** Pieces that formats look for, and bytes that they do not. */
const pieces = fc.constantFrom(
  ...[
    '[03/Nov/2026:12:00:00 +0000]',
    '"GET / HTTP/1.1"',
    ' 200 ',
    '"',
    '\\',
    '\\"',
    '\\x22',
    ' ',
    '\t',
    ',',
    ', ',
    ' : ',
  ],
  ...[
    '{',
    '}',
    '[',
    ']',
    '{"log":"',
    '"}',
    ':',
    'é',
    '\ufeff',
    '\0',
    '#Fields: ',
    '#Date: 2026',
    '1793707200',
    '<190>',
    '- ',
  ],
);
const rubbish = fc
  .array(
    fc.oneof(
      pieces.map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 4 }),
    ),
    { maxLength: 30 },
  )
  .map((parts) => Buffer.from(Buffer.concat(parts).filter((byte) => byte !== 10 && byte !== 13)))
  // A line that renames columns, or forms a record with its neighbours, does not count as garbage.
  .filter((line) => !line.toString().startsWith('#'));

describe('rubbish between two good lines', () => {
  for (const format of Object.keys(FORMATS) as FormatName[]) {
    const [line, entity] = GOOD[format];
    test(format, () => {
      fc.assert(
        fc.property(fc.array(rubbish, { maxLength: 3 }), (bad) => {
          const between = bad.flatMap((one) => [one, Buffer.from('\n')]);
          const text = Buffer.concat([Buffer.from(`${line}\n`), ...between, Buffer.from(`${line}\n`)]);
          const found = entitiesOf(format, text);
          assert.equal(found[0], entity);
          assert.equal(found.at(-1), entity);
          assert.ok(found.filter((one) => one === entity).length >= 2);
        }),
        { numRuns: 300 },
      );
    });
  }

  for (const [wrapper, wrap] of WRAPPED) {
    test(`wrapped by ${wrapper}`, () => {
      const good = wrap(GOOD.combined[0]);
      fc.assert(
        fc.property(rubbish, (bad) => {
          const text = Buffer.concat([Buffer.from(`${good}\n`), bad, Buffer.from(`\n${good}\n`)]);
          assert.deepEqual(entitiesOf('combined', text, wrapper).filter((one) => one === '/good').length, 2);
        }),
      );
    });
  }
});

/** Work that grows with the square of a line would take hours on these; the test runner's own limit is the judge. */
test('a line of a mebibyte is given up at once, whatever it repeats', { timeout: 120_000 }, () => {
  for (const format of Object.keys(FORMATS) as FormatName[]) {
    for (const piece of [
      ' ',
      'a',
      'a ',
      'a, ',
      '" "',
      '[',
      '\\',
      '{',
      '1.2.3.4:5 [',
      '[03/Nov/2026:12:00:00 +0000] ',
    ]) {
      const long = piece.repeat(Math.floor((2 ** 20 - 64) / piece.length));
      const text = Buffer.from(
        `${GOOD[format][0]}\n[03/Nov/2026:12:00:00 +0000] "${long}x\n${long}x\n${GOOD[format][0]}\n`,
      );
      const found = entitiesOf(format, text);
      assert.deepEqual([found[0], found.at(-1)], [GOOD[format][1], GOOD[format][1]], `${format}: ${piece}`);
    }
  }
});
