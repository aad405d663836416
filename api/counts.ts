// GET /v1/counts, POST /v1/counts:batch and GET /v1/public: parameters and answers.
import { COMPLETE_THROUGH, exactly, listOf, NOTE, type Schema } from './schema.ts';

const GRAIN = {
  type: 'string',
  enum: ['minute', 'hour', 'day', 'week', 'month', 'total'],
} as const satisfies Schema;

/** Maximum queries in a batch. */
const QUERIES_MAX = 100;

const instantAsked = (description: string) => ({
  type: 'string' as const,
  description: `${description} ISO 8601 with a zone, epoch milliseconds, or a date, which is its midnight in tz.`,
});

/** The parameters of a query, besides metric and entity. */
export const COUNTS_QUESTION = {
  from: instantAsked('The first minute.'),
  to: instantAsked('The minute after the last; the next one if left out.'),
  by: { ...GRAIN, description: 'The grain of the points. Default: total. Weeks begin on Monday.' },
  tz: {
    type: 'string',
    description:
      'The IANA time zone of hours, days, weeks, months and dates, such as Europe/Berlin. Default: UTC. With by=minute and by=total only for a date as from or to.',
  },
  fill: { type: 'string', enum: ['zero'], description: 'Also return points without events, as 0.' },
  cumulative: {
    type: 'string',
    enum: ['true'],
    description: 'Each point also has the sum from the start to its own end.',
  },
  compare: {
    type: 'string',
    enum: ['previous'],
    description:
      'Adds the range directly before: of equal length, or as many days, weeks or months. If the last period is not over, the last one before counts as far.',
  },
  limit: {
    type: 'string',
    pattern: '^[0-9]{1,5}$',
    description: 'Points of a page, with events or without: 1 to 50000.',
  },
  next: {
    type: 'string',
    description: 'The token of the next page, from the answer before. No other parameter goes with it.',
  },
} as const satisfies Record<string, Schema>;

/**
 * The body of `POST /v1/counts:batch`. The schema is deliberately loose: an invalid query gets its own error, and the others
 * their answers.
 */
export const COUNTS_BATCH = {
  type: 'object',
  required: ['queries'],
  additionalProperties: false,
  properties: {
    queries: {
      type: 'array',
      minItems: 1,
      maxItems: QUERIES_MAX,
      items: {
        type: 'object',
        required: ['metric', 'entity'],
        additionalProperties: false,
        properties: {
          metric: { type: 'string', maxLength: 1000 },
          entity: { type: 'string', maxLength: 10_000 },
          from: { type: ['string', 'integer'] },
          to: { type: ['string', 'integer'] },
          by: { type: 'string' },
          tz: { type: 'string' },
          fill: { type: 'string' },
          cumulative: { type: ['boolean', 'string'] },
          compare: { type: 'string' },
          limit: { type: ['integer', 'string'] },
          next: { type: 'string' },
        },
      },
    },
  },
} as const satisfies Schema;

const INSTANT = { type: 'string', description: 'ISO 8601, with the offset of the zone.' } as const;

const STRETCH = {
  grain: {
    ...GRAIN,
    description: 'The grain of the points: coarser than requested if that is past its retention.',
  },
  tz: { type: 'string', description: 'The time zone of the points.' },
  from: INSTANT,
  to: INSTANT,
  total: { type: 'integer', description: 'The sum from `from` to `to`. It may exceed 2^53.' },
  completeThrough: COMPLETE_THROUGH,
  points: listOf(
    exactly(
      {
        at: { type: 'string', description: 'Where the point starts: ISO 8601, with the offset of the zone.' },
        n: { type: 'integer' },
        state: { type: 'string', enum: ['provisional', 'final'] },
      },
      { sum: { type: 'integer', description: 'With cumulative: this and all points before.' } },
    ),
  ),
} as const satisfies Record<string, Schema>;

/** `GET /v1/counts/{metric}/{entity}`. */
export const COUNTS = exactly(
  { metric: { type: 'string' }, entity: { type: 'string' }, by: GRAIN, ...STRETCH },
  {
    note: NOTE,
    previous: exactly(STRETCH, { note: NOTE }),
    next: { type: 'string', description: 'The token of the next page; absent on the last.' },
  },
);

/** `POST /v1/counts:batch`: an answer or an error for each query, in order. */
export const COUNTS_ANSWERS = exactly({
  answers: listOf({ oneOf: [COUNTS, exactly({ error: { type: 'string' } })] }),
});

/** `GET /v1/public/{metric}/{entity}.json`. */
export const PUBLIC_COUNT = exactly({
  metric: { type: 'string' },
  entity: { type: 'string' },
  total: { type: 'integer', description: 'It may exceed 2^53.' },
  completeThrough: {
    type: ['string', 'null'],
    description: 'Every event that arrived before this time is in the total; null while unknown.',
  },
});

/** The same in shields.io's endpoint format, which allows no other fields. */
export const SHIELDS_BADGE = exactly({
  schemaVersion: { type: 'integer' },
  label: { type: 'string' },
  message: { type: 'string' },
  color: { type: 'string' },
});
