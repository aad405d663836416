// How far the levels got along a shard's segments: what the compactor has looked at, and what it has to look at again.
import type { Head } from './segment.ts';
import { isSettled, type SegmentEntry } from './segment-entry.ts';

/** A segment that was not settled when a level looked at it. */
export interface OpenSegment {
  readonly segment: number;
  /** How many of its parts the level holds. */
  readonly held: number;
}

/** How far one level got along one shard. */
export interface LevelCursor {
  /** The level holds what every segment up to this one had applied when it was looked at. */
  readonly through: number;
  /** Segments up to `through` that were not settled then: they are looked at again when more of them is counted. Ascending. */
  readonly open: readonly OpenSegment[];
  /** The last interval of the schedule that the shard is through with. */
  readonly interval: number;
  /** Grows by one with every change, so that two compactors notice each other. */
  readonly revision: number;
  /** A step that is not whole yet. It says nothing of what the level holds: the cursor moves when all of it is recomputed. */
  readonly pending?: PendingStep;
}

/** Most open segments that a level steps over; with more, it waits. */
export const OPEN_SEGMENTS_MAX = 1_000;

/** The cursor of a shard that nobody has looked at. */
export const START_CURSOR: LevelCursor = { through: 0, open: [], interval: 0, revision: 0 };

/** All of a segment: nothing can be added to it any more. */
export const ALL_PARTS = Number.POSITIVE_INFINITY;

/** Segments that a level takes up in one step: as they were when they were looked at first, whatever is counted meanwhile. */
export interface Step {
  /** Looked at for the first time, ascending, with the parts that the level then holds. */
  readonly taken: readonly OpenSegment[];
  /** Segments of the open list that were looked at again: the parts that the level then holds. */
  readonly again: readonly OpenSegment[];
  /** Up to where the step went, past entries that are gone as well. */
  readonly through: number;
  /** The interval that the shard is through with after this step, if it is. */
  readonly interval: number;
}

/** A step of which some items are recomputed, and others not: in `taken` only segments that were open. */
export interface PendingStep extends Step {
  /** Items whose hash is below this are recomputed (counting/sweep.ts). */
  readonly doneBelow: number;
  /** Segments whose touched counters were there when they were read last. */
  readonly readable: number;
}

/** The cursor after a step that is whole. */
export function advance({ pending: _, ...cursor }: LevelCursor, step: Step): LevelCursor {
  const held = new Map(step.again.map((one) => [one.segment, one.held]));
  const looked = cursor.open.map((one) => ({ ...one, held: held.get(one.segment) ?? one.held }));
  return {
    through: Math.max(cursor.through, step.through),
    open: [...looked, ...step.taken].filter(({ held }) => held !== ALL_PARTS),
    interval: Math.max(cursor.interval, step.interval),
    revision: cursor.revision + 1,
  };
}

/** The cursor when a step is done up to a hash: it is where it was. */
export function postpone(
  { pending: _, ...cursor }: LevelCursor,
  { taken, again, through, interval }: Step,
  doneBelow: number,
  readable: number,
): LevelCursor {
  const open = taken.filter(({ held }) => held !== ALL_PARTS);
  const pending = { taken: open, again, through, interval, doneBelow, readable };
  return { ...cursor, revision: cursor.revision + 1, pending };
}

/** A step that goes less far: what is done of all of it is done of a part of it. */
export function cutStep(
  { interval }: LevelCursor,
  { taken, again }: Step,
  through: number,
  looked: ReadonlySet<number>,
): Step {
  return {
    taken: taken.filter(({ segment }) => segment <= through),
    again: again.filter(({ segment }) => looked.has(segment)),
    through,
    interval,
  };
}

/**
 * Whether the days may take a segment up: when it is settled, or has been waiting for so long that it must not hold up
 * those that follow; it is then looked at again later.
 */
export function isDueForDays(entry: SegmentEntry, nowMs: number, patienceMs: number): boolean {
  return isSettled(entry) || entry.runMaxMs + patienceMs <= nowMs;
}

/** How many of a segment's parts the counter items hold. */
export function heldByCounters(entry: SegmentEntry): number {
  return isSettled(entry) ? ALL_PARTS : entry.acked.size;
}

/** How many of a segment's parts the days hold. */
export function heldByDays(segment: number, days: LevelCursor): number {
  if (segment > days.through) return 0;
  return days.open.find((open) => open.segment === segment)?.held ?? ALL_PARTS;
}

/**
 * The last segment of the longest prefix of which a level holds everything that is counted. Segments of which nothing is
 * waited for any more do not end it, as long as the level holds what was counted of them.
 * @param isOver whether nothing more of an open segment is waited for
 */
export function wholePrefix({ through, open }: LevelCursor, isOver: (open: OpenSegment) => boolean): number {
  const missing = open.find((one) => !isOver(one));
  return missing === undefined ? through : missing.segment - 1;
}

/** The running maximum of arrivals up to the last segment of which an entry must exist; 0 when there is none. */
export function enteredRunMaxMs(head: Head | undefined): number {
  if (head === undefined) return 0;
  return head.status === 'planned' ? head.runMaxBeforeMs : head.runMaxMs;
}
