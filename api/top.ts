// GET /v1/top/{metric} and GET /v1/metrics: parameters and answers.
import { METRIC } from './events.ts';
import { COMPLETE_THROUGH, exactly, INSTANT, listOf, NOTE, type Schema } from './schema.ts';

const BY = { type: 'string', enum: ['hour', 'day', 'month', 'total'] } as const satisfies Schema;

export const TOP_PARAMETERS = {
  metric: { ...METRIC, description: 'The metric.' },
  by: { ...BY, description: 'The length of the period, in UTC. Default: day.' },
  at: {
    type: 'string',
    description:
      'An instant of the period, ISO 8601 with a zone or epoch milliseconds. Default: now. Not with by=total.',
  },
  k: { type: 'integer', minimum: 1, maximum: 100, description: 'How many entities. Default: 10.' },
} as const satisfies Record<string, Schema>;

/** `GET /v1/top/{metric}`. */
export const TOP = exactly(
  {
    metric: { type: 'string' },
    by: BY,
    from: INSTANT,
    to: INSTANT,
    completeThrough: COMPLETE_THROUGH,
    state: { type: 'string', enum: ['provisional', 'final'] },
    entries: listOf(
      exactly({
        entity: { type: 'string' },
        n: { type: 'integer', description: 'It may exceed 2^53.' },
      }),
    ),
  },
  { note: NOTE },
);

/** `GET /v1/metrics`. */
export const METRICS = exactly({
  metrics: listOf({ type: 'string' }),
});
