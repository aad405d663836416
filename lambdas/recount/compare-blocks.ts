// Compares the blocks and late rows of one part, both ways, with what segments produce.
import type { CompactionState } from '../core/compaction.ts';
import { covers, hashOf, holds, nameHash } from '../core/hash-range.ts';
import { goneAtMs, type Level, type Period, UPPER_LEVELS, type UpperLevel } from '../core/level.ts';
import { decodeRows, type Row, rowName } from '../core/rows.ts';
import { HOUR_MS, isoSeconds } from '../core/time.ts';
import { type Leaf, leavesIn } from '../store/leaf-blocks.ts';
import { PeriodJudge, periodsIn } from './judge.ts';
import { type PartRows, partOf, rangesOver } from './part-rows.ts';
import {
  ALL_HOURS,
  type Difference,
  type RecountPorts,
  type RecountSettings,
  type RecountState,
} from './ports.ts';
import { addRow, hourOf, levelSums, type PeriodSums, type Sum, sides } from './sums.ts';

/** Compaction advanced while blocks were read, so the reads are inconsistent. */
export class CompactionMoved extends Error {
  override readonly name = 'CompactionMoved';
}

/** The differences in one period of one part. */
export interface WrongPeriod {
  readonly period: Period;
  readonly differences: readonly Difference[];
  /** By `rowName`: the correct rows; undefined: no row. */
  readonly right: ReadonlyMap<string, Sum | undefined>;
  readonly leaves: readonly Leaf[];
}

/** Compares a level's blocks. @throws CompactionMoved */
export async function* compareBlocks(
  level: Level,
  state: RecountState,
  compaction: CompactionState,
  rows: PartRows,
  ports: RecountPorts,
  { retentions, periodsAtOnce }: RecountSettings,
): AsyncIterable<WrongPeriod> {
  const part = partOf(state);
  const expected = levelSums(level, rows.of(level));
  const nowMs = ports.clock.nowMs();
  const periods = (await periodsOf(level, state, expected, ports)).filter(
    (period) => goneAtMs(period, retentions) > nowMs,
  );
  for (let at = 0; at < periods.length; at += periodsAtOnce) {
    const some = periods.slice(at, at + periodsAtOnce);
    const leaves = Map.groupBy(await leavesIn(ports.store, some, part), ({ period }) => period.startMs);
    await assertUnmoved(level, compaction, ports);
    for (const period of some) {
      const own = leaves.get(period.startMs) ?? [];
      const wrong = comparePeriod(period, state, own, expected.get(period.startMs));
      if (wrong.differences.length > 0) yield wrong;
    }
  }
}

async function periodsOf(
  level: Level,
  { range }: RecountState,
  expected: PeriodSums,
  { periods }: RecountPorts,
): Promise<readonly Period[]> {
  if (range.toMs !== ALL_HOURS.toMs) return periodsIn(level, range);
  const starts = new Set([...expected.keys(), ...(await periods.periodsOf(level)).map((one) => one.startMs)]);
  return [...starts].sort((a, b) => a - b).map((startMs) => ({ level, startMs }));
}

async function assertUnmoved(
  level: Level,
  compaction: CompactionState,
  { state }: Pick<RecountPorts, 'state'>,
): Promise<void> {
  const { [level]: now, deletions } = await state.readState();
  // Rows that were read before the deletion still contain the entity; the blocks no longer do.
  if (deletions !== compaction.deletions) throw new CompactionMoved('an entity was deleted meanwhile');
  const { epoch } = compaction[level];
  if (now.epoch !== epoch || now.plan !== undefined)
    throw new CompactionMoved(`the ${level} were compacted meanwhile`);
}

function comparePeriod(
  period: Period,
  state: RecountState,
  leaves: readonly Leaf[],
  expected: ReadonlyMap<string, Row> | undefined,
): WrongPeriod {
  const part = partOf(state);
  const found = new Map<string, Row>();
  for (const leaf of leaves) {
    for (const row of rowsIn(leaf)) {
      const name = rowName(row.metric, row.entity);
      if (covers(part, leaf.range) || holds(part, hashOf(name))) found.set(name, row);
    }
  }
  const differences: Difference[] = [];
  const right = new Map<string, Sum | undefined>();
  const judge = new PeriodJudge(period, state);
  for (const [name, is, was] of sides(expected, found)) {
    const compared = judge.compare(is, was);
    if (compared.differences.length === 0) continue;
    differences.push(...compared.differences);
    right.set(name, compared.right);
  }
  return { period, differences, right, leaves };
}

function rowsIn({ block }: Leaf): readonly Row[] {
  return block === undefined || block.content === 'split' ? [] : decodeRows(block.content);
}

/** The differences in the rows of one part that are set aside for a level. */
export interface WrongLate {
  readonly level: UpperLevel;
  readonly differences: readonly Difference[];
  readonly right: readonly RightLate[];
}

/** The correct row of one name in a period of the level. */
export interface RightLate {
  /** From `rowName`. */
  readonly name: string;
  /** The start of the period, hours since 1970. */
  readonly hour: number;
  /** Undefined: no row. */
  readonly row: Row | undefined;
}

/** Compares the rows set aside for the upper levels. @throws CompactionMoved */
export async function* compareLate(
  state: RecountState,
  compaction: CompactionState,
  rows: PartRows,
  ports: RecountPorts,
): AsyncIterable<WrongLate> {
  const part = partOf(state);
  for (const level of UPPER_LEVELS) {
    const { hourEpoch, closedBeforeMs } = compaction[level];
    const expected = levelSums(level, rows.beyond(level), (hourMs) => hourMs < closedBeforeMs);
    const stored: PeriodSums = new Map();
    for (const range of rangesOver(part, compaction)) {
      for await (const row of ports.store.lateRows(level, range, hourEpoch, compaction.hours.epoch)) {
        if (holds(part, nameHash(row.metric, row.entity))) addRow(stored, hourOf(row), row);
      }
    }
    await assertUnmoved('hours', compaction, ports);
    await assertUnmoved(level, compaction, ports);
    const wrong = wrongLate(level, state, expected, stored);
    if (wrong.differences.length > 0) yield wrong;
  }
}

function wrongLate(
  level: UpperLevel,
  state: RecountState,
  expected: PeriodSums,
  stored: PeriodSums,
): WrongLate {
  const differences: Difference[] = [];
  const right: RightLate[] = [];
  for (const [startMs, inExpected, inStored] of sides(expected, stored)) {
    const judge = new PeriodJudge({ level, startMs }, state);
    const of = `${level} ${isoSeconds(startMs)}`;
    for (const [name, is, was] of sides(inExpected, inStored)) {
      const compared = judge.compare(is, was);
      if (compared.differences.length === 0) continue;
      differences.push(...compared.differences.map((one) => ({ ...one, in: 'late' as const, of })));
      const hour = startMs / HOUR_MS;
      right.push({ name, hour, row: compared.right && { ...compared.right, hour } });
    }
  }
  return { level, differences, right };
}

/** The rows of a leaf, some of them corrected. */
export function correctedRows(leaf: Leaf, right: WrongPeriod['right']): readonly Row[] {
  const byName = new Map(rowsIn(leaf).map((row) => [rowName(row.metric, row.entity), row]));
  for (const [name, sum] of right) {
    if (!holds(leaf.range, hashOf(name))) continue;
    if (sum === undefined) byName.delete(name);
    else byName.set(name, sum);
  }
  return [...byName.values()];
}
