// A shard's books: the sums of its settled segments, moved forward so that nobody has to read all segments again.
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
  /** Grows by one with every change, so that two keepers of the same books notice each other. */
  readonly revision: number;
}

/** Most open segments that the books step over; with more, they stay where they are. */
export const OPEN_SEGMENTS_MAX = 1_000;

/** The books of a shard nobody has looked at. */
export const EMPTY_BOOKS: Books = { through: 0, open: [], settled: NOWHERE, revision: 0 };

/** The last segment of a shard of which an entry must exist; 0 when there is none. */
export function lastEntered(head: Head | undefined): number {
  if (head === undefined) return 0;
  return head.status === 'sent' ? head.segment : head.segment - 1;
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
  let { through, settled } = books;
  const take = (entry: SegmentEntry) => {
    if (isSettled(entry)) settled = addPlaces(settled, emittedPlaces(entry));
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
  return { through, open, settled, revision: books.revision + 1 };
}

/** Where all emitted events of a shard are: the books, and the entries that they leave open or have not reached. */
export function placesNow(books: Books, unsettled: readonly SegmentEntry[]): EmittedPlaces {
  return unsettled.map(emittedPlaces).reduce(addPlaces, books.settled);
}
