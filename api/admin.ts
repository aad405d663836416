// Request and answer schemas of the operators' routes.
import { exactly, NUMBER_OF, type Schema } from './schema.ts';

/** The body of `POST /v1/admin/redrive`; optional. */
export const REDRIVE_REQUEST = {
  type: 'object',
  additionalProperties: false,
  properties: { max: { type: 'integer', minimum: 1, maximum: 1_000_000 } },
} as const satisfies Schema;

/** `POST /v1/admin/redrive`: the run's result, in dead letters. */
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
