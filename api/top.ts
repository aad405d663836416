// GET /v1/top/{metric} and GET /v1/metrics: what may be asked, and what is answered.
import { METRIC } from './events.ts';
import { exactly, INSTANT, listOf, type Schema } from './schema.ts';

const BY = { type: 'string', enum: ['hour', 'day', 'month', 'total'] } as const satisfies Schema;

/** The parameters of the question. */
export const TOP_PARAMETERS = {
  metric: { in: 'path', description: 'The metric.', schema: METRIC },
  by: { in: 'query', description: 'The length of the period (UTC), day if left out.', schema: BY },
  at: {
    in: 'query',
    description:
      'Any instant of the period, now if left out; not with by=total. ISO 8601 with a zone, or epoch milliseconds.',
    schema: { type: 'string' },
  },
  k: {
    in: 'query',
    description: 'How many entities, 10 if left out.',
    schema: { type: 'integer', minimum: 1, maximum: 100 },
  },
} as const;

/** `GET /v1/top/{metric}`. */
export const TOP = exactly(
  {
    metric: { type: 'string' },
    by: BY,
    from: INSTANT,
    to: INSTANT,
    completeThrough: {
      type: ['string', 'null'],
      description:
        'Every event that arrived before this time is in the counts; null as long as nothing is known. Of a final answer: since when nothing can have changed.',
    },
    state: { type: 'string', enum: ['provisional', 'final'] },
    entries: listOf(
      exactly({
        entity: { type: 'string' },
        n: { type: 'integer', description: 'May be beyond 2^53: written digit by digit.' },
      }),
    ),
  },
  { note: { type: 'string', description: 'Why the answer is not all that was asked for.' } },
);

/** `GET /v1/metrics`. */
export const METRICS = exactly({
  metrics: listOf({ type: 'string' }),
});
