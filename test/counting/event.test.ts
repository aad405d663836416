import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AMOUNT_MAX, decodeRecord, PACK_EVENTS_MAX } from '../../lambdas/counting/event.ts';
import { LATEST_INSTANT_MS } from '../../lambdas/counting/time.ts';

const ARRIVAL_MS = Date.UTC(2026, 10, 22, 5, 7, 30);
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));
const decode = (value: unknown) => decodeRecord(bytes(value), ARRIVAL_MS);

test('the least event counts one, when it arrived', () => {
  assert.deepEqual(decode({ metric: 'view', entity: '/a' }), [
    { id: undefined, metric: 'view', entity: '/a', atMs: ARRIVAL_MS, n: 1 },
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
      at: fc.integer({ min: 0, max: LATEST_INSTANT_MS }),
      n: fc.integer({ min: -AMOUNT_MAX, max: AMOUNT_MAX }),
    },
    { requiredKeys: ['metric', 'entity'] },
  );
  fc.assert(
    fc.property(fc.array(events, { minLength: 1, maxLength: 5 }), (sent) => {
      const expected = sent.map(({ id, metric, entity, at = ARRIVAL_MS, n = 1 }) => ({
        id,
        metric,
        entity,
        atMs: at,
        n,
      }));
      assert.deepEqual(decode(sent), expected);
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

test('a prototype is no event field', () => {
  const record = Buffer.from('{"metric":"view","entity":"/a","__proto__":{"n":5}}');
  assert.deepEqual(decodeRecord(record, ARRIVAL_MS), [{ rejected: 'unknown-field' }]);
});

test('a record that can not be read is one rejected event, and nothing throws', () => {
  assert.deepEqual(decodeRecord(Buffer.from([0xff, 0xfe]), ARRIVAL_MS), [{ rejected: 'not-utf8' }]);
  assert.deepEqual(decodeRecord(Buffer.from('{"metric":'), ARRIVAL_MS), [{ rejected: 'not-json' }]);
  assert.deepEqual(decodeRecord(new Uint8Array(), ARRIVAL_MS), [{ rejected: 'not-json' }]);
  assert.deepEqual(decode([]), [{ rejected: 'empty-pack' }]);
  const pack = Array.from({ length: PACK_EVENTS_MAX + 1 }, () => ({ metric: 'view', entity: '/a' }));
  assert.deepEqual(decode(pack), [{ rejected: 'pack-too-large' }]);
  fc.assert(
    fc.property(fc.uint8Array(), (data) => {
      assert.ok(decodeRecord(data, ARRIVAL_MS).length > 0);
    }),
  );
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.ok(decode(value).length > 0);
    }),
  );
});

test('one bad event of a pack leaves its neighbours alone', () => {
  const pack = [{ metric: 'view', entity: '/a' }, { metric: '?' }, { metric: 'view', entity: '/b', n: -1 }];
  const [a, bad, b] = decode(pack);
  assert.ok(a && 'entity' in a && b && 'entity' in b);
  assert.equal(a.entity + b.entity, '/a/b');
  assert.deepEqual(bad, { rejected: 'invalid-metric' });
});
