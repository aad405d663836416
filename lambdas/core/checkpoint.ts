// A shard's checkpoint: totals of its settled segments, moved forward so that a reader need not read all segments again.
import { hoursAfter, hoursWith, NO_HOURS, type RecentHours } from './hour-accounts.ts';
import type { Head } from './segment.ts';
import {
  addPlaces,
  type EmittedPlaces,
  emittedPlaces,
  isGivenUp,
  NOWHERE,
  type SegmentEntry,
} from './segment-entry.ts';

export interface Checkpoint {
  /** Every segment up to this one is either in `settled` or in `open`. */
  readonly through: number;
  /** Segments up to `through` with a part that is neither counted nor discarded, ascending. */
  readonly open: readonly number[];
  /** Where the events of the settled segments are. */
  readonly settled: EmittedPlaces;
  /** The settled segments by hour of arrival; undefined in a checkpoint written before hours were kept. */
  readonly hours: RecentHours | undefined;
  /** Incremented with every change, so that concurrent writers of one checkpoint detect each other. */
  readonly revision: number;
}

/** Limit on open segments in a checkpoint; it does not move past more. */
export const OPEN_SEGMENTS_MAX = 1_000;

/** The checkpoint of a shard that was never summed. */
export const EMPTY_CHECKPOINT: Checkpoint = {
  through: 0,
  open: [],
  settled: NOWHERE,
  hours: NO_HOURS,
  revision: 0,
};

/** The last segment of a shard whose entry must exist; 0 when there is none. */
export function lastEntered(head: Head | undefined): number {
  if (head === undefined) return 0;
  return head.status === 'planned' ? head.segment - 1 : head.segment;
}

/**
 * Moves the checkpoint forward.
 * @param reopened the entries of `checkpoint.open`, as they are now
 * @param following the entries after `checkpoint.through`, ascending and contiguous
 * @returns the new checkpoint, or the same object when nothing changed
 */
export function moveForward(
  checkpoint: Checkpoint,
  reopened: readonly SegmentEntry[],
  following: readonly SegmentEntry[],
): Checkpoint {
  const open: number[] = [];
  const settling: SegmentEntry[] = [];
  let { through } = checkpoint;
  const take = (entry: SegmentEntry) => {
    if (isGivenUp(entry)) settling.push(entry);
    else open.push(entry.segment);
  };
  const entries = new Map(reopened.map((entry) => [entry.segment, entry]));
  for (const segment of checkpoint.open) {
    const entry = entries.get(segment);
    // Without its entry, a segment's state is unknown: it stays open, and the audit names it.
    if (entry === undefined) open.push(segment);
    else take(entry);
  }
  for (const entry of following) {
    if (entry.segment !== through + 1 || (open.length >= OPEN_SEGMENTS_MAX && !isGivenUp(entry))) break;
    take(entry);
    through = entry.segment;
  }
  if (through === checkpoint.through && open.length === checkpoint.open.length) return checkpoint;
  const [next] = following;
  // Without hours in the checkpoint, they begin after its last arrival, if that is known.
  const hours = checkpoint.hours ?? (next && hoursAfter(next.runMaxBeforeMs));
  return {
    through,
    open,
    settled: settling.map(emittedPlaces).reduce(addPlaces, checkpoint.settled),
    hours: hours && hoursWith(hours, settling),
    revision: checkpoint.revision + 1,
  };
}

/** Where all emitted events of a shard are: from the checkpoint, and the entries that are open or beyond it. */
export function placesNow(checkpoint: Checkpoint, unsettled: readonly SegmentEntry[]): EmittedPlaces {
  return unsettled.map(emittedPlaces).reduce(addPlaces, checkpoint.settled);
}
