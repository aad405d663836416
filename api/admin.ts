// What the routes for operators take and answer: audit, repair, redrive.
import { exactly, listOf, NUMBER_OF, type Schema } from './schema.ts';

const COUNTER_ITEM = {
  metric: { type: 'string' },
  entity: { type: 'string' },
  bucket: { type: 'string' },
} as const;
const SEGMENT = { type: 'string', description: "A segment's id." } as const;
const AMOUNT = { type: 'integer' } as const;
const MINUTES = { type: 'object', additionalProperties: AMOUNT } as const;

/** One thing that is wrong with a counter item. */
export const DIFFERENCE = {
  oneOf: [
    exactly({ ...COUNTER_ITEM, kind: { const: 'segment-missing' }, segment: SEGMENT, minutes: MINUTES }),
    exactly({ ...COUNTER_ITEM, kind: { const: 'segment-unknown' }, segment: SEGMENT }),
    exactly({
      ...COUNTER_ITEM,
      kind: { const: 'minute-differs' },
      minute: NUMBER_OF,
      expected: AMOUNT,
      found: AMOUNT,
    }),
    exactly({ ...COUNTER_ITEM, kind: { const: 'total-differs' }, expected: AMOUNT, found: AMOUNT }),
    exactly({
      ...COUNTER_ITEM,
      kind: { const: 'level-differs' },
      level: { type: 'string', enum: ['days', 'months', 'total'] },
      expected: AMOUNT,
      found: AMOUNT,
    }),
    exactly({ ...COUNTER_ITEM, kind: { const: 'events-differ' }, expected: AMOUNT, found: AMOUNT }),
  ],
} as const satisfies Schema;

/** What an audit found. */
const AUDIT_REPORT = exactly({
  complete: { const: true },
  source: { type: 'string', enum: ['stream', 'archive'] },
  segments: NUMBER_OF,
  items: NUMBER_OF,
  events: AMOUNT,
  itemsDiffering: NUMBER_OF,
  itemsUnaudited: NUMBER_OF,
  segmentsUnaudited: listOf(
    exactly({
      first: SEGMENT,
      last: SEGMENT,
      segments: NUMBER_OF,
      reason: {
        type: 'string',
        enum: [
          'trimmed',
          'lost',
          'ids-expired',
          'rollup-version',
          'no-entry',
          'not-archived',
          'raw-expired',
          'raw-deleted',
          'raw-missing',
          'raw-differs',
        ],
      },
    }),
  ),
  notReproducible: listOf(SEGMENT),
  rawDifferences: {
    ...NUMBER_OF,
    description:
      'Segments whose raw records in the archive are missing or differ; `segmentsUnaudited` names them.',
  },
  differences: listOf(DIFFERENCE),
  differencesOmitted: NUMBER_OF,
  repaired: NUMBER_OF,
});

/** A page that is not an audit's last. */
const AUDIT_PAGE = exactly({
  complete: { const: false },
  next: { type: 'string', description: 'To be sent as `cursor`.' },
  progress: exactly({
    phase: { type: 'string', enum: ['produce', 'scan', 'compare', 'done'] },
    share: { type: ['number', 'null'], description: 'Of the phase, 0 to 1; null while nobody knows.' },
    segments: NUMBER_OF,
    itemsScanned: NUMBER_OF,
    items: NUMBER_OF,
    differences: NUMBER_OF,
  }),
});

/** `GET /v1/audit` and `POST /v1/admin/repair`. */
export const AUDIT = { oneOf: [AUDIT_REPORT, AUDIT_PAGE] } as const satisfies Schema;

/** The body of `POST /v1/admin/redrive`, which may be left out. */
export const REDRIVE_REQUEST = {
  type: 'object',
  additionalProperties: false,
  properties: { max: { type: 'integer', minimum: 1, maximum: 1_000_000 } },
} as const satisfies Schema;

/** `POST /v1/admin/redrive`: what the run did, in dead letters. */
export const REDRIVE = exactly({
  written: NUMBER_OF,
  returned: NUMBER_OF,
  parked: NUMBER_OF,
  failed: NUMBER_OF,
  probesFailed: NUMBER_OF,
  ended: {
    type: 'string',
    enum: ['empty', 'table-unhealthy', 'probes-failed', 'rate', 'max', 'time'],
  },
});
