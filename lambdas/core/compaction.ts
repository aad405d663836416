// Compaction: which segments each level has in its blocks, what the next epoch takes, and when a level is due.
import type { ShardKey } from './identifiers.ts';
import { cellStartMs, type Level, type Retentions, UPPER_LEVELS, type UpperLevel } from './level.ts';
import { isGivenUp, type SegmentEntry } from './segment-entry.ts';

/** A segment by shard and number, and where its deltas are stored. */
export interface SegmentPlace {
  readonly shard: ShardKey;
  readonly segment: number;
  /** The running maximum of arrivals, epoch milliseconds: deltas are stored in this order. */
  readonly runMaxMs: number;
  /** Nothing in it arrived before this, epoch milliseconds. */
  readonly sinceMs: number;
}

/** The segments that are in the blocks of a level. */
export interface Coverage {
  /** By shard: every segment up to this one, but for those in `open`. */
  readonly through: Readonly<Record<string, number>>;
  /** Segments up to `through` that were not settled when it moved past them. */
  readonly open: readonly SegmentPlace[];
  /** Nothing in segments beyond `through` arrived (as a running maximum) before this, and their deltas are stored at it or later; epoch milliseconds. */
  readonly floorMs: number;
}

/** The next epoch of a level, frozen before anything of it is written. */
export interface CompactionPlan {
  /** What the level covers when the epoch is done. */
  readonly covers: Coverage;
  /** Largest block, in bytes of `rowBytes`. */
  readonly blockBytes: number;
  /** Hash ranges of this many bits are worked on one after the other. */
  readonly slotBits: number;
  /** The instant that decides which blocks may be gone, epoch milliseconds. */
  readonly plannedAtMs: number;
  /** How long the blocks of each level are kept. */
  readonly retentions: Retentions;
  /** How many entries of the register of deletions apply. */
  readonly deletions: number;
  /** Of the hours: for each upper level, the instant before which rows are put aside as late. */
  readonly closedBeforeMs: Readonly<Record<UpperLevel, number>>;
  /** The hours' epoch up to which this one goes: its own, or of an upper level the last one that was done. */
  readonly hourEpoch: number;
  /** Events in all epochs of the hours up to that one. */
  readonly events: number;
}

/** How far the compaction of one level is. */
export interface LevelHead {
  /** The last epoch that is done; 0: none. */
  readonly epoch: number;
  /** What the blocks cover as of `epoch`. */
  readonly covers: Coverage;
  /** The hours' epoch up to which `covers` goes. */
  readonly hourEpoch: number;
  /** Events in all epochs of the hours up to that one. */
  readonly events: number;
  /** Rows before this are in the blocks or in late items, epoch milliseconds. Of the hours: 0, since nothing is put aside. */
  readonly closedBeforeMs: number;
  /** When the last epoch was planned, epoch milliseconds; 0: never. */
  readonly plannedAtMs: number;
  /** Write units that the last epoch took, by which the next one is timed. */
  readonly writeUnits: number;
  /** The plan of epoch + 1, which is under way; undefined: none is. */
  readonly plan: CompactionPlan | undefined;
}

/** Rows put aside for an upper level. */
export interface LateRows {
  /** The last hours' epoch that put any aside; 0: none. */
  readonly epoch: number;
  /** About how many bytes of them the level doesn't have yet. */
  readonly bytes: number;
}

/** The state of all levels, in one item: what is read together was true at one moment. */
export interface CompactionState extends Readonly<Record<Level, LevelHead>> {
  /** What the next epoch of the hours puts aside for each upper level. */
  readonly closing: Readonly<Record<UpperLevel, number>>;
  readonly late: Readonly<Record<UpperLevel, LateRows>>;
  /** Entries of the register of deletions. */
  readonly deletions: number;
  /** Numbers of those whose blocks are not rewritten yet. */
  readonly deleting: readonly number[];
  /** Lengths of the hash ranges that deltas may be stored under. */
  readonly rangeBits: readonly number[];
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
};

/** Whether a coverage has a segment. */
export function isCovered({ through, open }: Coverage, shard: ShardKey, segment: number): boolean {
  return (
    segment <= (through[shard] ?? 0) && !open.some((one) => one.shard === shard && one.segment === segment)
  );
}

/** The arrival time before which a coverage has everything, epoch milliseconds. */
export function coveredBeforeMs({ open, floorMs }: Coverage): number {
  return Math.min(floorMs, ...open.map(({ sinceMs }) => sinceMs));
}

/** The segments that one coverage has beyond an earlier one: a run by shard, and earlier open ones. */
export interface SegmentRuns {
  /** Half-open from the left: after `after`, up to `through`. */
  readonly runs: readonly { readonly shard: ShardKey; readonly after: number; readonly through: number }[];
  readonly reopened: readonly SegmentPlace[];
}

/** What an epoch takes: everything that `covers` has and `covered` has not. Segments still open are within the runs. */
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

/** Most segments that a level steps over; with more, it stops before the next. Readers look each one up by itself. */
export const OPEN_SEGMENTS_MAX = 100;

/** A segment is stepped over when its last arrival is this long ago: before, its parts are most likely on their way. */
const STEP_OVER_AFTER_MS = 300_000;

/** What a shard has beyond a coverage: entries in order, without holes. */
export interface ShardEntries {
  readonly shard: ShardKey;
  readonly entries: readonly SegmentEntry[];
}

/** Whether nothing of a segment is still on its way: each part is counted, or given up. */
function isSettledForStore(entry: SegmentEntry): boolean {
  return isGivenUp(entry);
}

/**
 * Works out what the hours cover next. The floor is the caller's to work out, from what this covers.
 * @param reopened entries of the segments in `covered.open`, as far as there are any
 * @param following what each shard has after `covered.through`
 * @param eventsMax stop when an epoch has this many events, but take one segment of a shard at least
 */
export function nextCoverage(
  covered: Coverage,
  reopened: readonly { readonly shard: ShardKey; readonly entry: SegmentEntry }[],
  following: readonly ShardEntries[],
  nowMs: number,
  eventsMax: number,
  openMax = OPEN_SEGMENTS_MAX,
): Omit<Coverage, 'floorMs'> {
  const settled = new Set(
    reopened
      .filter(({ entry }) => isSettledForStore(entry))
      .map(({ shard, entry }) => `${shard} ${entry.segment}`),
  );
  const open = covered.open.filter(({ shard, segment }) => !settled.has(`${shard} ${segment}`));
  const through: Record<string, number> = { ...covered.through };
  const shareMax = eventsMax / Math.max(1, following.length);
  for (const { shard, entries } of following) {
    let events = 0;
    for (const entry of entries) {
      if (entry.segment !== (through[shard] ?? 0) + 1) break;
      events += entry.accounts.emitted;
      if (events > shareMax && entry.segment > (covered.through[shard] ?? 0) + 1) break;
      if (!isSettledForStore(entry)) {
        if (open.length >= openMax || nowMs - entry.runMaxMs < STEP_OVER_AFTER_MS) break;
        open.push({ shard, segment: entry.segment, runMaxMs: entry.runMaxMs, sinceMs: entry.runMaxBeforeMs });
      }
      through[shard] = entry.segment;
    }
  }
  return { through, open };
}

/** Whether two coverages have the same segments. */
export function isSameCoverage(a: Omit<Coverage, 'floorMs'>, b: Omit<Coverage, 'floorMs'>): boolean {
  const shards = new Set([...Object.keys(a.through), ...Object.keys(b.through)]);
  for (const shard of shards) if ((a.through[shard] ?? 0) !== (b.through[shard] ?? 0)) return false;
  return (
    a.open.length === b.open.length &&
    a.open.every(({ shard, segment }) => b.open.some((one) => one.shard === shard && one.segment === segment))
  );
}

/** How often levels are compacted. */
export interface Cadence {
  /** The hours, at the latest. Milliseconds. */
  readonly hoursMs: number;
}

const HOURLY_MS = 3_600_000;
const DAILY_MS = 86_400_000;
const CLOSES_AFTER_MS = DAILY_MS;
/** The upper levels, at the latest, where a lot is written. */
const UPPER_INTERVALS_MS: Readonly<Record<UpperLevel, number>> = {
  days: HOURLY_MS,
  months: DAILY_MS,
  all: DAILY_MS,
};
/** Late rows of a hash range are read with every question: above this, an epoch costs less. */
const LATE_BYTES_MAX = 65_536;
/** Uncompacted deltas of a hash range are read with every question, too. */
const DELTA_BYTES_MAX = 65_536;
/** An upper level is compacted before its time if that costs at most this many write units for each new event. */
const UNITS_PER_EVENT_MAX = 0.005;

/**
 * What a question reads of uncompacted deltas, at most, if these are all that it finds: those under the whole range of hashes in
 * full, of the others a share.
 */
export function bytesToRead(entries: readonly SegmentEntry[]): number {
  return entries.reduce(
    (sum, { parts, deltaBytes }) => sum + deltaBytes / 2 ** (parts[0]?.range.length ?? 0),
    0,
  );
}

/** Whether the hours are due. @param unreadBytes `bytesToRead` of everything that they don't cover yet */
export function areHoursDue(
  { hours }: CompactionState,
  unreadBytes: number,
  nowMs: number,
  { hoursMs }: Cadence,
): boolean {
  return unreadBytes > DELTA_BYTES_MAX || nowMs - hours.plannedAtMs >= hoursMs;
}

/**
 * Whether an upper level is due: there is something new, and a period or its time is over, much is late, or an epoch costs next
 * to nothing. With nothing new it still closes what has passed, once a day: finer blocks expire where nothing happens, too.
 */
export function isUpperDue(
  state: CompactionState,
  level: UpperLevel,
  slotBits: number,
  nowMs: number,
): boolean {
  const head = state[level];
  if (state.hours.epoch === 0) return false;
  const closesMs = closesBeforeMs(level, state, nowMs);
  if (head.hourEpoch >= state.hours.epoch)
    return closesMs > head.closedBeforeMs && nowMs - head.plannedAtMs >= DAILY_MS;
  return (
    head.epoch === 0 ||
    nowMs - head.plannedAtMs >= UPPER_INTERVALS_MS[level] ||
    (closesMs > head.closedBeforeMs && level !== 'all') ||
    state.late[level].bytes > LATE_BYTES_MAX * 2 ** slotBits ||
    head.writeUnits <= UNITS_PER_EVENT_MAX * (state.hours.events - head.events)
  );
}

/**
 * The instant before which an upper level answers once it covers what the hours cover; epoch milliseconds. Any would be right,
 * since rows before it that come afterwards are put aside. It is where few still come: everything up to the floor has, and after
 * `CLOSES_AFTER_MS` nobody waits any longer, or the hours' blocks would expire before another level answers for them.
 */
export function closesBeforeMs(
  level: UpperLevel,
  { hours, closing }: CompactionState,
  nowMs: number,
): number {
  const passedMs = Math.max(hours.covers.floorMs, nowMs - CLOSES_AFTER_MS);
  return Math.max(closing[level], cellStartMs(level, passedMs));
}

/** For each upper level, by its name. */
export function forUpperLevels<Value>(of: (level: UpperLevel) => Value): Record<UpperLevel, Value> {
  return Object.fromEntries(UPPER_LEVELS.map((level) => [level, of(level)])) as Record<UpperLevel, Value>;
}
