import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  AMOUNT_MAX,
  AT_MAX_MS,
  AT_NUMBER_MIN_MS,
  BATCH_EVENTS_MAX,
  decodeRecord,
  identityOf,
} from '../../lambdas/core/event.ts';

const ARRIVAL_MS = Date.UTC(2026, 10, 22, 5, 7, 30);
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const decode = (value: unknown) => decodeRecord(bytes(value), ARRIVAL_MS).events;

test('the smallest event counts one, at its arrival', () => {
  assert.deepEqual(decode({ metric: 'view', entity: '/a' }), [
    { id: undefined, metric: 'view', entity: '/a', atMs: ARRIVAL_MS, n: 1, place: undefined },
  ]);
});

test('every well-formed event comes back as it was sent', () => {
  const text = (max: number) =>
    fc
      .string({ unit: 'binary', minLength: 1, maxLength: max })
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is left out.
      .filter((value) => !/[\u0000-\u001f\u007f-\u009f]/.test(value));
  const events = fc.record(
    {
      id: text(128),
      metric: fc.stringMatching(/^[A-Za-z0-9_.-]{1,64}$/),
      entity: text(512),
      at: fc.integer({ min: AT_NUMBER_MIN_MS, max: AT_MAX_MS }),
      n: fc.integer({ min: -AMOUNT_MAX, max: AMOUNT_MAX }),
    },
    { requiredKeys: ['metric', 'entity'] },
  );
  fc.assert(
    fc.property(fc.array(events, { minLength: 1, maxLength: 5 }), (sent) => {
      const expected = sent.map(({ id, metric, entity, at = ARRIVAL_MS, n = 1 }, place) => ({
        id,
        metric,
        entity,
        atMs: at,
        n,
        place,
      }));
      assert.deepEqual(decodeRecord(bytes([1, 'key', sent]), ARRIVAL_MS), { batch: 'key', events: expected });
    }),
  );
});

test('each mistake has its own reason', () => {
  const good = { metric: 'view', entity: '/a' };
  const mistakes: [unknown, string][] = [
    [null, 'not-an-event'],
    ['view', 'not-an-event'],
    [7, 'not-an-event'],
    [{ ...good, colour: 'red' }, 'unknown-field'],
    [{ ...good, id: '' }, 'invalid-id'],
    [{ ...good, id: 7 }, 'invalid-id'],
    [{ ...good, id: null }, 'invalid-id'],
    [{ ...good, id: 'x'.repeat(129) }, 'invalid-id'],
    [{ entity: '/a' }, 'invalid-metric'],
    [{ ...good, metric: 'a view' }, 'invalid-metric'],
    [{ ...good, metric: 'view#1' }, 'invalid-metric'],
    [{ ...good, metric: 'x'.repeat(65) }, 'invalid-metric'],
    [{ ...good, metric: 'view\n' }, 'invalid-metric'],
    [{ metric: 'view' }, 'invalid-entity'],
    [{ ...good, entity: '' }, 'invalid-entity'],
    [{ ...good, entity: 'a\u0000b' }, 'invalid-entity'],
    [{ ...good, entity: 'a\u0085b' }, 'invalid-entity'],
    [{ ...good, entity: 'lone \ud83d surrogate' }, 'invalid-entity'],
    [{ ...good, entity: 'x'.repeat(513) }, 'invalid-entity'],
    [{ ...good, entity: '😀'.repeat(513) }, 'invalid-entity'],
    [{ ...good, at: 'yesterday' }, 'invalid-at'],
    [{ ...good, at: -1 }, 'invalid-at'],
    [{ ...good, at: 1_793_696_402 }, 'invalid-at'],
    [{ ...good, at: 1_793_696_402_000_000 }, 'invalid-at'],
    [{ ...good, at: '2100-01-01T00:00:00Z' }, 'invalid-at'],
    [{ ...good, n: 1.5 }, 'invalid-n'],
    [{ ...good, n: '1' }, 'invalid-n'],
    [{ ...good, n: AMOUNT_MAX + 1 }, 'invalid-n'],
    [{ ...good, n: -AMOUNT_MAX - 1 }, 'invalid-n'],
  ];
  for (const [event, reason] of mistakes) {
    assert.deepEqual(decode(event), [{ rejected: reason }], JSON.stringify(event));
  }
  assert.deepEqual(decode({ ...good, entity: '😀'.repeat(512) }).length, 1);
  assert.ok('metric' in (decode({ ...good, entity: '😀'.repeat(512) })[0] ?? {}));
});

test('a time before 2000 has to be written out: as a number it is nearly always seconds', () => {
  const at = '1995-08-29T23:53:25Z';
  const [event] = decode({ metric: 'view', entity: '/a', at });
  assert.ok(event && 'atMs' in event && event.atMs === Date.parse(at));
});

test('an inherited property is not an event field', () => {
  const record = Buffer.from('{"metric":"view","entity":"/a","__proto__":{"n":5}}');
  assert.deepEqual(decodeRecord(record, ARRIVAL_MS).events, [{ rejected: 'unknown-field' }]);
});

test('a record that cannot be read is one rejected event, and nothing throws', () => {
  const reasonOf = (data: Uint8Array) => decodeRecord(data, ARRIVAL_MS).events;
  assert.deepEqual(reasonOf(Buffer.from([0xff, 0xfe])), [{ rejected: 'not-utf8' }]);
  assert.deepEqual(reasonOf(Buffer.from('{"metric":')), [{ rejected: 'not-json' }]);
  assert.deepEqual(reasonOf(new Uint8Array()), [{ rejected: 'not-json' }]);
  const event = { metric: 'view', entity: '/a' };
  for (const value of [
    [],
    [event],
    [2, 'key', [event]],
    [1, '', [event]],
    [1, 'k'.repeat(129), [event]],
    [1, 'a\nb', [event]],
    [1, 'key', []],
    [1, 'key', event],
    [1, 'key', [event], 'more'],
  ])
    assert.deepEqual(decode(value), [{ rejected: 'invalid-batch' }], JSON.stringify(value));
  const large = Array.from({ length: BATCH_EVENTS_MAX + 1 }, () => event);
  assert.deepEqual(decode([1, 'key', large]), [{ rejected: 'batch-too-large' }]);
  fc.assert(fc.property(fc.uint8Array(), (data) => assert.ok(reasonOf(data).length > 0)));
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.ok(decode(value).length > 0)));
});

test('one bad event of a batch leaves its neighbours alone, and in their places', () => {
  const events = [{ metric: 'view', entity: '/a' }, { metric: '?' }, { metric: 'view', entity: '/b', n: -1 }];
  const [a, bad, b] = decode([1, 'key', events]);
  assert.ok(a && 'entity' in a && b && 'entity' in b);
  assert.deepEqual([a.entity, a.place, b.entity, b.place], ['/a', 0, '/b', 2]);
  assert.deepEqual(bad, { rejected: 'invalid-metric' });
});

test('duplicates have the same metric, entity and id, or the same place in a batch of the same key; all others differ', () => {
  const text = fc.constantFrom('a', '1', 'a\n1', '\r', 'a\r0\rk', '0');
  const event = fc.record({
    metric: fc.constantFrom('a', '1'),
    entity: fc.constantFrom('a', '1'),
    id: fc.option(text, { nil: undefined }),
    place: fc.constantFrom(undefined, 0, 10),
    batch: fc.constantFrom(undefined, 'k', '0'),
    atMs: fc.constant(0),
    n: fc.constant(1),
  });
  fc.assert(
    fc.property(event, event, (a, b) => {
      const named = ({ id, metric, entity, place, batch }: typeof a) =>
        id === undefined ? batch && [metric, entity, place, batch] : [metric, entity, id];
      const same = named(a) !== undefined && JSON.stringify(named(a)) === JSON.stringify(named(b));
      const [first, second] = [identityOf(a, a.batch), identityOf(b, b.batch)];
      assert.equal(first !== undefined && first === second, same);
    }),
  );
});
