// What reading the pipeline's status answers, and any refusal.
import { exactly, listOf, NUMBER_OF, type Schema } from './schema.ts';

/** A refusal, whoever refuses: one sentence that says what is wrong. */
export const MESSAGE = exactly({ message: { type: 'string' } });

/** Where received events are: `received` is the sum of the others, `rejectedByReason` aside. */
const ACCOUNTS = {
  received: NUMBER_OF,
  duplicate: NUMBER_OF,
  rejected: NUMBER_OF,
  rejectedByReason: { type: 'object', additionalProperties: NUMBER_OF },
  counted: NUMBER_OF,
  inFlight: NUMBER_OF,
  dead: NUMBER_OF,
  parked: NUMBER_OF,
  expired: NUMBER_OF,
  lost: NUMBER_OF,
} as const satisfies Record<string, Schema>;

/** `GET /v1/status`. */
export const STATUS = exactly({
  ...ACCOUNTS,
  shards: listOf(
    exactly({
      shard: { type: 'string' },
      segment: NUMBER_OF,
      status: { type: 'string', enum: ['planned', 'sent'] },
      ...ACCOUNTS,
    }),
  ),
});
