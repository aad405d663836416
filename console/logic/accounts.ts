// The pipeline's accounts: places whose events add up to what was accepted; pure.
import type { StatusAnswer } from '../../client/src/index.ts';

/** Done, on its way, set aside for a good reason, or in need of an operator. */
export type Tone = 'counted' | 'waiting' | 'aside' | 'bad';

/** Name, label, tone and meaning of each place. */
export const PLACES = [
  ['counted', 'counted', 'counted', 'In the counts, exactly once.'],
  ['duplicate', 'duplicate', 'aside', 'Sent again with a known id, and not counted again.'],
  ['rejected', 'rejected', 'aside', 'Invalid; kept in the archive with the reason.'],
  ['unread', 'unread', 'waiting', 'In the stream, not yet read by the aggregator.'],
  ['inFlight', 'in flight', 'waiting', 'In the queue, on the way into the counts.'],
  ['dead', 'dead', 'bad', 'Out of attempts; the redriver brings it back.'],
  ['parked', 'parked', 'bad', 'In the archive until an operator replays it.'],
  ['expired', 'expired', 'aside', 'Arrived after its period was deleted; kept in the archive.'],
  ['lost', 'lost', 'bad', 'Gone and recorded: the stream dropped it, or an operator discarded it.'],
] as const satisfies readonly (readonly [keyof StatusAnswer, string, Tone, string])[];

/**
 * What was taken in, and where all of it is. Unless `difference` is 0, the accounts are wrong. When the stream could not be
 * read, `accepted` is null, and the places add up to `received`.
 */
export function equationOf(status: StatusAnswer) {
  const { accepted, received } = status;
  const left =
    accepted === null ? { label: 'received', events: received } : { label: 'accepted', events: accepted };
  const terms = PLACES.flatMap(([name, label, tone, meaning]) => {
    const events = status[name];
    return events === null ? [] : [{ name, label, tone, meaning, events }];
  });
  const sum = terms.reduce((total, { events }) => total + events, 0);
  return { left, terms, sum, difference: left.events - sum };
}

/** Accepted events that have not reached their place. */
export function onTheWay({ unread, inFlight }: StatusAnswer): number {
  return (unread ?? 0) + inFlight;
}

/** How long the oldest event on the way has waited, in milliseconds; 0 when none is. */
export function behindMs({ unreadSince, inFlightSince }: StatusAnswer, nowMs: number): number {
  const since = [unreadSince, inFlightSince].filter((each) => each !== null).map(Date.parse);
  return since.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...since));
}

export type Comparison = ReturnType<typeof compare>;

/** Compares what the demo sent with what is counted, entity by entity. */
export function compare(sent: Readonly<Record<string, number>>, counted: ReadonlyMap<string, number>) {
  const rows = Object.entries(sent)
    .map(([entity, events]) => ({ entity, sent: events, counted: counted.get(entity) ?? 0 }))
    .toSorted((a, b) => b.sent - a.sent);
  return {
    rows,
    sent: rows.reduce((sum, row) => sum + row.sent, 0),
    counted: rows.reduce((sum, row) => sum + row.counted, 0),
    isExact: rows.every((row) => row.sent === row.counted),
  };
}
