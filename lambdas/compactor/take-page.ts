// What a level has to look at next on one shard: segments it has not seen, and open ones that are settled by now.
import { lastEntered } from '../counting/books.ts';
import type { ShardKey } from '../counting/identifiers.ts';
import {
  ALL_PARTS,
  advance,
  enteredRunMaxMs,
  heldByCounters,
  heldByDays,
  isDueForDays,
  type LevelCursor,
  OPEN_SEGMENTS_MAX,
  type OpenSegment,
  START_CURSOR,
} from '../counting/level-cursor.ts';
import type { CompactedLevel } from '../counting/levels.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import { decodeTouched, type TouchedHour } from '../counting/touched-counters.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './compaction.ts';

/** One step along one shard. */
export interface Page {
  readonly shard: ShardKey;
  readonly touched: readonly TouchedHour[];
  /** The cursor once what is touched is recomputed; undefined when there is nothing to put. */
  readonly next: LevelCursor | undefined;
  /** Whether another step may get further. */
  readonly more: boolean;
}

/** Most entries of one page. */
const PAGE_ENTRIES_MAX = 1_000;

/** Which interval of a level's schedule is to be worked off now. */
export function currentInterval(level: CompactedLevel, nowMs: number, settings: CompactorSettings): number {
  return Math.floor((nowMs - settings.settleMs) / settings.intervalsMs[level]);
}

/**
 * Takes the next step of a level along a shard.
 * @param hoursMax about how many touched hours the step may have
 * @returns undefined when the shard is through with the current interval
 */
export async function takePage(
  level: CompactedLevel,
  shard: ShardKey,
  hoursMax: number,
  ports: CompactorPorts,
  settings: CompactorSettings,
  report: CompactionReport,
): Promise<Page | undefined> {
  const { ledger, progress, clock } = ports;
  const interval = currentInterval(level, clock.nowMs(), settings);
  const cursor = await progress.readCursor(shard, level);
  if (cursor.interval >= interval) return undefined;
  const days = level === 'months' ? await progress.readCursor(shard, 'days') : START_CURSOR;
  // The head after the cursor of the days: it can then only be ahead of it.
  const head = await ledger.readHead(shard);
  const last = level === 'months' ? days.through : lastEntered(head);
  const touched: TouchedHour[] = [];
  const take = async (entry: SegmentEntry) => {
    report.segments += 1;
    touched.push(...(await touchedBy(shard, entry, ports, report)));
  };

  const heldBelow = (entry: SegmentEntry) =>
    level === 'months' ? heldByDays(entry.segment, days) : heldByCounters(entry);

  const again = new Map<number, number>();
  const heldBefore = new Map(cursor.open.map(({ segment, held }) => [segment, held]));
  for (const entry of await ledger.readEntries(shard, [...heldBefore.keys()])) {
    const held = heldBelow(entry);
    if (held <= (heldBefore.get(entry.segment) ?? 0)) continue;
    await take(entry);
    again.set(entry.segment, held);
  }

  const taken: OpenSegment[] = [];
  let { through } = cursor;
  let reachedMs = 0;
  let more = false;
  let waiting = false;
  let opened = cursor.open.length - [...again.values()].filter((held) => held === ALL_PARTS).length;
  for await (const entry of ledger.entriesUp(shard, cursor.through, last)) {
    reachedMs = entry.runMaxMs;
    if (taken.length >= PAGE_ENTRIES_MAX || touched.length >= hoursMax) {
      more = true;
      break;
    }
    const held = heldBelow(entry);
    const done = held === ALL_PARTS;
    waiting = level === 'days' && !isDueForDays(entry, clock.nowMs(), settings.patienceMs);
    waiting ||= !done && opened >= OPEN_SEGMENTS_MAX;
    if (waiting) break;
    // Entries between the two are past their retention: whatever they touched lately, nobody can tell.
    report.missed += entry.segment - through - 1;
    await take(entry);
    // What waits for an operator may wait longer than the list of what it touches is kept.
    if (!done && level === 'days') await progress.keepTouched(shard, entry);
    if (!done) opened += 1;
    taken.push({ segment: entry.segment, held });
    through = entry.segment;
  }
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
  const moved =
    through > cursor.through || again.size > 0 || step.interval > cursor.interval || taken.length > 0;
  if (!more) report.open += opened;
  return { shard, touched, next: moved ? advance(cursor, step) : undefined, more };
}

async function touchedBy(
  shard: ShardKey,
  entry: SegmentEntry,
  { progress }: CompactorPorts,
  report: CompactionReport,
): Promise<TouchedHour[]> {
  const chunks = await progress.readTouched(shard, entry);
  // Gone, or from before segments kept what they touch.
  if (chunks === undefined || (chunks.length === 0 && entry.parts.length > 0)) {
    report.missed += 1;
    return [];
  }
  return chunks.flatMap((chunk) => [...decodeTouched(chunk)]);
}
