// Sums of rows by period and name, for comparison.
import { cellOf, type Level, periodStartMs } from '../core/level.ts';
import { type Row, rowName } from '../core/rows.ts';
import { HOUR_MS } from '../core/time.ts';

/** One (metric, entity) in a period. */
export interface Sum extends Row {
  events: number;
  readonly cells: Map<number, bigint>;
}

/** Sums by period start, epoch milliseconds, and by `rowName`. */
export type PeriodSums = Map<number, Map<string, Sum>>;

/** Adds a row to its period. @param cell for all of the row's cells; undefined: each keeps its own */
export function addRow(sums: PeriodSums, startMs: number, row: Row, cell?: number): void {
  let byName = sums.get(startMs);
  if (byName === undefined) {
    byName = new Map();
    sums.set(startMs, byName);
  }
  const name = rowName(row.metric, row.entity);
  let sum = byName.get(name);
  if (sum === undefined) {
    // Nearly always, this is a name's first row in a period: keep its cells.
    const cells: Map<number, bigint> = cell === undefined ? new Map(row.cells) : new Map();
    sum = { metric: row.metric, entity: row.entity, hour: 0, events: 0, cells };
    byName.set(name, sum);
    if (cell === undefined) {
      sum.events = row.events;
      return;
    }
  }
  sum.events += row.events;
  for (const [own, n] of row.cells) {
    const at = cell ?? own;
    sum.cells.set(at, (sum.cells.get(at) ?? 0n) + n);
  }
}

const ALL = () => true;

/** Converts sums of hours to a level; may return its input. @param hours skips hours whose start does not satisfy it */
export function levelSums(
  level: Level,
  groups: readonly PeriodSums[],
  hours: (startMs: number) => boolean = ALL,
): PeriodSums {
  const [only] = groups;
  if (level === 'hours' && groups.length === 1 && only !== undefined && hours === ALL) return only;
  const sums: PeriodSums = new Map();
  for (const group of groups) {
    for (const [hourMs, byName] of group) {
      if (!hours(hourMs)) continue;
      const startMs = periodStartMs(level, hourMs);
      const cell = level === 'hours' ? undefined : cellOf(level, hourMs);
      for (const row of byName.values()) addRow(sums, startMs, row, cell);
    }
  }
  return sums;
}

/** The keys on either side, each with the value of both. */
export function* sides<Key, Value>(
  one: ReadonlyMap<Key, Value> = new Map(),
  other: ReadonlyMap<Key, Value> = new Map(),
): Iterable<readonly [key: Key, one: Value | undefined, other: Value | undefined]> {
  for (const [key, value] of one) yield [key, value, other.get(key)];
  for (const [key, value] of other) if (!one.has(key)) yield [key, undefined, value];
}

/** The start of the hour of a delta's row, epoch milliseconds. */
export function hourOf({ hour }: Row): number {
  return hour * HOUR_MS;
}
