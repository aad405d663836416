// What count() accepts: exactly what the front door's schema accepts and the aggregator can count.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { EVENTS } from '../../api/events.ts';
import { eventOf, InvalidEventError } from '../../client/src/event.ts';
import { decodeRecord } from '../../lambdas/core/event.ts';

const takenByFrontDoor = new Ajv({ strict: false, allowUnionTypes: true }).compile(EVENTS);

/** Whether Tally accepts an event and can count it. */
function isCountable(event: object): boolean {
  // JSON has no NaN and no undefined: what the client would send is what counts.
  const text = JSON.stringify(event);
  const [decoded] = decodeRecord(Buffer.from(text), 0).events;
  return (
    takenByFrontDoor({ events: [JSON.parse(text)] }) && decoded !== undefined && !('rejected' in decoded)
  );
}

const odd = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 6 }),
  fc.string({ unit: 'grapheme', maxLength: 6 }),
  fc.constantFrom('', '\ud800', 'a\udc00b', '\u0000', '\u0085', '\n', '.', '..', '😀'),
  fc
    .tuple(fc.constantFrom('x', '😀'), fc.constantFrom(63, 64, 65, 127, 128, 129, 511, 512, 513))
    .map(([unit, count]) => unit.repeat(count)),
);
const metrics = fc.oneof(
  { weight: 3, arbitrary: fc.constant('view') },
  { weight: 1, arbitrary: fc.oneof(odd, fc.stringMatching(/^[A-Za-z0-9_.-]{0,70}$/)) },
);
const amounts = fc.oneof(
  { weight: 3, arbitrary: fc.constant(1) },
  fc.constantFrom(0, -1, 1e9, -1e9, 1e9 + 1, -1e9 - 1, 0.5, 2 ** 60),
);
const instants = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  fc.constantFrom(
    0,
    -1,
    1.5,
    1_793_696_402,
    946_684_799_999,
    946_684_800_000,
    4_102_444_799_999,
    4_102_444_800_000,
  ),
  fc.constantFrom(
    '2026-11-22T05:07:00Z',
    '2026-11-22T05:07Z',
    '2026-11-22T05:07:00.123456789+01:00',
    '2026-11-22T05:07:00-0130',
    '2026-02-29T00:00Z',
    '2024-02-29T00:00Z',
    '2026-11-22T05:07:00',
    '2026-11-22',
    '2026-11-22T24:00Z',
    '1969-12-31T23:59Z',
    '1970-01-01T00:00+01:00',
    '1995-08-29T23:53:25Z',
    '2099-12-31T23:59:59Z',
    '2099-12-31T23:59:59-01:00',
    '2100-01-01T00:00Z',
    '0000-00-00T00:00Z',
    'yesterday',
    '',
  ),
);

test('count() accepts what the front door accepts and the aggregator can count', () => {
  fc.assert(
    fc.property(metrics, odd, amounts, odd, instants, (metric, entity, n, id, at) => {
      const sent = { id, metric, entity, n, ...(at === undefined ? {} : { at }) };
      let taken = true;
      try {
        const event = eventOf(metric, entity, n, { at, id });
        assert.ok(isCountable(event));
      } catch (error) {
        if (!(error instanceof InvalidEventError)) throw error;
        taken = false;
      }
      assert.equal(taken, isCountable(sent), JSON.stringify(sent));
    }),
    { numRuns: 3_000 },
  );
});

test('the error names the field and the rule', () => {
  const thrown = (work: () => unknown) => {
    try {
      work();
    } catch (error) {
      if (error instanceof InvalidEventError) return [error.field, error.message];
      throw error;
    }
    return [];
  };
  assert.deepEqual(
    thrown(() => eventOf('pl ay', '/', 1, {})),
    ['metric', '"metric" must be 1 to 64 of A-Z a-z 0-9 _ . -'],
  );
  assert.deepEqual(
    thrown(() => eventOf('play', '/', Number.NaN, {})),
    ['n', '"n" must be an integer from -1000000000 to 1000000000'],
  );
  assert.deepEqual(thrown(() => eventOf('play', '/', 1, { at: new Date(Number.NaN) }))[0], 'at');
});

test('an event is as small as it can be', () => {
  assert.deepEqual(eventOf('play', '/a', 1, {}), { metric: 'play', entity: '/a' });
  const at = new Date('2026-11-22T05:07:00Z');
  assert.deepEqual(eventOf('play', '/a', -1, { at, id: 'x' }), {
    id: 'x',
    metric: 'play',
    entity: '/a',
    at: at.getTime(),
    n: -1,
  });
});
