// Which format a file has, and what a format refuses.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FormatRequest } from '../../formats/detect.ts';
import { FormatError } from '../../formats/reading.ts';
import { clf, got, outcomesOf } from './support/table.ts';

describe('format detection', () => {
  test('TLS noise in the first hundred lines does not hide the format', () => {
    const noise = `::1 - - ${clf} "\\x16\\x03" 400 5\n`.repeat(100) + 'rubbish\n'.repeat(100);
    const found = outcomesOf(`${noise}::1 - - ${clf} "GET /a HTTP/1.1" 200 5\n`);
    assert.equal(found.filter(({ kind }) => kind === 'event').length, 1);
  });

  test('an empty file has no format, and needs none', () => {
    for (const empty of ['', '\n\n', '\r\n', '  \n']) assert.deepEqual(outcomesOf(empty), []);
  });

  for (const [trait, request, message] of [
    ['a delimiter for an access log', { delimiter: ';' }, /format combined cannot use --delimiter/],
    ['a header', { header: true }, /cannot use --header/],
    ['comments', { comment: '#' }, /cannot use --comment/],
    ['a time unit', { timeUnit: 's' }, /cannot use --time-unit/],
    ['a field that it does not have', { entity: 'song' }, /has no field song; it has method, target/],
    ['a filter on one', { where: ['song=1'] }, /has no field song/],
    ['no condition', { where: ['status'] }, /--where takes FIELD=VALUE/],
    ['a regular expression without a group', { entityRegex: '^/a' }, /needs a group/],
    ['an unknown format', { format: 'qif' }, /--format takes one of auto, combined/],
    ['columns that are not named', { format: 'csv' }, /needs --entity and --time/],
    ['another format', { format: 'jsonl', logFormat: '$msec' }, /jsonl cannot use --log-format/],
    ['a template without a time', { logFormat: '$request' }, /has no time/],
    [
      'a template with nothing between',
      { logFormat: '$msec $status$host' },
      /nothing between status and host/,
    ],
  ] as const satisfies readonly (readonly [string, FormatRequest, RegExp])[]) {
    test(`refused: ${trait}`, () => {
      const text = got('/a', '\n');
      assert.throws(() => outcomesOf(text, request), { constructor: FormatError, message });
    });
  }

  test('refused: a header without the column; times without a date; an unknown format', () => {
    const refusal =
      (text: string, request: FormatRequest = {}) =>
      () =>
        outcomesOf(text, request);
    assert.throws(
      refusal('a,b\n1,2\n', { entity: 'path', time: 'b' }),
      /the header has no column path; it has: a, b/,
    );
    assert.throws(refusal('h [29:23:53:25] "GET / HTTP/1.0" 200 1\n'), /no month and no year/);
    assert.throws(refusal('what is this\n'), /not recognised/);
    assert.throws(
      refusal('2026/11/03 12:00:00 [error] 31#31: *46 open() "/x" failed, client: ::1, a, b\n'),
      /not recognised/,
    );
    // API Gateway's XML; its other forms are read.
    assert.throws(
      refusal(
        '<request id="c6"><requestTime>03/Nov/2026:12:00:00 +0000</requestTime><httpMethod>GET</httpMethod><resourcePath>/</resourcePath><status>200</status></request>\n',
      ),
      /not recognised/,
    );
    assert.throws(refusal('{"a":1}\n'), /no line has the fields entity and at/);
  });
});
