// Compaction: which segments each level's blocks contain, what the next epoch takes, and when a level is due.
import type { ShardKey } from './identifiers.ts';
import { cellStartMs, type Level, type Retentions, UPPER_LEVELS, type UpperLevel } from './level.ts';
import { isGivenUp, type SegmentEntry } from './segment-entry.ts';
import { DAY_MS, HOUR_MS } from './time.ts';

/** A segment, and where its deltas are stored. */
export interface SegmentPlace {
  readonly shard: ShardKey;
  readonly segment: number;
  /** The running maximum of arrivals, epoch milliseconds: the order in which deltas are stored. */
  readonly runMaxMs: number;
  /** No record in it arrived before this, epoch milliseconds. */
  readonly sinceMs: number;
}

/** The segments that a level's blocks contain. */
export interface CoveredSegments {
  /** By shard: every segment up to this one, except those in `open`. */
  readonly through: Readonly<Record<string, number>>;
  /** Segments up to `through` that were not settled when `through` moved past them. */
  readonly open: readonly SegmentPlace[];
}

/** The same, with what is known of all other segments. */
export interface Coverage extends CoveredSegments {
  /** Lower bound for segments beyond `through`: their running maximum of arrivals, and the key of their deltas, are at least this; epoch milliseconds. */
  readonly floorMs: number;
  /** No event that happened before this is in any other segment, epoch milliseconds; 0 or absent: unknown. */
  readonly acceptedFromMs?: number;
}

/** The next epoch of a level, frozen before any of it is written. */
export interface CompactionPlan {
  /** What the level covers after this epoch. */
  readonly covers: Coverage;
  /** Maximum size of a block, in bytes of `rowBytes`. */
  readonly blockBytes: number;
  /** The work is split into hash ranges of this many bits, done one by one. */
  readonly slotBits: number;
  /** The instant that decides which blocks have expired, epoch milliseconds. */
  readonly plannedAtMs: number;
  /** The retention of each level's blocks. */
  readonly retentions: Retentions;
  /** How many entries of the deletion register apply. */
  readonly deletions: number;
  /** Used by the hours: for each upper level, the instant before which rows are set aside as late. */
  readonly closedBeforeMs: Readonly<Record<UpperLevel, number>>;
  /** For the hours, this epoch; for an upper level, the last finished epoch of the hours, whose blocks it merges. */
  readonly hourEpoch: number;
  /** Events in all epochs of the hours up to `hourEpoch`. */
  readonly events: number;
}

/** The compaction state of one level. */
export interface LevelHead {
  /** The last finished epoch; 0: none. */
  readonly epoch: number;
  /** What the blocks cover after `epoch`. */
  readonly covers: Coverage;
  /** The epoch of the hours up to which `covers` reaches. */
  readonly hourEpoch: number;
  /** Events in all epochs of the hours up to `hourEpoch`. */
  readonly events: number;
  /** Rows before this are in blocks or late items, epoch milliseconds. Always 0 for the hours, which set nothing aside. */
  readonly closedBeforeMs: number;
  /** When the last epoch was planned, epoch milliseconds; 0: never. */
  readonly plannedAtMs: number;
  /** Write units that the last epoch consumed; the next one is scheduled by them. */
  readonly writeUnits: number;
  /** The plan of `epoch + 1`, in progress; undefined: none. */
  readonly plan: CompactionPlan | undefined;
}

/** Rows set aside for an upper level. */
export interface LateRows {
  /** The last epoch of the hours that set any aside; 0: none. */
  readonly epoch: number;
  /** Approximate bytes of late rows that the level has not merged yet; outdated once it has merged that epoch. */
  readonly bytes: number;
}

/** The state of all levels in one item, so that a read is consistent. */
export interface CompactionState extends Readonly<Record<Level, LevelHead>> {
  /** For each upper level, the instant before which the next epoch of the hours sets rows aside. */
  readonly closing: Readonly<Record<UpperLevel, number>>;
  readonly late: Readonly<Record<UpperLevel, LateRows>>;
  /** Number of entries in the deletion register. */
  readonly deletions: number;
  /** Numbers of the entries whose blocks are not rewritten yet. */
  readonly deleting: readonly number[];
  /** Lengths of the hash ranges in use for deltas. */
  readonly rangeBits: readonly number[];
  /** Before this nothing was stored, epoch milliseconds. */
  readonly sinceMs: number;
}

const NOTHING: Coverage = { through: {}, open: [], floorMs: 0 };

const UNTOUCHED: LevelHead = {
  epoch: 0,
  covers: NOTHING,
  hourEpoch: 0,
  events: 0,
  closedBeforeMs: 0,
  plannedAtMs: 0,
  writeUnits: 0,
  plan: undefined,
};

/** The state before anything was compacted. */
export const INITIAL_STATE: CompactionState = {
  hours: UNTOUCHED,
  days: UNTOUCHED,
  months: UNTOUCHED,
  all: UNTOUCHED,
  closing: { days: 0, months: 0, all: 0 },
  late: { days: { epoch: 0, bytes: 0 }, months: { epoch: 0, bytes: 0 }, all: { epoch: 0, bytes: 0 } },
  deletions: 0,
  deleting: [],
  rangeBits: [0],
  sinceMs: 0,
};

/** Whether a coverage contains a segment. */
export function isCovered({ through, open }: CoveredSegments, shard: ShardKey, segment: number): boolean {
  return (
    segment <= (through[shard] ?? 0) && !open.some((one) => one.shard === shard && one.segment === segment)
  );
}

/** The arrival time before which a coverage is complete, epoch milliseconds. */
export function coveredBeforeMs({ open, floorMs }: Coverage): number {
  return Math.min(floorMs, ...open.map(({ sinceMs }) => sinceMs));
}

/** The segments that a coverage adds to an earlier one: a run for each shard, and segments that were open. */
export interface SegmentRuns {
  /** Greater than `after`, up to and including `through`. */
  readonly runs: readonly { readonly shard: ShardKey; readonly after: number; readonly through: number }[];
  readonly reopened: readonly SegmentPlace[];
}

/** What an epoch takes: everything in `covers` that is not in `covered`. The runs include segments that are still open. */
export function runsBetween(covered: Coverage, covers: Coverage): SegmentRuns {
  const runs = Object.entries(covers.through).map(([shard, through]) => ({
    shard: shard as ShardKey,
    after: covered.through[shard] ?? 0,
    through,
  }));
  return {
    runs: runs.filter(({ after, through }) => through > after),
    reopened: covered.open.filter(({ shard, segment }) => isCovered(covers, shard, segment)),
  };
}

/** Limit on open segments in a coverage; it stops before one more. Readers look each of them up. */
export const OPEN_SEGMENTS_MAX = 100;

/** An unsettled segment is left open once its last arrival is this old: until then its parts are probably on their way. */
const STEP_OVER_AFTER_MS = 300_000;

/** A shard's entries beyond a coverage, in order and contiguous. */
export interface ShardEntries {
  readonly shard: ShardKey;
  readonly entries: readonly SegmentEntry[];
}

/**
 * Computes what the hours cover next. The caller computes the floor from it.
 * @param reopened entries of the segments in `covered.open`, where they exist
 * @param following what each shard has after `covered.through`
 * @param eventsMax stop when an epoch has this many events, but take at least one segment of a shard
 */
export function nextCoverage(
  covered: Coverage,
  reopened: readonly { readonly shard: ShardKey; readonly entry: SegmentEntry }[],
  following: readonly ShardEntries[],
  nowMs: number,
  eventsMax: number,
  openMax = OPEN_SEGMENTS_MAX,
): CoveredSegments {
  const settled = new Set(
    reopened.filter(({ entry }) => isGivenUp(entry)).map(({ shard, entry }) => `${shard} ${entry.segment}`),
  );
  const open = covered.open.filter(({ shard, segment }) => !settled.has(`${shard} ${segment}`));
  const through: Record<string, number> = { ...covered.through };
  const waiting = following.filter(({ entries }) => entries.length > 0).length;
  const shareMax = eventsMax / Math.max(1, waiting);
  for (const { shard, entries } of following) {
    let events = 0;
    for (const entry of entries) {
      if (entry.segment !== (through[shard] ?? 0) + 1) break;
      events += entry.accounts.emitted;
      if (events > shareMax && entry.segment > (covered.through[shard] ?? 0) + 1) break;
      if (!isGivenUp(entry)) {
        if (open.length >= openMax || nowMs - entry.runMaxMs < STEP_OVER_AFTER_MS) break;
        open.push({ shard, segment: entry.segment, runMaxMs: entry.runMaxMs, sinceMs: entry.runMaxBeforeMs });
      }
      through[shard] = entry.segment;
    }
  }
  return { through, open };
}

/** Whether two coverages contain the same segments. */
export function isSameCoverage(a: CoveredSegments, b: CoveredSegments): boolean {
  const shards = new Set([...Object.keys(a.through), ...Object.keys(b.through)]);
  for (const shard of shards) if ((a.through[shard] ?? 0) !== (b.through[shard] ?? 0)) return false;
  return (
    a.open.length === b.open.length &&
    a.open.every(({ shard, segment }) => b.open.some((one) => one.shard === shard && one.segment === segment))
  );
}

/** How often levels are compacted. */
export interface Cadence {
  /** Longest interval for the hours, milliseconds. */
  readonly hoursMs: number;
}

/** Longest wait before a period is closed. */
const CLOSES_AFTER_MS = DAY_MS;
/** Longest intervals for the upper levels under heavy writes. */
const UPPER_INTERVALS_MS: Readonly<Record<UpperLevel, number>> = {
  days: HOUR_MS,
  months: DAY_MS,
  all: DAY_MS,
};
/** Every query reads a hash range's late rows: above this size, an epoch is cheaper. */
const LATE_BYTES_MAX = 65_536;
/** Every query reads a hash range's uncompacted deltas, too. */
const DELTA_BYTES_MAX = 65_536;
/** An upper level is compacted early if that costs at most this many write units per new event. */
const UNITS_PER_EVENT_MAX = 0.005;

/**
 * Upper bound on the bytes of uncompacted deltas that a query reads: deltas of the whole hash range in full, a share of
 * the others.
 */
export function bytesToRead(entries: readonly SegmentEntry[]): number {
  return entries.reduce(
    (sum, { parts, deltaBytes }) => sum + deltaBytes / 2 ** (parts[0]?.range.length ?? 0),
    0,
  );
}

/** Whether the hours are due. @param unreadBytes `bytesToRead` of everything they do not cover yet */
export function areHoursDue(
  { hours }: CompactionState,
  unreadBytes: number,
  nowMs: number,
  { hoursMs }: Cadence,
): boolean {
  return unreadBytes > DELTA_BYTES_MAX || nowMs - hours.plannedAtMs >= hoursMs;
}

/**
 * Whether an upper level is due: it has new data, and its period or interval is over, many rows are late, or an epoch is nearly
 * free. Without new data it still closes past periods once a day, since finer blocks expire on idle stacks too.
 */
export function isUpperDue(
  state: CompactionState,
  level: UpperLevel,
  slotBits: number,
  nowMs: number,
  eventsMax: number,
): boolean {
  const [head, late] = [state[level], state.late[level]];
  if (state.hours.epoch === 0) return false;
  const closesMs = closesBeforeMs(level, state, nowMs);
  if (head.hourEpoch >= state.hours.epoch)
    return closesMs > head.closedBeforeMs && nowMs - head.plannedAtMs >= DAY_MS;
  return (
    head.epoch === 0 ||
    state.hours.events - head.events >= eventsMax ||
    nowMs - head.plannedAtMs >= UPPER_INTERVALS_MS[level] ||
    (closesMs > head.closedBeforeMs && level !== 'all') ||
    (late.epoch > head.hourEpoch && late.bytes > LATE_BYTES_MAX * 2 ** slotBits) ||
    head.writeUnits <= UNITS_PER_EVENT_MAX * (state.hours.events - head.events)
  );
}

/**
 * The instant before which an upper level answers once it covers what the hours cover; epoch milliseconds. Any instant is
 * correct, since earlier rows that arrive later are set aside. This one keeps such rows rare: everything up to the floor has
 * arrived, and `CLOSES_AFTER_MS` bounds the wait, or the hours' blocks would expire before another level answers for them.
 */
export function closesBeforeMs(
  level: UpperLevel,
  { hours, closing }: CompactionState,
  nowMs: number,
): number {
  const passedMs = Math.max(hours.covers.floorMs, nowMs - CLOSES_AFTER_MS);
  return Math.max(closing[level], cellStartMs(level, passedMs));
}

/** Builds a record with a value for each upper level. */
export function forUpperLevels<Value>(of: (level: UpperLevel) => Value): Record<UpperLevel, Value> {
  return Object.fromEntries(UPPER_LEVELS.map((level) => [level, of(level)])) as Record<UpperLevel, Value>;
}
