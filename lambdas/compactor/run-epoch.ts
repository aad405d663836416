// One epoch of one level: its rows are merged into blocks, late rows are put aside, top lists are made, and the head moves on.
import pLimit from 'p-limit';
import {
  type CompactionPlan,
  type CompactionState,
  forUpperLevels,
  type LateRows,
} from '../core/compaction.ts';
import { type HashRange, nameHash, rangesOf } from '../core/hash-range.ts';
import {
  cellOf,
  EXPIRY_GRACE_MS,
  expiresAtOf,
  goneAtMs,
  type Level,
  type Period,
  periodAt,
  periodStartMs,
  UPPER_LEVELS,
  type UpperLevel,
} from '../core/level.ts';
import { compareRows, type Row, type RowView, rowBytes, splitName } from '../core/rows.ts';
import { HOUR_MS } from '../core/time.ts';
import { makeTops } from '../store/make-tops.ts';
import { EpochRows, epochSegments } from './epoch-rows.ts';
import { type GrowingRow, PeriodMerge } from './merge-period.ts';
import type { CompactionReport, CompactorPorts } from './ports.ts';

/** Periods worked on at once: enough to hide the table's answers. */
const PERIODS_AT_ONCE = 32;

/** What the deltas of a hash range have of one name in one period. */
interface GatheredRow {
  events: number;
  readonly cells: Map<number, number | bigint>;
}

/** A row put aside, while it grows. */
interface LateRow extends Row {
  events: number;
  readonly cells: Map<number, bigint>;
}

/** Rows of some periods, by the start of the period and by name. */
type Gathered = Map<number, Map<string, GatheredRow>>;

/**
 * Does what is left of a level's planned epoch. Anyone may repeat it, at any time: what is done is skipped.
 * @param state as it was read, with a plan for the level
 * @returns whether the epoch is done now; false: there was no time
 * @throws DeltasMissing, BlockChanged
 */
export async function runEpoch(
  state: CompactionState,
  level: Level,
  ports: CompactorPorts,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<boolean> {
  const { plan, covers, epoch } = state[level];
  if (plan === undefined) throw new RangeError(`the ${level} have no plan`);
  const segments = await epochSegments(covers, plan, ports.ledger);
  const deletions = await ports.state.readDeletions(plan.deletions);
  const rows = new EpochRows(segments, ports.store, deletions);
  const merges = new Map<number, PeriodMerge>();
  const lateBytes = { days: 0, months: 0, all: 0 };
  const limit = pLimit(PERIODS_AT_ONCE);
  for (const range of rangesOf(plan.slotBits)) {
    if (!hasTime()) return false;
    const gathered = await gather(rows.rowsIn(range), level, plan);
    if (level === 'hours') await putLateRows(range, gathered, plan, ports, lateBytes);
    await Promise.all(
      [...gathered].map(([startMs, byName]) =>
        limit(async () => {
          const merge = mergeOf(merges, { level, startMs }, epoch + 1, plan, ports);
          await merge?.add(hashed(byName));
        }),
      ),
    );
  }
  await Promise.all([...merges.values()].map((merge) => limit(() => merge.finish())));
  if (level === 'hours') await addNewMetrics([...merges.values()], ports);
  await Promise.all(
    [...merges.values()].map(({ period, metrics }) =>
      limit(() => makeTops({ period, metrics }, epoch + 1, ports.store, plan.retentions)),
    ),
  );
  let writeUnits = 0;
  for (const merge of merges.values()) {
    writeUnits += merge.writeUnits + merge.metrics.size;
    report.blocks += merge.blocks;
  }
  report.writeUnits += writeUnits;
  await ports.state.markDone(
    state,
    level,
    writeUnits,
    level === 'hours' ? lateAfter(state, plan, lateBytes) : undefined,
  );
  return true;
}

/** Adds rows up by period and name. Rows of a period whose blocks may be gone are left out. */
async function gather(
  deltas: AsyncIterable<Iterable<RowView>>,
  level: Level,
  plan: CompactionPlan,
): Promise<Gathered> {
  const gathered: Gathered = new Map();
  const gone = new Map<number, boolean>();
  for await (const rows of deltas) {
    for (const row of rows) {
      const startMs = periodStartMs(level, row.hour * HOUR_MS);
      const isGone = gone.get(startMs) ?? mayBeGone({ level, startMs }, plan);
      gone.set(startMs, isGone);
      if (isGone && level !== 'hours') continue;
      const byName = gathered.get(startMs) ?? new Map<string, GatheredRow>();
      gathered.set(startMs, byName);
      addTo(byName, row, level);
    }
  }
  return gathered;
}

/** A block is deleted `EXPIRY_GRACE_MS` after it counts as gone; half of that keeps us clear of it. */
function mayBeGone(period: Period, { plannedAtMs, retentions }: CompactionPlan): boolean {
  return goneAtMs(period, retentions) + EXPIRY_GRACE_MS / 2 <= plannedAtMs;
}

/** Adds a delta's row to those of its period. The hours keep its minutes, an upper level has one cell for its hour. */
function addTo(byName: Map<string, GatheredRow>, row: RowView, level: Level): void {
  let gathered = byName.get(row.name);
  if (gathered === undefined) {
    gathered = { events: 0, cells: new Map() };
    byName.set(row.name, gathered);
  }
  gathered.events += row.events;
  const hourCell = level === 'hours' ? undefined : cellOf(level, row.hour * HOUR_MS);
  for (let index = 0; index < row.length; index += 1) {
    const cell = hourCell ?? (row.cells[index] as number);
    gathered.cells.set(cell, sumOf(gathered.cells.get(cell) ?? 0, row.sums[index] as number | bigint));
  }
}

/** Numbers as long as they are exact: most are, and take a fraction of the time. */
function sumOf(a: number | bigint, b: number | bigint): number | bigint {
  if (typeof a === 'number' && typeof b === 'number') {
    const sum = a + b;
    if (Number.isSafeInteger(sum)) return sum;
  }
  return BigInt(a) + BigInt(b);
}

/** Gathered rows by ascending hash, as merging wants them. */
function hashed(byName: ReadonlyMap<string, GatheredRow>): GrowingRow[] {
  const rows: GrowingRow[] = [];
  for (const [name, { events, cells }] of byName) {
    const [metric, entity] = splitName(name);
    const own = new Map<number, bigint>();
    for (const [cell, sum] of cells) own.set(cell, BigInt(sum));
    rows.push({ metric, entity, hour: 0, hash: nameHash(metric, entity), events, cells: own });
  }
  return rows.sort(compareHashes);
}

function compareHashes(a: GrowingRow, b: GrowingRow): number {
  return a.hash - b.hash || compareRows(a, b);
}

/** The merge of a period; undefined when its blocks may be gone. */
function mergeOf(
  merges: Map<number, PeriodMerge>,
  period: Period,
  epoch: number,
  plan: CompactionPlan,
  { store }: CompactorPorts,
): PeriodMerge | undefined {
  const known = merges.get(period.startMs);
  if (known !== undefined) return known;
  if (mayBeGone(period, plan)) return undefined;
  const expiresAt = expiresAtOf(period, plan.retentions);
  const merge = new PeriodMerge(period, store, { epoch, blockBytes: plan.blockBytes, expiresAt });
  merges.set(period.startMs, merge);
  return merge;
}

/** Puts the rows aside that came after an upper level had closed their time: its readers add them until its next epoch. */
async function putLateRows(
  range: HashRange,
  gathered: Gathered,
  plan: CompactionPlan,
  { store }: CompactorPorts,
  bytes: Record<UpperLevel, number>,
): Promise<void> {
  for (const level of UPPER_LEVELS) {
    const late = new Map<string, LateRow>();
    for (const [hourMs, byName] of gathered) {
      if (hourMs >= plan.closedBeforeMs[level]) continue;
      const hour = periodAt(level, hourMs).startMs / HOUR_MS;
      for (const [name, row] of byName) addLate(late, name, row, hour, cellOf(level, hourMs));
    }
    if (late.size === 0) continue;
    const rows = [...late.values()].sort(compareRows);
    bytes[level] += rows.reduce((sum, row) => sum + rowBytes(row), 0);
    await store.putLate(level, range, plan, rows);
  }
}

function addLate(
  late: Map<string, LateRow>,
  name: string,
  { events, cells }: GatheredRow,
  hour: number,
  cell: number,
): void {
  const key = `${hour} ${name}`;
  let row = late.get(key);
  if (row === undefined) {
    const [metric, entity] = splitName(name);
    row = { metric, entity, hour, events: 0, cells: new Map() };
    late.set(key, row);
  }
  row.events += events;
  for (const sum of cells.values()) row.cells.set(cell, (row.cells.get(cell) ?? 0n) + BigInt(sum));
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

async function addNewMetrics(merges: readonly PeriodMerge[], { store }: CompactorPorts): Promise<void> {
  const known = new Set(await store.metrics());
  const met = new Set(merges.flatMap(({ metrics }) => [...metrics]));
  await store.addMetrics([...met].filter((metric) => !known.has(metric)));
}
