// The compactor's use case: bring days, months and totals up to what segments have changed, and say how far they got.
import pLimit from 'p-limit';
import type { ShardKey } from '../counting/identifiers.ts';
import { advance, postpone } from '../counting/level-cursor.ts';
import type { CompactedLevel } from '../counting/levels.ts';
import { Sweep } from '../counting/sweep.ts';
import { claimLevel } from './claim-levels.ts';
import {
  type CompactionReport,
  type CompactorPorts,
  type CompactorSettings,
  emptyReport,
} from './compaction.ts';
import { type ShardStep, takeStep } from './take-step.ts';
import { workOff } from './work-off.ts';

/**
 * Works off what is due, in passes, while there is time. Harmless to repeat, late, or twice at once: sums are made again from the
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

/**
 * Takes one level along all shards. A pass looks at everything that is due on all of them, since they touch the same counters, and
 * recomputes each counter once. Where there are more counters than fit into memory, or more work than time, the next pass looks at
 * the same segments again, for the counters that follow: cursors keep the step, and up to which hash it is done.
 */
async function compactLevel(
  level: CompactedLevel,
  shards: readonly ShardKey[],
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<void> {
  const limit = pLimit(settings.concurrency);
  const reading = pLimit(settings.concurrency);
  let due = shards;
  while (due.length > 0) {
    if (!hasTime()) {
      report.complete = false;
      break;
    }
    report.passes += 1;
    const sweep = new Sweep(level, settings.sweepItems);
    const untilMs = ports.clock.nowMs() + settings.lookingMs;
    const mayGoOn = () => hasTime() && ports.clock.nowMs() < untilMs;
    const pass = { level, sweep, mayGoOn, reading, ports, settings, report };
    const looked = await Promise.all(due.map((shard) => limit(() => takeStep(shard, pass))));
    const steps = looked.filter((step) => step !== undefined);
    const { doneBelow, failure } = await workOff(sweep, limit, ports, settings, hasTime, report);
    const going = await Promise.all(
      steps.map((step) => limit(() => putProgress(level, step, doneBelow, ports, report))),
    );
    if (failure !== undefined) throw failure.cause;
    if (doneBelow < sweep.bound) {
      report.complete = false;
      break;
    }
    due = steps.filter((_, index) => going[index]).map(({ shard }) => shard);
  }
}

/**
 * Moves a shard's cursor past a step when nothing of it is left, and keeps how far the step got otherwise.
 * @param doneBelow items whose hash is below this are set, and the top lists have heard of them
 * @returns whether there may be more to do on the shard
 */
async function putProgress(
  level: CompactedLevel,
  { shard, cursor, step, readable, lastHash, more }: ShardStep,
  doneBelow: number,
  { progress }: CompactorPorts,
  report: CompactionReport,
): Promise<boolean> {
  const isWhole = lastHash < doneBelow;
  const moved = advance(cursor, step);
  if (isWhole && !more) report.open += moved.open.length;
  const isNew = isWhole
    ? step.through > cursor.through ||
      step.again.length > 0 ||
      step.interval > cursor.interval ||
      step.taken.length > 0 ||
      cursor.pending !== undefined
    : doneBelow > (cursor.pending?.doneBelow ?? 0);
  if (!isNew) return !isWhole;
  const next = isWhole ? moved : postpone(cursor, step, doneBelow, readable);
  if ((await progress.putCursor(shard, level, next)) === 'put') return more || !isWhole;
  // Another compactor is at work on this shard; it goes on from there.
  report.conflicts += 1;
  return false;
}
