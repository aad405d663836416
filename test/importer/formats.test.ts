// What each format makes of single lines.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { FormatRequest } from '../../importer/formats/detect.ts';
import { readingPlan } from '../../importer/formats/detect.ts';
import { lineReader, type ReadingPlan } from '../../importer/formats/index.ts';
import type { Reading } from '../../importer/formats/reading.ts';
import { parseIso, parseTime } from '../../importer/formats/time.ts';

const views = { methods: ['GET'], statuses: ['200'] };
const any = { methods: undefined, statuses: undefined };
const combined: ReadingPlan = { format: 'combined', unwrapQuotes: false, ...views };
const jsonl: ReadingPlan = {
  format: 'jsonl',
  entityField: 'page.id',
  timeField: 't',
  timeUnit: 'auto',
  emptyEntity: undefined,
};

function read(plan: ReadingPlan, ...lines: (string | Buffer)[]): Reading[] {
  const reader = lineReader(plan);
  return lines.map((line) => reader.read(Buffer.from(line as string)));
}

function kinds(plan: ReadingPlan, ...lines: (string | Buffer)[]): string[] {
  return read(plan, ...lines).map((reading) => reading.kind);
}

const event = (entity: string, at: string): Reading => ({ kind: 'event', entity, at: Date.parse(at) });

describe('combined and common', () => {
  const line = (request: string, rest = '200 5', time = '29/Feb/2024:23:59:59 +0000'): string =>
    `::1 - bob [${time}] "${request}" ${rest}`;

  test('entity up to the first ?, bytes as they stand, the line’s own zone', () => {
    assert.deepEqual(
      read(
        combined,
        line('GET /a%20b/?x=1?y HTTP/1.1'),
        line('GET / HTTP/2', '200 -', '01/Jan/2026:00:30:00 +0545'),
        line('GET *', '200 5 "-" "agent"', '31/Dec/2025:22:00:00 -0230'),
        line('GET /é HTTP/1.0', '200 5 "cut off'),
      ),
      [
        event('/a%20b/', '2024-02-29T23:59:59Z'),
        event('/', '2025-12-31T18:45:00Z'),
        event('*', '2026-01-01T00:30:00Z'),
        event('/é', '2024-02-29T23:59:59Z'),
      ],
    );
  });

  test('what the filter leaves out is skipped, not malformed', () => {
    assert.deepEqual(kinds(combined, line('POST / HTTP/1.1'), line('GET / HTTP/1.1', '304 -')), [
      'skipped',
      'skipped',
    ]);
    assert.deepEqual(kinds({ ...combined, ...any }, line('POST / HTTP/1.1', '500 1')), ['event']);
  });

  test('everything else is malformed', () => {
    const wrong = [
      '',
      line('GET  / HTTP/1.1'),
      line('GET /a b HTTP/1.1'),
      line('GET /a"b HTTP/1.1'),
      line('get / HTTP/1.1'),
      line('GET / HTTP/1.12'),
      line('GET / FTP/1.1'),
      line('-'),
      line('GET / HTTP/1.1', '20 5'),
      line('GET / HTTP/1.1', '200'),
      line('GET / HTTP/1.1', '200 x'),
      line('GET / HTTP/1.1', '200 5', '30/Feb/2024:00:00:00 +0000'),
      line('GET / HTTP/1.1', '200 5', '01/Abc/2024:00:00:00 +0000'),
      line('GET / HTTP/1.1', '200 5', '01/Jan/2024:24:00:00 +0000'),
      line('GET / HTTP/1.1', '200 5', '01/Jan/2024:00:00:00'),
      `"${line('GET / HTTP/1.1')}"`,
      Buffer.from(line('GET /\xff HTTP/1.1'), 'latin1'),
    ];
    assert.deepEqual(
      kinds(combined, ...wrong),
      wrong.map(() => 'malformed'),
    );
  });

  test('bytes that are not UTF-8 matter in the entity only', () => {
    assert.deepEqual(
      kinds(combined, Buffer.from(line('GET /?q=\xff HTTP/1.1', '200 5 "-" "\xfe"'), 'latin1')),
      ['event'],
    );
  });

  test('wrapped lines are unwrapped on demand', () => {
    assert.deepEqual(
      read({ ...combined, unwrapQuotes: true }, `"${line('GET /w HTTP/1.1', '200 5 "-" "a"')}"`),
      [event('/w', '2024-02-29T23:59:59Z')],
    );
  });

  test('any path survives as it is', () => {
    const path = fc
      .string({ unit: 'grapheme', minLength: 1 })
      .map((text) => `/${text.replace(/[ "?\n\r]/g, '_')}`);
    fc.assert(
      fc.property(path, (entity) => {
        assert.deepEqual(read(combined, line(`GET ${entity}?q HTTP/1.1`)), [
          event(entity, '2024-02-29T23:59:59Z'),
        ]);
      }),
    );
  });
});

test('CloudFront: columns by #Fields, which may change; stems stay encoded', () => {
  const plan: ReadingPlan = { format: 'cloudfront', ...views };
  const early = '2026-01-02\t03:04:05\t/x\tGET\t200';
  assert.deepEqual(
    read(
      plan,
      early,
      '#Version: 1.0',
      '#Fields: date time cs-uri-stem cs-method sc-status',
      early,
      '2026-01-02\t03:04:05\t/a%2520b\tGET\t200',
      '2026-01-02\t03:04:05\t/x\tPOST\t200',
      '#Fields: sc-status cs-method date time cs-uri-stem',
      '200\tGET\t2026-01-02\t03:04:06\t/y',
      '200\tGET\t2026-01-02',
    ),
    [
      { kind: 'malformed', reason: 'no #Fields line with the needed columns stands before it' },
      { kind: 'ignored' },
      { kind: 'ignored' },
      event('/x', '2026-01-02T03:04:05Z'),
      event('/a%2520b', '2026-01-02T03:04:05Z'),
      { kind: 'skipped' },
      { kind: 'ignored' },
      event('/y', '2026-01-02T03:04:06Z'),
      { kind: 'malformed', reason: 'it has fewer columns than #Fields names' },
    ],
  );
});

test('Application Load Balancer: path of the absolute URL, the balancer’s status', () => {
  const plan: ReadingPlan = { format: 'alb', ...views };
  const line = (request: string, statuses = '200 200') =>
    `h2 2026-01-02T03:04:05.678901Z app/x/1 10.0.0.1:5 10.0.0.2:80 0.1 0.2 -1 ${statuses} 5 6 "${request}" "a \\"gent" - - arn`;
  assert.deepEqual(
    read(
      plan,
      line('GET https://example.com:443/a/b?c=d HTTP/2.0'),
      line('GET http://example.com:80?x HTTP/1.1'),
      line('GET https://example.com:443/a HTTP/1.1', '301 -'),
      line('- http://example.com:80- -', '400 -'),
      'h2 2026-01-02T03:04:05Z app',
    ),
    [
      event('/a/b', '2026-01-02T03:04:05.678Z'),
      event('/', '2026-01-02T03:04:05.678Z'),
      { kind: 'skipped' },
      { kind: 'malformed', reason: 'the load balancer could not read the request' },
      { kind: 'malformed', reason: 'not a line of an Application Load Balancer log' },
    ],
  );
});

test('JSON lines: nested fields, exact numbers, missing fields', () => {
  assert.deepEqual(
    read(
      jsonl,
      '{"page":{"id":"ä"},"t":1331923247}',
      '{"page.id":9007199254740993,"t":"2026-01-02 03:04"}',
      '{"page":{"id":12345678901234567890},"t":1331923247500}',
    ),
    [
      { kind: 'event', entity: 'ä', at: 1331923247000 },
      event('9007199254740993', '2026-01-02T03:04:00Z'),
      { kind: 'event', entity: '12345678901234567890', at: 1331923247500 },
    ],
  );
  const wrong = ['{"t":1}', '{"page":{"id":"a"}}', '[]', 'null', '{', '{"page":{"id":true},"t":1}', ''];
  assert.deepEqual(
    kinds(
      jsonl,
      ...wrong,
      '{"page":{"id":"\\ud800"},"t":1}',
      Buffer.from('{"page":{"id":"\xff"},"t":1}', 'latin1'),
    ),
    [...wrong, '', ''].map(() => 'malformed'),
  );
});

test('columns: by number, runs of blanks, comments', () => {
  const plan: ReadingPlan = {
    format: 'columns',
    entityColumn: 3,
    timeColumn: 1,
    timeUnit: 'ms',
    comment: '#',
  };
  assert.deepEqual(read(plan, ' 1000\t x   y z', '# 1 2 3', '1000 x', '1.5 x y', 'soon x y'), [
    { kind: 'event', entity: 'y', at: 1000 },
    { kind: 'ignored' },
    { kind: 'malformed', reason: 'it has fewer than 3 columns' },
    { kind: 'event', entity: 'y', at: 1 },
    { kind: 'malformed', reason: 'column 1 holds no time (unit ms)' },
  ]);
});

test('times: units, zones, and what does not exist', () => {
  assert.equal(parseTime('1331923247', 'auto'), 1331923247000);
  assert.equal(parseTime('1331923247123', 'auto'), 1331923247123);
  assert.equal(parseTime('1331923247123456', 'auto'), 1331923247123);
  assert.equal(parseTime('1331923247.25', 's'), 1331923247250);
  assert.equal(parseTime('2026-01-02', 'auto'), undefined);
  assert.equal(parseTime('1331923247', 'iso'), undefined);
  assert.equal(parseTime('-1', 's'), undefined);
  assert.equal(parseIso('2026-01-02T03:04:05.6789+01:30'), Date.parse('2026-01-02T01:34:05.678Z'));
  assert.equal(parseIso('2026-02-29T00:00:00Z'), undefined);
  assert.equal(parseIso('2000-02-29 00:00'), Date.parse('2000-02-29T00:00:00Z'));
  assert.equal(parseIso('1900-02-29 00:00'), undefined);
  fc.assert(
    fc.property(fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('9999-12-31') }), (date) => {
      assert.equal(parseIso(date.toISOString()), date.getTime());
    }),
  );
});

describe('telling the format', () => {
  const request: FormatRequest = {
    format: 'auto',
    ...views,
    unwrapQuotes: false,
    entityField: undefined,
    timeField: undefined,
    timeUnit: 'auto',
    entityColumn: undefined,
    timeColumn: undefined,
    header: false,
    delimiter: ',',
    comment: undefined,
    emptyEntity: undefined,
  };
  const plan = (head: string, more: Partial<FormatRequest> = {}) =>
    readingPlan({ ...request, ...more }, Buffer.from(head), true, 'file');
  const log = '1.2.3.4 - - [01/Jan/2026:00:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "a"';

  test('by its first lines', () => {
    assert.equal(plan(`junk\n${log}\n`).format, 'combined');
    const wrapped = `"${log.replace(' "-" "a"', '')}"\r\n`;
    assert.deepEqual(plan(wrapped), { format: 'combined', unwrapQuotes: true, ...views });
    assert.equal(plan('{"entity":"a","at":1}\n').format, 'jsonl');
    assert.equal(
      plan('#Version: 1.0\n#Fields: date time cs-method cs-uri-stem sc-status\n').format,
      'cloudfront',
    );
    assert.equal(plan('a b 1\n', { entityColumn: '2', timeColumn: '3' }).format, 'columns');
    const csv = plan('when,what\n1,a\n', { entityColumn: 'what', timeColumn: '1' });
    assert.equal('header' in csv && csv.header, true);
  });

  test('says what is wrong', () => {
    assert.throws(() => plan('host [29:23:53:25] "GET / HTTP/1.0" 200 5\n'), /no month and no year/);
    assert.throws(() => plan('{"g":1}\n'), /--entity-field/);
    assert.throws(() => plan('nothing known\n'), /not recognised/);
    assert.throws(() => plan('a,b\n1,2\n', { entityColumn: 'c', timeColumn: 'a' }), /names no column c.*a,b/);
    assert.throws(() => plan('a b\n', { format: 'columns' }), /--entity-column/);
    assert.throws(() => plan('a b\n', { format: 'columns', entityColumn: 'x', timeColumn: '1' }), /numbers/);
  });
});
