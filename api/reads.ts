// Answers of the status route, and the common error answer.
import { exactly, listOf, NUMBER_OF, type Schema } from './schema.ts';

/** Every error answer: one sentence that says what is wrong. */
export const MESSAGE = exactly({ message: { type: 'string' } });

/** Where received events are: `received` is the sum of the others, except `rejectedByReason`. */
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

const { rejectedByReason: _, ...COLUMNS } = ACCOUNTS;

/** The accounts of the last hours of arrival, ascending; hours without events are omitted. */
const HOURS = listOf(
  exactly({
    hour: { type: 'string', description: 'As 2026-11-22T05, in UTC.' },
    ...COLUMNS,
    difference: { type: 'integer', description: '0; another value is an error in the accounts of the hour.' },
  }),
);

/** `GET /v1/status`. */
export const STATUS = exactly({
  /** The identity of the service, independent of its address. */
  service: exactly({
    stack: { type: 'string', description: "The stack's name." },
    id: { type: 'string', description: 'Unique to this stack, even if another had its name before.' },
    generation: { type: 'string', description: 'Of the stream.' },
  }),
  accepted: {
    type: ['integer', 'null'],
    description: 'Events that the front door accepted: `unread` and `received`. Null as `unread` is.',
  },
  unread: {
    type: ['integer', 'null'],
    description: 'Events in the stream that are not received yet; null if the stream could not be read.',
  },
  unreadSince: {
    type: ['string', 'null'],
    description: 'When the oldest of them arrived; null when there is none.',
  },
  unreadMore: {
    type: 'boolean',
    description: 'Whether `accepted` and `unread` are lower bounds, because not all of the stream was read.',
  },
  ...ACCOUNTS,
  inFlightSince: {
    type: ['string', 'null'],
    description: 'When the oldest event in flight arrived; null when none is in flight.',
  },
  hours: HOURS,
  hoursSince: {
    type: ['string', 'null'],
    description: 'The first hour that is whole on every shard; null as long as the hours are all there is.',
  },
  shards: listOf(
    exactly({
      shard: { type: 'string' },
      segment: NUMBER_OF,
      status: { type: 'string', enum: ['planned', 'sent', 'ended'] },
      ...ACCOUNTS,
      hours: { ...HOURS, description: 'Above 64 shards, only hours with a difference.' },
    }),
  ),
});
