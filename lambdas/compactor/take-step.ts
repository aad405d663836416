// What a level has to look at next on one shard: segments it has not seen, and open ones of which more is counted by now.
import type pLimit from 'p-limit';
import { lastEntered } from '../counting/books.ts';
import type { ShardKey } from '../counting/identifiers.ts';
import {
  ALL_PARTS,
  cutStep,
  enteredRunMaxMs,
  heldByCounters,
  heldByDays,
  isDueForDays,
  type LevelCursor,
  OPEN_SEGMENTS_MAX,
  type OpenSegment,
  type PendingStep,
  START_CURSOR,
  type Step,
} from '../counting/level-cursor.ts';
import type { CompactedLevel } from '../counting/levels.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import type { Sweep } from '../counting/sweep.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './compaction.ts';
import { TouchedLists } from './touched-lists.ts';

/** A pass over the segments that are due on all shards: what they touch is shown to one sweep. */
export interface Pass {
  readonly level: CompactedLevel;
  readonly sweep: Sweep;
  /** Whether there is time to look at more segments. Each shard looks at some in any case. */
  readonly mayGoOn: () => boolean;
  /** Lists of touched counters that are read at once. */
  readonly reading: ReturnType<typeof pLimit>;
  readonly ports: CompactorPorts;
  readonly settings: CompactorSettings;
  readonly report: CompactionReport;
}

/** One shard's part in a pass. */
export interface ShardStep {
  readonly shard: ShardKey;
  readonly cursor: LevelCursor;
  readonly step: Step;
  /** Segments of it whose touched counters were there. */
  readonly readable: number;
  /** No touched item of the step that is not done has a larger hash; -1 when there is none. */
  readonly lastHash: number;
  /** Whether another step may get further. */
  readonly more: boolean;
}

/** Which interval of a level's schedule is to be worked off now. */
export function currentInterval(level: CompactedLevel, nowMs: number, settings: CompactorSettings): number {
  return Math.floor((nowMs - settings.settleMs) / settings.intervalsMs[level]);
}

/**
 * Shows the next step of a level along a shard to the sweep: the one that is pending, or a new one.
 * @returns undefined when the shard is through with the current interval
 */
export async function takeStep(shard: ShardKey, pass: Pass): Promise<ShardStep | undefined> {
  const { level, ports, settings } = pass;
  const interval = currentInterval(level, ports.clock.nowMs(), settings);
  const cursor = await ports.progress.readCursor(shard, level);
  if (cursor.pending !== undefined) return goOn(shard, cursor, cursor.pending, interval, pass);
  return cursor.interval >= interval ? undefined : lookFirst(shard, cursor, interval, pass);
}

/** Shows the segments of a pending step once more. What is counted of them by now is the next step's business. */
async function goOn(
  shard: ShardKey,
  cursor: LevelCursor,
  pending: PendingStep,
  interval: number,
  { ports: { ledger, progress }, mayGoOn, sweep, reading, settings, report }: Pass,
): Promise<ShardStep> {
  const lists = new TouchedLists(shard, pending.doneBelow, settings.concurrency, progress, sweep, reading);
  const looked = new Set<number>();
  let { through } = cursor;
  let isCut = false;
  const reopened = pending.again.map(({ segment }) => segment);
  for (const entry of await ledger.readEntries(shard, reopened)) {
    looked.add(entry.segment);
    isCut = (await lists.show(entry)) && !mayGoOn();
    if (isCut) break;
  }
  for await (const entry of isCut ? [] : ledger.entriesUp(shard, cursor.through, pending.through)) {
    through = entry.segment;
    isCut = (await lists.show(entry)) && !mayGoOn();
    if (isCut) break;
  }
  await lists.showRest();
  const { readable, lastHash } = lists;
  // Gone since they were looked at first: nobody can tell any more what they touch. The oldest go first.
  const beyond = isCut ? pending.through - through + pending.again.length - looked.size : 0;
  report.missed += Math.max(0, pending.readable - readable - beyond);
  const step = isCut ? cutStep(cursor, pending, through, looked) : pending;
  return { shard, cursor, step, readable, lastHash, more: step.interval < interval };
}

/** Shows the segments that are due, and takes down how much of them is counted before any of it is recomputed. */
async function lookFirst(
  shard: ShardKey,
  cursor: LevelCursor,
  interval: number,
  { level, ports, mayGoOn, sweep, reading, settings, report }: Pass,
): Promise<ShardStep> {
  const { ledger, progress, clock } = ports;
  const lists = new TouchedLists(shard, 0, settings.concurrency, progress, sweep, reading);
  const days = level === 'months' ? await progress.readCursor(shard, 'days') : START_CURSOR;
  // The head after the cursor of the days: it can then only be ahead of it.
  const head = await ledger.readHead(shard);
  const last = level === 'months' ? days.through : lastEntered(head);
  const heldBelow = (entry: SegmentEntry) =>
    level === 'months' ? heldByDays(entry.segment, days) : heldByCounters(entry);

  let more = false;
  const again: OpenSegment[] = [];
  const heldBefore = new Map(cursor.open.map(({ segment, held }) => [segment, held]));
  for (const entry of await ledger.readEntries(shard, [...heldBefore.keys()])) {
    const held = heldBelow(entry);
    if (held <= (heldBefore.get(entry.segment) ?? 0)) continue;
    again.push({ segment: entry.segment, held });
    more = (await lists.show(entry)) && !mayGoOn();
    if (more) break;
  }

  const taken: OpenSegment[] = [];
  let { through } = cursor;
  let reachedMs = 0;
  let waiting = false;
  let opened = cursor.open.length - again.filter(({ held }) => held === ALL_PARTS).length;
  for await (const entry of more ? [] : ledger.entriesUp(shard, cursor.through, last)) {
    reachedMs = entry.runMaxMs;
    const held = heldBelow(entry);
    const done = held === ALL_PARTS;
    waiting = level === 'days' && !isDueForDays(entry, clock.nowMs(), settings.patienceMs);
    waiting ||= !done && opened >= OPEN_SEGMENTS_MAX;
    if (waiting) break;
    // Entries between the two are past their retention: whatever they touched lately, nobody can tell.
    report.missed += entry.segment - through - 1;
    taken.push({ segment: entry.segment, held });
    through = entry.segment;
    // What waits for an operator may wait longer than the list of what it touches is kept.
    if (!done && level === 'days') await progress.keepTouched(shard, entry);
    if (!done) opened += 1;
    more = (await lists.show(entry)) && !mayGoOn();
    if (more) break;
  }
  await lists.showRest();
  report.segments += again.length + taken.length;
  report.missed += lists.missing;
  if (!more && !waiting) {
    report.missed += Math.max(0, last - through);
    through = Math.max(through, last);
    if (level === 'days') reachedMs = Math.max(reachedMs, enteredRunMaxMs(head));
    // The months are through with an interval when the days have been through with all of it.
    else if (days.interval * settings.intervalsMs.days >= interval * settings.intervalsMs.months)
      reachedMs = Number.POSITIVE_INFINITY;
  }
  const isThrough = !more && reachedMs >= interval * settings.intervalsMs[level];
  const step = { taken, again, through, interval: isThrough ? interval : cursor.interval };
  const { readable, lastHash } = lists;
  return { shard, cursor, step, readable, lastHash, more };
}
