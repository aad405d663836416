// Recomputing items of levels: read what is there, then what it is made of, then set it on condition that it is still as read.
import { counterExpiresAt } from '../counting/counter-item.ts';
import { changedSums, type LevelName, levelExpiresAt, mayBeDeleted, sumOf } from '../counting/levels.ts';
import { bucketName, HOUR_MS } from '../counting/time.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './compaction.ts';

/** What recomputing needs. */
export type RecomputePorts = Pick<CompactorPorts, 'counters' | 'levels' | 'clock'>;
/** The settings that recomputing depends on. */
export type RecomputeSettings = Pick<CompactorSettings, 'retentionsMs'>;

/** Sums by the start of their hour, day or month, epoch milliseconds. */
export type Sums = ReadonlyMap<number, bigint>;

/**
 * Sets hours of one day from its counter items; hours that have passed out of retention keep what they say.
 * @returns what the day's item says then; undefined when it may be deleted already
 */
export async function recomputeDay(
  name: LevelName,
  hoursMs: readonly number[],
  ports: RecomputePorts,
  settings: RecomputeSettings,
  report: CompactionReport,
): Promise<Sums | undefined> {
  const { clock } = ports;
  const readable = hoursMs.filter((hourMs) => {
    const expiresAt = counterExpiresAt(bucketName(hourMs, 60), settings.retentionsMs.counters);
    return !mayBeDeleted(expiresAt, clock.nowMs());
  });
  report.missed += hoursMs.length - readable.length;
  // Whoever set them before may have died before he brought the top lists up to it.
  if (readable.length === 0) return storedSums(name, ports, settings);
  return settle(name, () => hourSums(name, readable, ports, report), ports, settings, report);
}

async function storedSums(
  name: LevelName,
  { levels, clock }: RecomputePorts,
  { retentionsMs }: RecomputeSettings,
): Promise<Sums | undefined> {
  if (mayBeDeleted(levelExpiresAt(name, retentionsMs), clock.nowMs())) return undefined;
  return (await levels.readLevel(name))?.sums;
}

/**
 * Sets days of one month from their items, and then the month in the total.
 * @returns what the month's item says then; undefined when it may be deleted already
 */
export async function recomputeMonth(
  name: LevelName,
  daysMs: readonly number[],
  ports: RecomputePorts,
  settings: RecomputeSettings,
  report: CompactionReport,
): Promise<Sums | undefined> {
  const { metric, entity, startMs } = name;
  const month = await settle(name, () => daySums(name, daysMs, ports), ports, settings, report);
  const total: LevelName = { level: 'total', metric, entity, startMs: 0 };
  const monthSum = async (): Promise<Sums> => {
    const item = await ports.levels.readLevel(name);
    if (item === undefined || mayBeDeleted(item.expiresAt, ports.clock.nowMs())) return new Map();
    return new Map([[startMs, sumOf(item)]]);
  };
  await settle(total, monthSum, ports, settings, report);
  return month;
}

/**
 * Brings an item up to what it is made of. The item is read before its sources: whatever is set on top of a revision was then
 * made of sources no older than the ones that made that revision, so an older value never overwrites a newer one.
 * It is set even where it says so already. Counts fall as well as rise: another compactor that hangs may have read, on this
 * revision, sources that were different for a while, and its late write must not be the last word.
 * @returns what the item says then; undefined when it may be deleted already
 */
async function settle(
  name: LevelName,
  sources: () => Promise<Sums>,
  { levels, clock }: RecomputePorts,
  { retentionsMs }: RecomputeSettings,
  report: CompactionReport,
): Promise<Sums | undefined> {
  const expiresAt = levelExpiresAt(name, retentionsMs);
  if (mayBeDeleted(expiresAt, clock.nowMs())) {
    report.missed += 1;
    return undefined;
  }
  report.recomputed += 1;
  for (;;) {
    const item = await levels.readLevel(name);
    const sums = await sources();
    if (sums.size === 0) return item?.sums ?? sums;
    const change = { name, sums, revision: item?.revision ?? 0, expiresAt };
    if ((await levels.setSums(change)) === 'set') {
      if (changedSums(item, sums).size > 0) report.changed += 1;
      return new Map([...(item?.sums ?? []), ...sums]);
    }
    report.conflicts += 1;
  }
}

/** The sums of hours, from all counter items of each. An hour without items is left out: nothing of it is applied yet. */
async function hourSums(
  { metric, entity }: LevelName,
  hoursMs: readonly number[],
  { counters, clock }: RecomputePorts,
  report: CompactionReport,
): Promise<Sums> {
  const wanted = new Set(hoursMs);
  const sums = new Map<number, bigint>();
  const going = new Set<number>();
  for (const [fromMs, toMs] of runsOfHours(hoursMs)) {
    for await (const item of counters.items(metric, entity, fromMs, toMs)) {
      const hourMs = item.bucketStartMs - (item.bucketStartMs % HOUR_MS);
      if (!wanted.has(hourMs)) continue;
      // Written under a shorter retention than today's: its neighbours may be gone, and a part is no sum.
      if (mayBeDeleted(item.expiresAt, clock.nowMs())) going.add(hourMs);
      let sum = sums.get(hourMs) ?? 0n;
      for (const n of item.minutes.values()) sum += n;
      sums.set(hourMs, sum);
    }
  }
  for (const hourMs of going) sums.delete(hourMs);
  report.missed += going.size;
  return sums;
}

/** Hours that follow each other, as `fromMs <= t < toMs`: one query each. */
function runsOfHours(hoursMs: readonly number[]): [fromMs: number, toMs: number][] {
  const runs: [number, number][] = [];
  for (const hourMs of hoursMs.toSorted((a, b) => a - b)) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === hourMs) last[1] = hourMs + HOUR_MS;
    else runs.push([hourMs, hourMs + HOUR_MS]);
  }
  return runs;
}

/** The sums of days, each from its item. A day without an item is left out. */
async function daySums(
  { metric, entity }: LevelName,
  daysMs: readonly number[],
  { levels, clock }: RecomputePorts,
): Promise<Sums> {
  const sums = new Map<number, bigint>();
  for (const startMs of daysMs) {
    const day = await levels.readLevel({ level: 'days', metric, entity, startMs });
    if (day !== undefined && !mayBeDeleted(day.expiresAt, clock.nowMs())) sums.set(startMs, sumOf(day));
  }
  return sums;
}
