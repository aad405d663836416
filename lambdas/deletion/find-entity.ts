// Finds an entity's rows: from the all-time blocks down, and in rows that are not in every level yet.
import { type CompactionState, isCovered } from '../core/compaction.ts';
import { HASH_BITS, type HashRange, nameHash, rangeOf, WHOLE_RANGE } from '../core/hash-range.ts';
import { parseSegmentId } from '../core/identifiers.ts';
import {
  cellAtMs,
  goneAtMs,
  LEVELS,
  type Level,
  type Period,
  periodAt,
  periodEndMs,
  periodStartMs,
  periodsOver,
  type Retentions,
  UPPER_LEVELS,
  type UpperLevel,
} from '../core/level.ts';
import { pickRows, type Row, rowName } from '../core/rows.ts';
import { HOUR_MS, LATEST_INSTANT_MS } from '../core/time.ts';
import { type Leaf, leavesIn } from '../store/leaf-blocks.ts';
import type { BlockReader, StoredDelta } from '../store/ports.ts';
import type { DeletionPorts } from './ports.ts';

const PERIODS_AT_ONCE = 200;

export interface DeletionTarget {
  readonly entity: string;
  readonly metrics: readonly string[];
  /** The entity's row names, see `rowName`. */
  readonly names: ReadonlySet<string>;
  /** The hash ranges of its deltas and late rows. */
  readonly ranges: readonly HashRange[];
}

/** The level whose periods are the cells of another. */
const BELOW: Readonly<Record<UpperLevel, Level>> = { days: 'hours', months: 'days', all: 'months' };

/** What to look for, under every metric that was ever compacted. */
export async function deletionTarget(
  entity: string,
  { rangeBits }: CompactionState,
  { store }: Pick<DeletionPorts, 'store'>,
): Promise<DeletionTarget> {
  const metrics = await store.metrics();
  const hashes = metrics.map((metric) => nameHash(metric, entity));
  const ranges = hashes.flatMap((hash) => rangeBits.map((bits) => rangeOf(hash, bits)));
  const names = new Set(metrics.map((metric) => rowName(metric, entity)));
  return { entity, metrics, names, ranges: [...new Set([WHOLE_RANGE, ...ranges])] };
}

/** Periods of a level in which the entity may have rows, by metric. */
export type Places = ReadonlyMap<string, readonly Period[]>;

/** All time, under every metric. */
export function allTime({ metrics }: DeletionTarget): Places {
  return new Map(metrics.map((metric) => [metric, [periodAt('all', 0)]]));
}

/** Finds the periods that may contain the entity, as far as they can be found now. @returns those of a level */
export async function placesOf(
  what: DeletionTarget,
  state: CompactionState,
  { nowMs, retentions }: { readonly nowMs: number; readonly retentions: Retentions },
  ports: Pick<DeletionPorts, 'store' | 'rewriter'>,
): Promise<(level: Level) => Places> {
  const starts = (...first: number[]) => new Map(what.metrics.map((metric) => [metric, new Set(first)]));
  const found = { hours: starts(), days: starts(), months: starts(), all: starts(0) };
  // Each metric apart: a stack may have thousands, and the entity few.
  const add = (metric: string, atMs: number, lowest: Level) => {
    for (const level of LEVELS.slice(LEVELS.indexOf(lowest)))
      found[level].get(metric)?.add(periodStartMs(level, atMs));
  };
  const placesIn = (level: Level): Places => {
    const periods = (some: ReadonlySet<number>) =>
      [...some].sort((a, b) => a - b).map((startMs) => ({ level, startMs }));
    return new Map([...found[level]].map(([metric, some]) => [metric, periods(some)]));
  };
  for await (const { row } of rowsOfDeltas(what, 0, ports)) add(row.metric, row.hour * HOUR_MS, 'hours');
  for (const level of UPPER_LEVELS) {
    for (const range of what.ranges) {
      for await (const { rows } of ports.rewriter.lateItems(level, range)) {
        for (const { metric, hour, cells } of pickRows(rows, what.names)) {
          for (const cell of cells.keys())
            add(metric, cellAtMs({ level, startMs: hour * HOUR_MS }, cell), BELOW[level]);
        }
      }
    }
    // Rows that an upper level lacks so far are in the level below it.
    const { closedBeforeMs } = state[level];
    if (closedBeforeMs > 0)
      for (const { startMs } of periodsOver(BELOW[level], closedBeforeMs, nowMs + HOUR_MS + 1))
        for (const metric of what.metrics) add(metric, startMs, BELOW[level]);
  }
  for (const level of UPPER_LEVELS.toReversed()) {
    const below = BELOW[level];
    const places = placesIn(level);
    for await (const { period, row } of rowsOf(what, places, ports.store)) {
      for (const cell of row.cells.keys()) add(row.metric, cellAtMs(period, cell), below);
    }
    // A block expires by the retention under which it was last written, so it may be gone before those below it.
    for (const [metric, periods] of places)
      for (const period of periods.filter((one) => goneAtMs(one, retentions) <= nowMs))
        for (const part of periodsOver(below, period.startMs, periodEndMs(period)))
          add(metric, part.startMs, below);
  }
  return placesIn;
}

export interface FoundRow {
  readonly period: Period;
  readonly leaf: Leaf;
  readonly row: Row;
}

/** The entity's rows in the blocks of some places. */
export async function* rowsOf(
  { entity, names }: DeletionTarget,
  places: Places,
  store: BlockReader,
): AsyncIterable<FoundRow> {
  for (const [metric, periods] of places) {
    const exactly = rangeOf(nameHash(metric, entity), HASH_BITS);
    for (let at = 0; at < periods.length; at += PERIODS_AT_ONCE) {
      for (const leaf of await leavesIn(store, periods.slice(at, at + PERIODS_AT_ONCE), exactly)) {
        const { block, period } = leaf;
        if (block === undefined || block.content === 'split') continue;
        const row = pickRows(block.content, names).find((one) => one.metric === metric);
        if (row !== undefined) yield { period, leaf, row };
      }
    }
  }
}

export interface DeltaRow {
  readonly delta: StoredDelta;
  readonly row: Row;
}

/** The entity's rows in deltas. @param fromMs least running maximum of their segments */
export async function* rowsOfDeltas(
  { names, ranges }: DeletionTarget,
  fromMs: number,
  { store }: Pick<DeletionPorts, 'store'>,
): AsyncIterable<DeltaRow> {
  for (const range of ranges) {
    for await (const delta of store.deltasIn(range, fromMs, LATEST_INSTANT_MS)) {
      if (delta.rows === undefined) continue;
      for (const row of pickRows(delta.rows, names)) yield { delta, row };
    }
  }
}

/** Whether a level's blocks include a delta's segment. */
export function isIn(state: CompactionState, level: Level, { segment: name }: StoredDelta): boolean {
  const { shard, segment } = parseSegmentId(name);
  return isCovered(state[level].covers, shard, segment);
}
