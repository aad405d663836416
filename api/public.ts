// GET /v1/public/{metric}/{entity}.json: a public counter, readable by anyone.
import { exactly, type Schema } from './schema.ts';

export const PUBLIC_COUNT = exactly({
  metric: { type: 'string' },
  entity: { type: 'string' },
  total: { type: 'integer', description: 'It may exceed 2^53.' },
  completeThrough: {
    type: ['string', 'null'],
    description: 'Every event that arrived before this time is in the total; null while unknown.',
  },
} as const satisfies Record<string, Schema>);

/** The same in shields.io's endpoint format, which allows no other fields. */
export const SHIELDS_BADGE = exactly({
  schemaVersion: { type: 'integer' },
  label: { type: 'string' },
  message: { type: 'string' },
  color: { type: 'string' },
} as const satisfies Record<string, Schema>);
