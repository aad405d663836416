// Runs one epoch of one level: merges its rows into blocks, sets late rows aside, computes top lists, and advances the head.
import pLimit, { type LimitFunction } from 'p-limit';
import {
  type CompactionPlan,
  type CompactionState,
  forUpperLevels,
  type LateRows,
} from '../core/compaction.ts';
import { type HashRange, rangesOf } from '../core/hash-range.ts';
import {
  cellOf,
  EXPIRY_GRACE_MS,
  expiresAtOf,
  goneAtMs,
  type Level,
  type Period,
  periodStartMs,
  UPPER_LEVELS,
  type UpperLevel,
} from '../core/level.ts';
import { asRow, compareRows, type NamedRow, rowBytes, splitName } from '../core/rows.ts';
import { HOUR_MS } from '../core/time.ts';
import { makeTops } from '../store/make-tops.ts';
import { EpochRows, epochSegments } from './epoch-rows.ts';
import { GrowingRow } from './growing-row.ts';
import { PeriodMerge } from './merge-period.ts';
import type { CompactorPorts } from './ports.ts';

/** Concurrent periods: enough to hide the table's latency. */
const PERIODS_AT_ONCE = 32;
/**
 * Concurrent puts of all periods. One by one, a period with tens of thousands of new blocks would outlast a run, and begin
 * anew; with many more, a table that throttles would fail the epoch instead of slowing it down.
 */
const PUTS_AT_ONCE = 32;

/** Rows of some periods, by period start and by name. */
type Gathered = Map<number, Map<string, GrowingRow>>;

/**
 * Does what is left of a level's planned epoch. Repeatable, by any caller, at any time: finished steps are skipped.
 * @param state as read, with a plan for the level
 * @returns whether the epoch is done; false: time ran out
 * @throws DeltasMissing, BlockChanged
 */
export async function runEpoch(
  state: CompactionState,
  level: Level,
  ports: CompactorPorts,
  hasTime: () => boolean,
): Promise<boolean> {
  const { plan, covers, epoch } = state[level];
  if (plan === undefined) throw new RangeError(`the ${level} have no plan`);
  const segments = await epochSegments(covers, plan, ports.ledger);
  const deletions = await ports.state.readDeletions(plan.deletions);
  const rows = new EpochRows(segments, ports.store, deletions);
  const merges = new Map<number, PeriodMerge>();
  /** Metrics of rows whose hours may have expired: only upper levels get these rows. */
  const expiredMetrics = new Set<string>();
  const lateBytes = { days: 0, months: 0, all: 0 };
  const limit = pLimit(PERIODS_AT_ONCE);
  const puts = pLimit(PUTS_AT_ONCE);
  for (const range of rangesOf(plan.slotBits)) {
    if (!hasTime()) {
      await Promise.all([...merges.values()].map((merge) => merge.settled()));
      return false;
    }
    const gathered = await gather(rows.rowsIn(range), level, plan);
    if (level === 'hours') await putLateRows(range, gathered, plan, ports, lateBytes);
    await Promise.all(
      [...gathered].map(([startMs, byName]) =>
        limit(async () => {
          const merge = mergeOf(merges, { level, startMs }, epoch + 1, plan, ports, puts);
          if (merge === undefined) for (const name of byName.keys()) expiredMetrics.add(splitName(name)[0]);
          else await merge.add([...byName.values()].sort(compareHashes));
        }),
      ),
    );
  }
  await Promise.all([...merges.values()].map((merge) => limit(() => merge.finish())));
  if (level === 'hours') {
    const found = [expiredMetrics, ...[...merges.values()].map(({ metrics }) => metrics)];
    const known = new Set(await ports.store.metrics());
    const metrics = new Set(found.flatMap((some) => [...some]));
    await ports.store.addMetrics([...metrics].filter((metric) => !known.has(metric)));
  }
  await Promise.all(
    [...merges.values()].map(({ period, metrics }) =>
      limit(() => makeTops({ period, metrics }, epoch + 1, ports.store, plan.retentions, puts)),
    ),
  );
  let writeUnits = 0;
  for (const merge of merges.values()) writeUnits += merge.writeUnits + merge.metrics.size;
  const late = level === 'hours' ? lateAfter(state, plan, lateBytes) : undefined;
  await ports.state.markDone(state, level, writeUnits, late);
  return true;
}

/** Adds up rows by period and name. Skips rows of a period whose blocks may have expired. */
async function gather(
  deltas: AsyncIterable<Iterable<NamedRow>>,
  level: Level,
  plan: CompactionPlan,
): Promise<Gathered> {
  const gathered: Gathered = new Map();
  const hours = new Map<number, GatheredHour>();
  let last: GatheredHour | undefined;
  for await (const rows of deltas) {
    for (const row of rows) {
      if (last?.hour !== row.hour) {
        last = hours.get(row.hour) ?? gatheredHour(row.hour, level, plan, gathered);
        hours.set(row.hour, last);
      }
      const { byName, cell } = last;
      if (byName === undefined) continue;
      const { name } = row;
      const known = byName.get(name);
      const growing = known ?? new GrowingRow(name);
      if (known === undefined) byName.set(name, growing);
      growing.events += row.events;
      for (let index = 0; index < row.length; index += 1)
        growing.add(cell ?? (row.cells[index] as number), row.sums[index] as number | bigint);
    }
  }
  return gathered;
}

/** Where the rows of an hour go. */
interface GatheredHour {
  readonly hour: number;
  /** Undefined: skipped. */
  readonly byName: Map<string, GrowingRow> | undefined;
  /** The one cell of an upper level; undefined: the hours keep minutes. */
  readonly cell: number | undefined;
}

function gatheredHour(hour: number, level: Level, plan: CompactionPlan, gathered: Gathered): GatheredHour {
  const startMs = periodStartMs(level, hour * HOUR_MS);
  const cell = level === 'hours' ? undefined : cellOf(level, hour * HOUR_MS);
  // Hours that may have expired can still be late for an upper level.
  if (level !== 'hours' && mayBeGone({ level, startMs }, plan)) return { hour, byName: undefined, cell };
  const byName = gathered.get(startMs) ?? new Map<string, GrowingRow>();
  gathered.set(startMs, byName);
  return { hour, byName, cell };
}

/** A block is deleted `EXPIRY_GRACE_MS` after it expires; half of that is a safe margin. */
function mayBeGone(period: Period, { plannedAtMs, retentions }: CompactionPlan): boolean {
  return goneAtMs(period, retentions) + EXPIRY_GRACE_MS / 2 <= plannedAtMs;
}

function compareHashes(a: GrowingRow, b: GrowingRow): number {
  return a.hash - b.hash || (a.name < b.name ? -1 : 1);
}

/** The merge of a period; undefined if its blocks may have expired. */
function mergeOf(
  merges: Map<number, PeriodMerge>,
  period: Period,
  epoch: number,
  plan: CompactionPlan,
  { store }: CompactorPorts,
  puts: LimitFunction,
): PeriodMerge | undefined {
  const known = merges.get(period.startMs);
  if (known !== undefined) return known;
  if (mayBeGone(period, plan)) return undefined;
  const expiresAt = expiresAtOf(period, plan.retentions);
  const merge = new PeriodMerge(period, store, { epoch, blockBytes: plan.blockBytes, expiresAt, puts });
  merges.set(period.startMs, merge);
  return merge;
}

/** Sets aside rows that arrived after an upper level had closed their time: its readers add them until its next epoch. */
async function putLateRows(
  range: HashRange,
  gathered: Gathered,
  plan: CompactionPlan,
  { store }: CompactorPorts,
  bytes: Record<UpperLevel, number>,
): Promise<void> {
  for (const level of UPPER_LEVELS) {
    const late = new Map<string, GrowingRow>();
    for (const [hourMs, byName] of gathered) {
      if (hourMs >= plan.closedBeforeMs[level]) continue;
      const hour = periodStartMs(level, hourMs) / HOUR_MS;
      const cell = cellOf(level, hourMs);
      for (const { name, events, sums } of byName.values()) {
        const key = `${hour} ${name}`;
        const row = late.get(key) ?? new GrowingRow(name, hour);
        late.set(key, row);
        row.events += events;
        for (const sum of sums) row.add(cell, sum);
      }
    }
    if (late.size === 0) continue;
    const rows = [...late.values()].map(asRow).sort(compareRows);
    bytes[level] += rows.reduce((sum, row) => sum + rowBytes(row), 0);
    await store.putLate(level, range, plan, rows);
  }
}

function lateAfter(
  state: CompactionState,
  { hourEpoch }: CompactionPlan,
  bytes: Readonly<Record<UpperLevel, number>>,
): Record<UpperLevel, LateRows> {
  return forUpperLevels((level) => {
    const before = state.late[level];
    if (bytes[level] === 0) return before;
    const still = before.epoch > state[level].hourEpoch ? before.bytes : 0;
    return { epoch: hourEpoch, bytes: still + bytes[level] };
  });
}
