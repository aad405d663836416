// A shard's books: the sums of its settled segments, moved forward so that nobody has to read all segments again.
import { type HourBooks, hoursAfter, hoursWith, NO_HOURS } from './hour-books.ts';
import type { Head } from './segment.ts';
import {
  addPlaces,
  type EmittedPlaces,
  emittedPlaces,
  isSettled,
  NOWHERE,
  type SegmentEntry,
} from './segment-entry.ts';

/** The books of a shard. */
export interface Books {
  /** Every segment up to this one is either in `settled` or listed in `open`. */
  readonly through: number;
  /** Segments up to `through` of which a part is still missing, ascending. */
  readonly open: readonly number[];
  /** Where the events of the settled segments are. */
  readonly settled: EmittedPlaces;
  /** The settled segments by hour of arrival; undefined in books that were last kept by code that knew no hours. */
  readonly hours: HourBooks | undefined;
  /** Grows by one with every change, so that two keepers of the same books notice each other. */
  readonly revision: number;
}

/** Most open segments that the books step over; with more, they stay where they are. */
export const OPEN_SEGMENTS_MAX = 1_000;

/** The books of a shard nobody has looked at. */
export const EMPTY_BOOKS: Books = {
  through: 0,
  open: [],
  settled: NOWHERE,
  hours: NO_HOURS,
  revision: 0,
};

/** The last segment of a shard of which an entry must exist; 0 when there is none. */
export function lastEntered(head: Head | undefined): number {
  if (head === undefined) return 0;
  return head.status === 'planned' ? head.segment - 1 : head.segment;
}

/**
 * Moves books forward.
 * @param reopened the entries of `books.open`, as they are now
 * @param following the entries after `books.through`, ascending and without holes
 * @returns the new books, or the given ones when nothing changed
 */
export function moveForward(
  books: Books,
  reopened: readonly SegmentEntry[],
  following: readonly SegmentEntry[],
): Books {
  const open: number[] = [];
  const settling: SegmentEntry[] = [];
  let { through } = books;
  const take = (entry: SegmentEntry) => {
    if (isSettled(entry)) settling.push(entry);
    else open.push(entry.segment);
  };
  const entries = new Map(reopened.map((entry) => [entry.segment, entry]));
  for (const segment of books.open) {
    const entry = entries.get(segment);
    // Without its entry nothing is known of a segment: it stays open, and the audit names it.
    if (entry === undefined) open.push(segment);
    else take(entry);
  }
  for (const entry of following) {
    if (entry.segment !== through + 1 || (open.length >= OPEN_SEGMENTS_MAX && !isSettled(entry))) break;
    take(entry);
    through = entry.segment;
  }
  if (through === books.through && open.length === books.open.length) return books;
  const hours = hoursIn(books, following[0]?.runMaxBeforeMs);
  return {
    through,
    open,
    settled: settling.map(emittedPlaces).reduce(addPlaces, books.settled),
    hours: hours && hoursWith(hours, settling),
    revision: books.revision + 1,
  };
}

/** The hours of books; of books without any, those after the last arrival that they hold, if it is known. */
function hoursIn({ hours }: Books, runMaxMs: number | undefined): HourBooks | undefined {
  return hours ?? (runMaxMs === undefined ? undefined : hoursAfter(runMaxMs));
}

/** Where all emitted events of a shard are: the books, and the entries that they leave open or have not reached. */
export function placesNow(books: Books, unsettled: readonly SegmentEntry[]): EmittedPlaces {
  return unsettled.map(emittedPlaces).reduce(addPlaces, books.settled);
}

/** The last hours of a shard: as the books have them, and the entries that they leave open or have not reached. */
export function hoursNow(books: Books, head: Head, unsettled: readonly SegmentEntry[]): HourBooks {
  return hoursWith(books.hours ?? hoursAfter(head.runMaxMs), unsettled);
}
