// The compactor's use case: bring days, months and totals up to what segments have changed, and say how far they got.
import pLimit from 'p-limit';
import type { ShardKey } from '../counting/identifiers.ts';
import { type CompactedLevel, itemStartMs, type LevelName, sumStartMs } from '../counting/levels.ts';
import type { TouchedHour } from '../counting/touched-counters.ts';
import { claimLevel } from './claim-levels.ts';
import {
  type CompactionReport,
  type CompactorPorts,
  type CompactorSettings,
  emptyReport,
} from './compaction.ts';
import { recomputeDay, recomputeMonth } from './recompute.ts';
import { type Page, takePage } from './take-page.ts';
import { type Recomputed, updateTopLists } from './top-lists.ts';

/** An item to recompute, and the sums of it that were touched. */
interface Work {
  readonly name: LevelName;
  readonly sumsMs: Set<number>;
}

/**
 * Works off what is due, in steps, while there is time. Harmless to repeat, late, or twice at once: sums are made again from the
 * level below and set, and cursors move only after that, on condition that nobody else has moved them.
 */
export async function compact(
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
): Promise<CompactionReport> {
  const report = emptyReport();
  const shards = await ports.ledger.shards();
  // The days first: what they have not taken up the months can not take up either.
  for (const level of ['days', 'months'] as const) {
    await compactLevel(level, shards, ports, settings, hasTime, report);
    // Every time, moved or not: whoever moved a cursor may have died before this.
    if (!hasTime()) break;
    const { closedBeforeMs } = await claimLevel(level, ports, settings.generation);
    if (level === 'days') report.closedBeforeMs = closedBeforeMs;
  }
  return report;
}

/** Takes one level along all shards. All shards' pages are worked off together: they touch the same counters. */
async function compactLevel(
  level: CompactedLevel,
  shards: readonly ShardKey[],
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<void> {
  const limit = pLimit(settings.concurrency);
  let due = shards;
  while (due.length > 0) {
    if (!hasTime()) {
      report.complete = false;
      break;
    }
    const hoursMax = Math.ceil(settings.pageHours / due.length);
    const taken = await Promise.all(
      due.map((shard) => limit(() => takePage(level, shard, hoursMax, ports, settings, report))),
    );
    const pages = taken.filter((page) => page !== undefined);
    if (!(await recomputeAll(level, pages, limit, ports, settings, hasTime, report))) {
      report.complete = false;
      break;
    }
    const going = await Promise.all(pages.map((page) => limit(() => putNext(level, page, ports, report))));
    due = pages.filter((_, index) => going[index]).map(({ shard }) => shard);
  }
}

/**
 * Recomputes what pages touch, and brings the top lists up to that.
 * @returns false when time ran out on the way: the cursors must stay where they are
 */
async function recomputeAll(
  level: CompactedLevel,
  pages: readonly Page[],
  limit: ReturnType<typeof pLimit>,
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<boolean> {
  const recompute = level === 'days' ? recomputeDay : recomputeMonth;
  const recomputed: Recomputed[] = [];
  let inTime = true;
  await Promise.all(
    [
      ...workOf(
        level,
        pages.flatMap(({ touched }) => touched),
      ),
    ].map(({ name, sumsMs }) =>
      limit(async () => {
        inTime &&= hasTime();
        if (!inTime) return;
        const sums = await recompute(name, [...sumsMs], ports, settings, report);
        if (sums !== undefined) recomputed.push({ name, sumsMs, sums });
      }),
    ),
  );
  return inTime && (await updateTopLists(level, recomputed, limit, ports, settings, hasTime, report));
}

/** What is touched, by item of the level. */
function workOf(level: CompactedLevel, touched: readonly TouchedHour[]): Iterable<Work> {
  const work = new Map<string, Work>();
  for (const { metric, entity, hourMs } of touched) {
    const name: LevelName = { level, metric, entity, startMs: itemStartMs(level, hourMs) };
    const key = `${name.startMs}#${metric}#${entity}`;
    const one = work.get(key) ?? { name, sumsMs: new Set<number>() };
    work.set(key, one);
    one.sumsMs.add(sumStartMs(level, hourMs));
  }
  return work.values();
}

/** Moves a shard's cursor past a page that is worked off. @returns whether another page may follow */
async function putNext(
  level: CompactedLevel,
  { shard, next, more }: Page,
  { progress }: CompactorPorts,
  report: CompactionReport,
): Promise<boolean> {
  if (next === undefined) return false;
  if ((await progress.putCursor(shard, level, next)) === 'put') return more;
  // Another compactor is at work on this shard; it goes on from there.
  report.conflicts += 1;
  return false;
}
