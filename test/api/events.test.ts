// The schema of POST /v1/events: what it refuses, and that it accepts exactly what the aggregator can count.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { decodeRecord } from '../../lambdas/core/event.ts';
import { AWKWARD_TEXTS, sentEvent } from '../support/awkward-events.ts';
import { modelOf, templateJson } from '../support/stack-template.ts';

const { $schema, ...schema } = modelOf(templateJson('prod'), 'Events');
const validate = new Ajv({ strict: false, allowUnionTypes: true }).compile(schema);

const fine = { metric: 'view', entity: '/index.html' };

test('the model is draft 4, as API Gateway requires', () => {
  assert.equal($schema, 'http://json-schema.org/draft-04/schema#');
});

describe('refused', () => {
  const bodies: Record<string, unknown> = {
    'no object': [fine],
    'no events': {},
    'events no array': { events: fine },
    'no event in it': { events: [] },
    '501 events': { events: Array(501).fill(fine) },
    'a field beside events': { events: [fine], more: 1 },
    'an empty batch key': { batch: '', events: [fine] },
    'a batch key of 129': { batch: 'k'.repeat(129), events: [fine] },
    'a control character in a batch key': { batch: 'a\u0000', events: [fine] },
    'a batch key that is no text': { batch: 1, events: [fine] },
    ...Object.fromEntries(
      Object.entries({
        'no metric': { entity: 'a' },
        'no entity': { metric: 'view' },
        'unknown field': { ...fine, count: 1 },
        'empty metric': { ...fine, metric: '' },
        'metric too long': { ...fine, metric: 'm'.repeat(65) },
        'metric with a space': { ...fine, metric: 'a b' },
        'metric with a line end': { ...fine, metric: 'view\n' },
        'metric no text': { ...fine, metric: 1 },
        'empty entity': { ...fine, entity: '' },
        'entity too long': { ...fine, entity: '👍'.repeat(513) },
        'entity with NUL': { ...fine, entity: 'a\u0000' },
        'entity with a line end': { ...fine, entity: 'a\n' },
        'entity with DEL': { ...fine, entity: 'a\u007f' },
        'entity with NEL': { ...fine, entity: 'a\u0085' },
        'entity no text': { ...fine, entity: 12 },
        'empty id': { ...fine, id: '' },
        'id too long': { ...fine, id: 'i'.repeat(129) },
        'id no text': { ...fine, id: 7 },
        'id null': { ...fine, id: null },
        'at no time': { ...fine, at: 'yesterday' },
        'at without zone': { ...fine, at: '2026-11-22T05:07:00' },
        'at a date': { ...fine, at: '2026-11-22' },
        'at broken milliseconds': { ...fine, at: 1.5 },
        'at negative': { ...fine, at: -1 },
        'at in seconds': { ...fine, at: 1_793_696_402 },
        'at in microseconds': { ...fine, at: 1_793_696_402_000_000 },
        'at in a year to come': { ...fine, at: '2100-01-01T00:00:00Z' },
        'at in a month that is none': { ...fine, at: '2026-13-01T00:00:00Z' },
        'at on a day that is none': { ...fine, at: '2026-02-30T05:00:00Z' },
        'at on the 31st of a month of 30': { ...fine, at: '2026-04-31T05:00:00Z' },
        'at on 29 February of a common year': { ...fine, at: '2026-02-29T05:00:00Z' },
        'at before 1970 by its offset': { ...fine, at: '1970-01-01T00:00:00+05:00' },
        'at after 2099 by its offset': { ...fine, at: '2099-12-31T23:00:00-05:00' },
        'at null': { ...fine, at: null },
        'n broken': { ...fine, n: 0.5 },
        'n text': { ...fine, n: '1' },
        'n too large': { ...fine, n: 1_000_000_001 },
        'n too small': { ...fine, n: -1_000_000_001 },
      }).map(([name, event]) => [name, { events: [fine, event] }]),
    ),
  };
  for (const [name, body] of Object.entries(bodies)) {
    test(name, () => assert.equal(validate(body), false));
  }
});

test('accepted: every awkward text as an entity and as an id, and 500 events', () => {
  for (const text of AWKWARD_TEXTS) {
    assert.ok(validate({ events: [{ ...fine, entity: text, id: text }] }), JSON.stringify(text));
  }
  assert.ok(validate({ events: Array(500).fill(fine) }));
  assert.ok(validate({ batch: '👍'.repeat(128), events: [{ ...fine, at: '1995-08-29T23:53:25Z' }] }));
  assert.ok(validate({ events: [{ ...fine, entity: '👍'.repeat(512), id: '👍'.repeat(128) }] }));
});

test('every day of 1970 to 2099 is accepted, and no other', () => {
  for (let year = 1970; year <= 2099; year += 1) {
    for (let month = 1; month <= 12; month += 1) {
      for (let day = 0; day <= 32; day += 1) {
        const [mm, dd] = [month, day].map((number) => String(number).padStart(2, '0'));
        const date = new Date(Date.UTC(year, month - 1, day));
        const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
        const event = { ...fine, at: `${year}-${mm}-${dd}T12:00:00Z` };
        assert.equal(validate({ events: [event] }), isDay, event.at);
      }
    }
  }
});

test('the aggregator accepts every event that the schema accepts', () => {
  fc.assert(
    fc.property(sentEvent, (event) => {
      assert.ok(validate({ events: [event] }), JSON.stringify(validate.errors));
      const [decoded] = decodeRecord(Buffer.from(JSON.stringify(event)), 0).events;
      assert.ok(decoded !== undefined && !('rejected' in decoded), JSON.stringify(decoded));
    }),
    { numRuns: 500 },
  );
});

test('the schema accepts every event that the aggregator accepts', () => {
  const nearly = fc.record(
    {
      id: fc.oneof(fc.string(), fc.constantFrom('', null)),
      metric: fc.oneof(fc.string(), fc.constant('view')),
      entity: fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })),
      at: fc.oneof(
        fc.string(),
        fc.integer(),
        fc.double(),
        fc.date({ noInvalidDate: true }).map((d) => d.toJSON()),
      ),
      n: fc.oneof(fc.integer(), fc.double(), fc.constant('1')),
      more: fc.constant(1),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(nearly, (event) => {
      const [decoded] = decodeRecord(Buffer.from(JSON.stringify(event)), 0).events;
      if (decoded !== undefined && !('rejected' in decoded))
        assert.ok(validate(JSON.parse(JSON.stringify({ events: [event] }))));
    }),
    { numRuns: 1000 },
  );
});

test('patterns have no backslash but in \\uXXXX: refusals put them into JSON as they are', () => {
  assert.doesNotMatch(JSON.stringify(schema).replaceAll(/\\\\u[0-9A-F]{4}/g, ''), /\\/);
});
