// What the ledger keeps of a segment after its plan: its accounts, its parts, and where each part is now.

import { type Accounts, lostAccounts } from './accounts.ts';
import type { HashRange } from './hash-range.ts';
import type { SequenceNumber } from './identifiers.ts';
import type { SegmentOutput } from './rollup.ts';
import type { Head, RollupConfig } from './segment.ts';

/** An item that the ledger must have is not there: a segment, or its ids, that the dedup window needs. */
export class MissingLedgerItem extends Error {
  override readonly name = 'MissingLedgerItem';
}

/** Where a part's events are. Each part is in exactly one of these places, whatever was reported in which order. */
export type PartPlace = 'counted' | 'lost' | 'parked' | 'dead' | 'in-flight';

/** What the ledger keeps of a part. */
export interface PartSummary {
  /** Events in its rows. */
  readonly events: number;
  /** The hash range that its delta is stored under. */
  readonly range: HashRange;
}

/** A segment's item in the ledger. Small, because acknowledgements update it. */
export interface SegmentEntry {
  readonly segment: number;
  readonly first: SequenceNumber;
  readonly last: SequenceNumber;
  readonly records: number;
  /** What the segment was rolled up with, so that the audit can do it again. */
  readonly config: RollupConfig;
  readonly version: number;
  /** True when the stream trimmed the segment's records before all of its parts were known to be sent. */
  readonly lost: boolean;
  readonly accounts: Accounts;
  readonly parts: readonly PartSummary[];
  /** Digest of the segment's output; empty when it was lost before it had any. */
  readonly digest: string;
  /** Digest of the segment's raw records in the archive; undefined when they were not archived. */
  readonly raw?: string | undefined;
  /** Bytes of packed ids, in the entry or beside it. */
  readonly idBytes: number;
  /** Packed ids, where they are few. */
  readonly ids?: Uint8Array | undefined;
  /** About how many bytes its deltas take. */
  readonly deltaBytes: number;
  readonly minArrivalMs: number;
  /** The running maximum of arrivals before this segment, 0 for a shard's first; epoch milliseconds. */
  readonly runMaxBeforeMs: number;
  /** The same, this segment included. */
  readonly runMaxMs: number;
  /** Parts whose deltas are stored. */
  readonly acked: ReadonlySet<number>;
  /** Parts last seen in the dead-letter queue. */
  readonly dead: ReadonlySet<number>;
  /** Parts last seen in the archive, waiting for a replay by hand. */
  readonly parked: ReadonlySet<number>;
  /** Parts that an operator gave up for good; they count as lost unless a copy of them is counted after all. */
  readonly discarded: ReadonlySet<number>;
  /** Events of acknowledged parts that came after the retention of minutes, by part: their rows are kept in the archive, too. */
  readonly expired: Readonly<Record<number, number>>;
}

/** What a dedup window needs of an entry. */
export type WindowEntry = Pick<SegmentEntry, 'segment' | 'runMaxMs' | 'runMaxBeforeMs' | 'idBytes' | 'ids'>;

/** Up to this size ids are in the entry: an item of their own would cost a write unit. Acknowledgements write the entry again. */
export const INLINE_IDS_BYTES = 128;

/**
 * The entry of a segment that was rolled up.
 * @param deltaBytes what its deltas take, compressed
 * @param raw digest of its raw records, if they are archived
 */
export function emittedEntry(
  head: Head,
  output: SegmentOutput,
  deltaBytes: number,
  raw?: string | undefined,
): SegmentEntry {
  return {
    ...frame(head),
    lost: false,
    accounts: output.accounts,
    parts: output.cut.map(({ events, range }) => ({ events, range })),
    digest: output.digest,
    ...(raw !== undefined && { raw }),
    idBytes: output.ids.byteLength,
    ...(output.ids.byteLength <= INLINE_IDS_BYTES && { ids: output.ids }),
    deltaBytes,
  };
}

/** The entry of a segment whose records were trimmed before anything of it was sent. */
export function lostEntry(head: Head): SegmentEntry {
  return {
    ...frame(head),
    lost: true,
    accounts: lostAccounts(head.events ?? head.records),
    parts: [],
    digest: '',
    idBytes: 0,
    deltaBytes: 0,
  };
}

function frame(head: Head) {
  const { segment, first, last, records, config, version, minArrivalMs, runMaxBeforeMs, runMaxMs } = head;
  const nowhere = {
    acked: new Set<number>(),
    dead: new Set<number>(),
    parked: new Set<number>(),
    discarded: new Set<number>(),
    expired: {},
  };
  const range = { segment, first, last, records, config, version };
  return { ...range, minArrivalMs, runMaxBeforeMs, runMaxMs, ...nowhere };
}

/** Where a part is. An acknowledgement outweighs everything: a copy of a counted part may still lie anywhere. */
export function partPlace(entry: SegmentEntry, part: number): PartPlace {
  if (entry.acked.has(part)) return 'counted';
  if (entry.lost || entry.discarded.has(part)) return 'lost';
  if (entry.parked.has(part)) return 'parked';
  return entry.dead.has(part) ? 'dead' : 'in-flight';
}

/**
 * Whether nothing more can happen to the segment: every part is counted. A lost segment that had parts stays unsettled,
 * since a message of its may still arrive; one that never had any is settled at once.
 */
export function isSettled(entry: SegmentEntry): boolean {
  return entry.parts.every((_, part) => entry.acked.has(part));
}

/** Whether nothing of the segment is waited for any more: every part is counted, or was given up by an operator. */
export function isGivenUp(entry: SegmentEntry): boolean {
  return entry.parts.every((_, part) => entry.acked.has(part) || entry.discarded.has(part));
}

/** What an acknowledgement changed. */
export interface NewlyCounted {
  /** Parts that nobody had acknowledged before. */
  readonly parts: number;
  /** Events of these parts, less those that came after the retention of minutes. */
  readonly events: number;
  /** When the oldest record of the segment arrived, epoch milliseconds. */
  readonly oldestArrivalMs: number;
}

/** What acknowledging some parts of a segment has changed, told by its entry as it was before. */
export function newlyCounted(before: SegmentEntry, acknowledged: readonly number[]): NewlyCounted {
  const parts = acknowledged.filter((part) => !before.acked.has(part));
  const events = parts.reduce(
    (sum, part) => sum + (before.parts[part]?.events ?? 0) - (before.expired[part] ?? 0),
    0,
  );
  return { parts: parts.length, events, oldestArrivalMs: before.minArrivalMs };
}

/** Where the events are that a segment emitted. */
export interface EmittedPlaces {
  readonly counted: number;
  readonly expired: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly parked: number;
  readonly lost: number;
}

/** Nothing, anywhere. */
export const NOWHERE: EmittedPlaces = { counted: 0, expired: 0, inFlight: 0, dead: 0, parked: 0, lost: 0 };

/** Sorts a segment's emitted events by where they are; the places add up to `accounts.emitted` and `accounts.lost`. */
export function emittedPlaces(entry: SegmentEntry): EmittedPlaces {
  const places = { ...NOWHERE, lost: entry.accounts.lost };
  for (const [part, { events }] of entry.parts.entries()) {
    const place = partPlace(entry, part);
    if (place === 'counted') {
      const expired = entry.expired[part] ?? 0;
      places.counted += events - expired;
      places.expired += expired;
    } else if (place === 'in-flight') places.inFlight += events;
    else places[place] += events;
  }
  return places;
}

/** Adds places, column by column. */
export function addPlaces(a: EmittedPlaces, b: EmittedPlaces): EmittedPlaces {
  return {
    counted: a.counted + b.counted,
    expired: a.expired + b.expired,
    inFlight: a.inFlight + b.inFlight,
    dead: a.dead + b.dead,
    parked: a.parked + b.parked,
    lost: a.lost + b.lost,
  };
}
