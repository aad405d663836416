// Records parsed together decode as each does alone, for any bytes; otherwise they are parsed separately.
import assert from 'node:assert/strict';
import { isUtf8 } from 'node:buffer';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordJoiner } from '../../lambdas/core/joined-records.ts';

const GOOD = '{"id":"a","metric":"view","entity":"/a","at":1795323600000,"n":2}';

/** What a record decodes to alone; undefined when it cannot be read. */
function alone(record: Uint8Array): { value: unknown } | undefined {
  if (!isUtf8(record)) return undefined;
  try {
    return { value: JSON.parse(Buffer.from(record).toString('utf8')) };
  } catch {
    return undefined;
  }
}

function joined(records: readonly Uint8Array[], joiner = new RecordJoiner()): unknown[] | undefined {
  for (const record of records) joiner.add(Buffer.from(record).toString('base64'));
  return joiner.take();
}

/** Joined, records say the same as alone, or nothing at all. @returns whether they could be joined */
function mustAgree(records: readonly Uint8Array[]): boolean {
  const values = joined(records);
  if (values === undefined) return false;
  assert.deepEqual(
    values.map((value) => ({ value })),
    records.map(alone),
    JSON.stringify(records.map((record) => Buffer.from(record).toString('latin1'))),
  );
  return true;
}

const texts = (...all: string[]) => all.map((text) => Buffer.from(text));

test('events are parsed together, repeatedly, at any length', () => {
  const joiner = new RecordJoiner();
  const long = JSON.stringify({ entity: 'é'.repeat(50_000) });
  for (const records of [[GOOD], [GOOD, ` {}`.trim(), GOOD], [long, GOOD, long, long], [GOOD, GOOD]]) {
    assert.deepEqual(
      joined(texts(...records), joiner),
      records.map((record) => JSON.parse(record)),
    );
  }
  assert.equal(joiner.take(), undefined, 'nothing was added');
});

test('text that is valid only when joined is refused, and the following records are unaffected', () => {
  const pair = `${GOOD},${GOOD}`;
  const combinations: string[][] = [
    ['1,2', '', '3'],
    ['{}', ']["', '"'],
    ['{}],[{}', '{}'],
    // A string across the comma, and a record of two that makes up for it.
    ['{"a":"x', '{","b":1}', pair],
    // Objects and arrays across it, under a name that is overwritten later.
    ['{"id":{"a":1}', '"id":"x","metric":"view","entity":"/a"}', pair],
    ['{"id":{"a":1}', '{"id":"x","metric":"view","entity":"/a"}', pair],
    ['{"id":[{"a":1}', '{"b":2}],"id":"x","metric":"view","entity":"/a"}', pair],
    [`{"a":[${GOOD}`, `${GOOD}]}`, pair],
    [pair],
    [pair, ''],
    ['', GOOD],
    [GOOD, GOOD.slice(0, -1)],
    [GOOD.slice(0, -1), GOOD],
    ['{"a":1', '}', pair],
    [`[${GOOD}]`, GOOD],
    ['\ufeff{}', '{}'],
  ];
  const joiner = new RecordJoiner();
  for (const records of combinations) {
    assert.equal(joined(texts(...records), joiner), undefined, JSON.stringify(records));
    assert.deepEqual(joined(texts(GOOD), joiner), [JSON.parse(GOOD)]);
  }
  const notUtf8 = Buffer.from('{"entity":"\u00ff"}', 'latin1');
  assert.equal(joined([notUtf8]), undefined);
});

test('hostile records: joined and single reading always agree', () => {
  const fragments = [
    ...['{', '}', '[', ']', '"', ',', ':', '\n', '\\', '\\"', ' ', '1', '-', 'null', 'é', '\u0000', '\u2028'],
    ...[
      '"id"',
      '"id":',
      '"x"',
      '{"id":',
      '{"id":1}',
      '{}',
      '},{',
      '},\n{',
      '],[',
      '","',
      '"}',
      '{"',
      '{"a":"',
      '__proto__',
    ],
    GOOD,
  ];
  const piece = fc.constantFrom(...fragments).map((text) => Buffer.from(text));
  const pieces = fc.array(piece, { maxLength: 6 }).map((some) => Buffer.concat(some));
  const record = fc.oneof(
    { weight: 4, arbitrary: fc.constant(Buffer.from(GOOD)) },
    { weight: 2, arbitrary: pieces },
    { weight: 4, arbitrary: pieces.map((some) => Buffer.concat([Buffer.from('{'), some])) },
    {
      weight: 2,
      arbitrary: pieces.map((some) => Buffer.concat([Buffer.from('{"id":'), some, Buffer.from('}')])),
    },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value))) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 5 }).map((some) => Buffer.from(some)) },
  );
  // Where a text is cut into records anywhere: what is valid together, and not apart.
  const whole = fc
    .array(fc.constantFrom(...fragments), { maxLength: 12, size: 'max' })
    .map((some) => some.join(''));
  const cut = fc.tuple(whole, fc.array(fc.nat(60), { maxLength: 4 })).map(([text, cuts]) => {
    const bytes = Buffer.from(text);
    const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
    return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
  });
  let together = 0;
  fc.assert(
    fc.property(fc.oneof(fc.array(record, { minLength: 1, maxLength: 5 }), cut), (records) => {
      if (mustAgree(records)) together += 1;
    }),
    { numRuns: 20_000 },
  );
  assert.ok(together > 500, `${together} of 20,000 were joined at all`);
});
