// How far the levels got along a shard's segments: what the compactor has looked at, and what it has to look at again.
import type { Head } from './segment.ts';
import { isSettled, type SegmentEntry } from './segment-entry.ts';

/** How far one level got along one shard. */
export interface LevelCursor {
  /** The level holds what every segment up to this one had applied when it was looked at. */
  readonly through: number;
  /** Segments up to `through` that were not settled then: the level looks at them again once they are. Ascending. */
  readonly open: readonly number[];
  /** The last interval of the schedule that the shard is through with. */
  readonly interval: number;
  /** Grows by one with every change, so that two compactors notice each other. */
  readonly revision: number;
}

/** Most open segments that a level steps over; with more, it waits. */
export const OPEN_SEGMENTS_MAX = 1_000;

/** The cursor of a shard that nobody has looked at. */
export const START_CURSOR: LevelCursor = { through: 0, open: [], interval: 0, revision: 0 };

/** Segments that a level takes up in one step. */
export interface Step {
  /** Looked at for the first time, ascending; their entries say which are settled. */
  readonly taken: readonly { readonly segment: number; readonly settled: boolean }[];
  /** Segments of the open list that are settled by now. */
  readonly settled: ReadonlySet<number>;
  /** Up to where the step went, past entries that are gone as well. */
  readonly through: number;
  /** The interval that the shard is through with after this step, if it is. */
  readonly interval: number;
}

/** The cursor after a step. */
export function advance(cursor: LevelCursor, { taken, settled, through, interval }: Step): LevelCursor {
  const stillOpen = cursor.open.filter((segment) => !settled.has(segment));
  const opened = taken.filter((one) => !one.settled).map(({ segment }) => segment);
  return {
    through: Math.max(cursor.through, through),
    open: [...stillOpen, ...opened],
    interval: Math.max(cursor.interval, interval),
    revision: cursor.revision + 1,
  };
}

/**
 * Whether the days may take a segment up: when it is settled, or has been waiting for so long that it must not hold up
 * those that follow; it is then looked at a second time.
 */
export function isDueForDays(entry: SegmentEntry, nowMs: number, patienceMs: number): boolean {
  return isSettled(entry) || entry.runMaxMs + patienceMs <= nowMs;
}

/** Whether the days hold everything of a segment, so that the months need not look at it again. */
export function isSettledInDays(segment: number, days: LevelCursor): boolean {
  return segment <= days.through && !days.open.includes(segment);
}

/** The last segment of the longest prefix that a level holds whole, lost segments aside: those are named, not waited for. */
export function wholePrefix({ through, open }: LevelCursor, isLost: (segment: number) => boolean): number {
  const missing = open.find((segment) => !isLost(segment));
  return missing === undefined ? through : missing - 1;
}

/** The running maximum of arrivals up to the last segment of which an entry must exist; 0 when there is none. */
export function enteredRunMaxMs(head: Head | undefined): number {
  if (head === undefined) return 0;
  return head.status === 'sent' ? head.runMaxMs : head.runMaxBeforeMs;
}
