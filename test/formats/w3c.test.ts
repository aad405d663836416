// Lines of columns that a header names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readingPlan } from '../../formats/detect.ts';
import { RecordReader } from '../../formats/records.ts';
import { table } from './support/table.ts';

const v1 = '#Version: 1.0\n#Fields: date time cs-uri-stem cs-method sc-status\n';
table('columns with names', [
  [
    'CloudFront v1: stems stay encoded',
    `${v1}2026-11-03\t12:00:00\t/a%2520b\tGET\t200`,
    ['ignored', 'ignored', '/a%2520b'],
  ],
  [
    'a byte order mark before #Fields',
    `\ufeff#Fields: date time cs-uri-stem cs-method sc-status\n2026-11-03\t12:00:00\t/b\tGET\t200`,
    ['ignored', '/b'],
  ],
  [
    'CloudFront v2 with its own order',
    '#Version: 1.0\n#Fields: timestamp sc-status cs-method cs-uri-stem\n1793707200\t200\tGET\t/v2',
    ['ignored', 'ignored', '/v2'],
  ],
  [
    'columns that change',
    `${v1}2026-11-03\t12:00:00\t/a\tGET\t200\n#Fields: sc-status cs-method date time cs-uri-stem\n200\tGET\t2026-11-03\t12:00:00\t/b`,
    ['ignored', 'ignored', '/a', 'ignored', '/b'],
  ],
  [
    'IIS: blanks',
    '#Software: IIS\n#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port sc-status\n2026-11-03 12:00:00 10.0.0.1 GET /iis - 80 200',
    ['ignored', 'ignored', '/iis'],
  ],
  [
    'IIS: the time alone, and the day in #Date',
    '#Date: 2026-11-03 11:00:00\n#Fields: time c-ip cs-method cs-uri-stem sc-status\n12:00:00 10.0.0.1 GET /old 200',
    ['ignored', 'ignored', '/old'],
  ],
  [
    'W3C: quoted text with blanks',
    '#Fields: date time cs-method cs(User-Agent) cs-uri-stem sc-status\n2026-11-03 12:00:00 GET "Mozilla Foo" /q 200',
    ['ignored', '/q'],
  ],
  [
    'W3C: columns named between tabs, and a blank in one',
    '#Fields: date\ttime\tcs-method\tcs-uri-stem\tsc-status\n2026-11-03\t12:00:00\tGET\t/a b\t200',
    ['ignored', '/a b'],
  ],
  [
    'W3C: second 60',
    `${v1}2015-06-30\t23:59:60\t/a\tGET\t200`,
    ['ignored', 'ignored', '/a 2015-06-30T23:59:59Z'],
  ],
  [
    'too few columns',
    `${v1}2026-11-03\t12:00:00\t/a\tGET\t200\n2026-11-03\t12:00:00`,
    ['ignored', 'ignored', '/a', 'malformed: it has too few columns'],
  ],
  [
    'CloudFront real-time',
    '1793707200.123\t1.2.3.4\t10.0.0.1\t0.002\t200\t9 \tGET\thttps\tx.org\t/rt\t77',
    '/rt 2026-11-03T12:00:00.123Z',
  ],
]);

test('W3C: a reader that continues in the middle knows the day', () => {
  const bytes = Buffer.from(
    '#Date: 2026-01-01 00:00:00\n#Fields: time cs-method cs-uri-stem sc-status\n00:00:01 GET /a 200\n' +
      '#Fields: time sc-status cs-method cs-uri-stem\n00:00:02 200 GET /b\n',
  );
  const plan = readingPlan({ format: 'w3c' }, bytes, true, 'x');
  assert.ok(plan);
  const whole = new RecordReader(plan, 'view');
  const records = [...whole.push(bytes), ...whole.end()];
  const { end } = records[2] as (typeof records)[0];
  const rest = new RecordReader(plan, 'view', end);
  const outcomes = (some: typeof records) => some.map((record) => record.outcomes);
  assert.deepEqual(
    outcomes([...rest.push(bytes.subarray(end.offset)), ...rest.end()]),
    outcomes(records.slice(3)),
  );
});
