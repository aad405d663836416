// The accounts of the pipeline as the console shows them: terms that add up to what was accepted; pure.

/** What `GET /v1/status` says, as far as it is shown. Numbers are events. */
export interface Accounts {
  /** Null when the stream could not be read; then the columns add up from `received` on. */
  readonly accepted: number | null;
  readonly unread: number | null;
  readonly unreadMore: boolean;
  readonly unreadSince: string | null;
  readonly inFlightSince: string | null;
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly counted: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly parked: number;
  readonly expired: number;
  readonly lost: number;
}

/** How a term is to be taken: fine, on its way, put aside for good reason, or in need of someone. */
export type Tone = 'counted' | 'waiting' | 'aside' | 'bad';

/** One summand of the equation. */
export interface Term {
  readonly name: string;
  readonly label: string;
  readonly events: number;
  readonly tone: Tone;
  /** What it means, in a sentence. */
  readonly meaning: string;
}

/** The equation: what was taken in, and where all of it is. */
export interface Equation {
  readonly left: { readonly label: string; readonly events: number };
  readonly terms: readonly Term[];
  readonly sum: number;
  /** 0, or the accounts are wrong by as much. */
  readonly difference: number;
}

/** Writes the accounts as an equation. */
export function equationOf(accounts: Accounts): Equation {
  const { accepted, unread } = accounts;
  const terms: Term[] = [
    {
      name: 'counted',
      label: 'counted',
      events: accounts.counted,
      tone: 'counted',
      meaning: 'In the counts, exactly once.',
    },
    {
      name: 'duplicate',
      label: 'duplicate',
      events: accounts.duplicate,
      tone: 'aside',
      meaning: 'Sent again with an id that was seen before; not counted twice.',
    },
    {
      name: 'rejected',
      label: 'rejected',
      events: accounts.rejected,
      tone: 'aside',
      meaning: 'Can never be counted; kept in the archive with its reason.',
    },
    ...(unread === null
      ? []
      : [
          {
            name: 'unread',
            label: 'unread',
            events: unread,
            tone: 'waiting',
            meaning: 'In the stream, not read by the aggregator yet.',
          } as const,
        ]),
    {
      name: 'inFlight',
      label: 'in flight',
      events: accounts.inFlight,
      tone: 'waiting',
      meaning: 'In the queue, on its way into the counts.',
    },
    {
      name: 'dead',
      label: 'dead',
      events: accounts.dead,
      tone: 'bad',
      meaning: 'Attempts are used up; the redriver brings it back.',
    },
    {
      name: 'parked',
      label: 'parked',
      events: accounts.parked,
      tone: 'bad',
      meaning: 'Set aside in the archive until an operator replays it.',
    },
    {
      name: 'expired',
      label: 'expired',
      events: accounts.expired,
      tone: 'aside',
      meaning: 'Came after the period it belongs to was deleted; kept in the archive.',
    },
    {
      name: 'lost',
      label: 'lost',
      events: accounts.lost,
      tone: 'bad',
      meaning: 'Gone, and named: the stream dropped it, or an operator gave it up.',
    },
  ];
  const left =
    accepted === null
      ? { label: 'received', events: accounts.received }
      : { label: 'accepted', events: accepted };
  const sum = terms.reduce((total, { events }) => total + events, 0);
  return { left, terms, sum, difference: left.events - sum };
}

/** Events that are accepted and not in their place yet. */
export function onTheWay({ unread, inFlight }: Accounts): number {
  return (unread ?? 0) + inFlight;
}

/** How long the oldest event has waited that is still on its way, milliseconds; 0 when none waits. */
export function behindMs({ unreadSince, inFlightSince }: Accounts, nowMs: number): number {
  const since = [unreadSince, inFlightSince].filter((each) => each !== null).map(Date.parse);
  return since.length === 0 ? 0 : Math.max(0, nowMs - Math.min(...since));
}

/** What the demo sent of an entity, and what is counted of it. */
export interface Compared {
  readonly entity: string;
  readonly sent: number;
  readonly counted: number;
}

/** The comparison in all. */
export interface Comparison {
  readonly rows: readonly Compared[];
  readonly sent: number;
  readonly counted: number;
  readonly isExact: boolean;
}

/** Compares what was sent with what is counted, entity by entity. */
export function compare(
  sent: Readonly<Record<string, number>>,
  counted: ReadonlyMap<string, number>,
): Comparison {
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
