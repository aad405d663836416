// Removing an entity from archived objects: its data goes, and that of others stays unchanged, in every kind of object.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { decodeRecord } from '../../lambdas/core/event.ts';
import { WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import { parseSequenceNumber, segmentId } from '../../lambdas/core/identifiers.ts';
import { rawLine, readRawObject, streamRecord } from '../../lambdas/core/raw-segment.ts';
import { decodeRollupMessage, encodeMessages } from '../../lambdas/core/rollup-message.ts';
import { compareRows, decodeRows, encodeRows, type Row } from '../../lambdas/core/rows.ts';
import { withoutEntity } from '../../lambdas/deletion/archived-entity.ts';
import { SHARD_KEY } from '../support/records.ts';

const PERSON = 'person "é" \u2028';
const OTHER = '/other';
const base64 = (text: string) => Buffer.from(text).toString('base64');
const event = (entity: string) => ({ metric: 'view', entity, n: 0.5 });
const line = (data: string, rejected = [{ index: 0, reason: 'invalid-n' }]) =>
  JSON.stringify({ sequenceNumber: '1', arrival: '2026-11-22T05:00:00.000Z', rejected, data: base64(data) });
const dataOf = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((one) => Buffer.from(JSON.parse(one).data, 'base64').toString());
const rowsOf = (entities: readonly string[]): Row[] =>
  entities
    .map((entity) => ({ metric: 'view', entity, hour: 12, events: 1, cells: new Map([[0, 1n]]) }))
    .sort(compareRows);
/** A rollup message with a delta for each list of entities. */
const message = (...deltas: readonly (readonly string[])[]): string => {
  const [one] = encodeMessages(
    deltas.map((entities, part) => ({
      segment: segmentId(SHARD_KEY, 1),
      part,
      range: WHOLE_RANGE,
      runMaxMs: 5,
      events: entities.length,
      rows: encodeRows(rowsOf(entities)),
    })),
    0,
  );
  return one?.body ?? '';
};
const parked = (body: string) => JSON.stringify({ history: { rounds: 5 }, body });

/** What is left of an object. */
function rest(key: string, text: string): string {
  const forgotten = withoutEntity(key, text, PERSON);
  return forgotten.kind === 'rewrite' ? forgotten.text : forgotten.kind;
}

describe('rejected events', () => {
  const key = 'rejected/1.0.1.ndjson';
  test('a line of its own goes, those of others stay', () => {
    const text = `${line(JSON.stringify(event(PERSON)))}\n${line(JSON.stringify(event(OTHER)))}\n`;
    assert.deepEqual(dataOf(rest(key, text)), [JSON.stringify(event(OTHER))]);
  });
  test('in a batch it leaves a gap, so that the others keep their places', () => {
    const text = `${line(JSON.stringify([1, 'key', [event(OTHER), event(PERSON), event(OTHER)]]))}\n`;
    assert.deepEqual(JSON.parse(dataOf(rest(key, text))[0] ?? ''), [
      1,
      'key',
      [event(OTHER), null, event(OTHER)],
    ]);
  });
  test('a record that is no JSON goes if it names the entity, as it is or escaped', () => {
    assert.equal(rest(key, `${line(`{"entity":${JSON.stringify(PERSON)}`)}\n`), 'remove');
    assert.equal(rest(key, `${line(`x ${PERSON} x`)}\n`), 'remove');
    assert.equal(rest(key, `${line('\u0000\u0001')}\n`), 'untouched');
  });
  test('nothing left: the object goes', () => {
    assert.equal(rest(key, `${line(JSON.stringify(event(PERSON)))}\n`), 'remove');
  });
  test('a deeply nested record is searched safely', () => {
    const deep = `${'['.repeat(50_000)}${JSON.stringify(PERSON)}${']'.repeat(50_000)}`;
    assert.equal(rest(key, `${line(deep)}\n`), 'remove');
    assert.equal(
      rest(
        key,
        `${line(`[1,"k",[${JSON.stringify(event(PERSON))},${deep.replace(JSON.stringify(PERSON), '1')}]]`)}\n`,
      ),
      'remove',
    );
    assert.equal(rest(key, `${line(deep.replace(JSON.stringify(PERSON), '1'))}\n`), 'untouched');
    assert.equal(rest('other/x.json', deep), 'by-hand');
  });
});

describe('parked and discarded dead letters', () => {
  for (const prefix of ['parked/', 'discarded/']) {
    test(`${prefix}: the rest of the message can still be replayed, with the events that the ledger knows`, () => {
      const body = message([OTHER, PERSON, '/é'], [OTHER]);
      const left = JSON.parse(rest(`${prefix}1.0.1/0.json`, parked(body)));
      assert.deepEqual(left.history, { rounds: 5 });
      const { deltas } = decodeRollupMessage(left.body);
      const before = decodeRollupMessage(body).deltas;
      assert.deepEqual(decodeRows(deltas[0]?.rows ?? assert.fail()), rowsOf([OTHER, '/é']));
      assert.deepEqual(deltas[1], before[1]);
      assert.deepEqual(
        deltas.map(({ part, events }) => [part, events]),
        [
          [0, 3],
          [1, 1],
        ],
      );
    });
    test(`${prefix}: one that has nothing else settles its segment all the same`, () => {
      const left = JSON.parse(rest(`${prefix}1.0.1/0.json`, parked(message([PERSON]))));
      const [delta] = decodeRollupMessage(left.body).deltas;
      assert.deepEqual([delta?.events, decodeRows(delta?.rows ?? assert.fail())], [1, []]);
      assert.equal(rest(`${prefix}1.0.1/0.json`, JSON.stringify(left)), 'untouched');
    });
    test(`${prefix}: poison that names it goes`, () => {
      assert.equal(rest(`${prefix}poison/1.json`, parked(`what is ${PERSON}`)), 'remove');
      assert.equal(rest(`${prefix}poison/1.json`, parked('what is this')), 'untouched');
    });
  }
});

test('lines of expired rows and of repairs go, and those of others stay', () => {
  const lineOf = (entity: string) => `${JSON.stringify({ metric: 'view', entity, events: 1 })}\n`;
  for (const key of ['expired/1.0.1/0.ndjson', 'repairs/hours/2026-11-22T05/B01.3.1.ndjson']) {
    assert.equal(rest(key, lineOf(PERSON) + lineOf(OTHER)), lineOf(OTHER));
    assert.equal(rest(key, lineOf(PERSON)), 'remove');
    assert.equal(rest(key, lineOf(OTHER)), 'untouched');
  }
});

test('a batch that Lambda gave up is left to an operator: it holds events that exist nowhere else', () => {
  const batch = JSON.stringify({
    payload: { Records: [{ kinesis: { data: base64(JSON.stringify(event(PERSON))) } }] },
  });
  assert.equal(rest('aws/lambda/x/y.json', batch), 'by-hand');
  assert.equal(
    rest('aws/lambda/x/y.json', batch.replaceAll(base64(JSON.stringify(event(PERSON))), '')),
    'untouched',
  );
});

test('repeating it changes nothing, and others never change', () => {
  const entity = fc.constantFrom(PERSON, OTHER, 'person', '/a/b');
  const records = fc.oneof(
    entity.map((one) => JSON.stringify(event(one))),
    fc.array(entity, { minLength: 1 }).map((all) => JSON.stringify([1, 'key', all.map(event)])),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(records, { minLength: 1, maxLength: 8 }), (all) => {
      const text = `${all.map((data) => line(data)).join('\n')}\n`;
      const forgotten = withoutEntity('rejected/1.0.1.ndjson', text, PERSON);
      const left = forgotten.kind === 'rewrite' ? forgotten.text : forgotten.kind === 'remove' ? '' : text;
      if (left !== '') assert.equal(rest('rejected/1.0.1.ndjson', left), 'untouched');
      const count = (inText: string, wanted: string) =>
        (inText === '' ? [] : dataOf(inText)).join('').split(JSON.stringify(wanted)).length - 1;
      for (const other of [OTHER, '/a/b']) assert.equal(count(left, other), count(text, other));
      assert.equal(count(left, PERSON), 0);
    }),
  );
});

test('raw records stay, marked, without the events of the entity; others as they were', () => {
  const [person, other] = [
    { metric: 'view', entity: PERSON },
    { metric: 'view', entity: '/other' },
  ];
  const data = [
    person,
    other,
    [1, 'k', [person, other, person]],
    [1, 'k', [other]],
    'no event, but names ENTITY',
  ].map((value) =>
    Buffer.from(typeof value === 'string' ? value.replace('ENTITY', () => PERSON) : JSON.stringify(value)),
  );
  const lines = data.map((bytes, at) => rawLine(String(at), 1_000 + at, bytes));
  const head = '{"v":1,"segment":"1.0.1","records":5,"ancestors":[],"config":{}}';
  const key = 'raw/2026/11/22/05/1.0.1.ndjson.gz';
  const text = `${head}\n${lines.join('\n')}\n`;
  const rest = withoutEntity(key, text, PERSON);
  assert.ok(rest.kind === 'rewrite');
  assert.deepEqual(rest.text.split('\n'), [
    head,
    rawLine('0', 1_000, new Uint8Array(), true),
    lines[1],
    rawLine('2', 1_002, Buffer.from(JSON.stringify([1, 'k', [null, other, null]])), true),
    lines[3],
    rawLine('4', 1_004, new Uint8Array(), true),
    '',
  ]);
  assert.deepEqual(withoutEntity(key, rest.text, PERSON), { kind: 'untouched' });
  assert.deepEqual(withoutEntity('raw/2026/11/22/06/1.0.1.from-2026-11-22T05', '', PERSON), {
    kind: 'untouched',
  });
});

test('a raw record that was rejected as no UTF-8 counts nothing after a deletion either', () => {
  const [before, after] = JSON.stringify([1, 'k', [event(PERSON), event('?'), event(OTHER)]]).split('?');
  const data = Buffer.concat([Buffer.from(`${before}`), Buffer.of(0xff), Buffer.from(`${after}`)]);
  const arrivalMs = Date.UTC(2026, 10, 22, 5);
  const stored = { sequenceNumber: parseSequenceNumber('1'), arrivalMs, data };
  assert.deepEqual(decodeRecord(data, arrivalMs).events, [{ rejected: 'not-utf8' }]);
  const head = '{"v":1,"segment":"1.0.1","records":1,"ancestors":[],"config":{}}';
  const text = `${head}\n${rawLine('1', arrivalMs, data)}\n`;
  const left = rest('raw/2026/11/22/05/1.0.1.ndjson.gz', text);
  const [record = assert.fail()] = readRawObject(left).records;
  assert.deepEqual(streamRecord(record), { ...stored, data: Buffer.alloc(0), batch: undefined, events: [] });
  assert.deepEqual(withoutEntity('raw/1.ndjson.gz', text, '/nothing'), { kind: 'untouched' });
});
