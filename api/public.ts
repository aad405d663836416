// GET /v1/public/{metric}/{entity}.json: what anyone may read of a counter that the stage made public.
import { exactly, type Schema } from './schema.ts';

/** The total. */
export const PUBLIC_COUNT = exactly({
  metric: { type: 'string' },
  entity: { type: 'string' },
  total: { type: 'integer', description: 'It may exceed 2^53.' },
  completeThrough: {
    type: ['string', 'null'],
    description: 'Every event that arrived before this time is in the total; null while unknown.',
  },
} as const satisfies Record<string, Schema>);

/** The same as shields.io reads it at an endpoint: nothing else may be in it. */
export const SHIELDS_BADGE = exactly({
  schemaVersion: { type: 'integer' },
  label: { type: 'string' },
  message: { type: 'string' },
  color: { type: 'string' },
} as const satisfies Record<string, Schema>);
