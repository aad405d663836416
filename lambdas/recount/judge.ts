// Decides whether a cell can be compared: the recounted hours cover it, and no unknown segment may have added to it.
import { cellAtMs, cellStartMs, type Level, type Period, periodAt, periodEndMs } from '../core/level.ts';
import type { Row } from '../core/rows.ts';
import { DAY_MS, HOUR_MS, isoSeconds, MINUTE_MS, nextMonthMs } from '../core/time.ts';
import type { Difference, Findings, HourRange } from './ports.ts';
import { overlaps } from './produce.ts';
import type { Sum } from './sums.ts';

/** What is known about a period. */
export interface PeriodJudge {
  readonly period: Period;
  /** Whether everything in it can be compared. */
  readonly isWhole: boolean;
  readonly cell: (cell: number) => Judgement;
}

type Judgement = 'compared' | 'partly' | 'unknown';

const CELL_MS = { hours: MINUTE_MS, days: HOUR_MS, months: DAY_MS };

/** The differences of one name in a period, and the correct row; undefined: no row. */
export interface Compared {
  readonly differences: readonly Difference[];
  readonly right: Sum | undefined;
}

const EQUAL: Compared = { differences: [], right: undefined };

function isSame(a: Row, b: Row): boolean {
  if (a.events !== b.events || a.cells.size !== b.cells.size) return false;
  for (const [cell, n] of a.cells) if (b.cells.get(cell) !== n) return false;
  return true;
}

/** Judges cells, and compares their contents. */
export class Judge {
  readonly #range: HourRange;
  readonly #found: Findings;

  constructor(range: HourRange, found: Findings) {
    this.#range = range;
    this.#found = found;
  }

  /** What is known about a period and each of its cells. */
  of(period: Period): PeriodJudge {
    const known = new Map<number, Judgement>();
    const whole = this.#judge(rangeOfPeriod(period));
    const cell = (cell: number) => {
      // An hour is always recounted as a whole.
      if (period.level === 'hours') return whole;
      let judgement = known.get(cell);
      if (judgement === undefined) {
        judgement = this.#judge(rangeOfCell(period, cellAtMs(period, cell)));
        known.set(cell, judgement);
      }
      return judgement;
    };
    return { period, isWhole: whole === 'compared', cell };
  }

  #judge(time: HourRange): Judgement {
    if (time.fromMs < this.#range.fromMs || time.toMs > this.#range.toMs) return 'partly';
    return this.#found.unknown.some((unknown) => overlaps(unknown, time)) ? 'unknown' : 'compared';
  }

  /** Compares one name in a period. @returns the differences, and the correct stored sum */
  compare(
    { period, isWhole, cell: judge }: PeriodJudge,
    expected: Row | undefined,
    stored: Row | undefined,
  ): Compared {
    const figures = this.#found.figures[period.level];
    const sum = expected ?? stored;
    if (sum === undefined) return EQUAL;
    if (isWhole && expected !== undefined && stored !== undefined && isSame(expected, stored)) {
      figures.compared += stored.cells.size;
      return EQUAL;
    }
    const { metric, entity } = sum;
    const differences: Difference[] = [];
    const cells = new Map(stored?.cells);
    const differ = (at: string, a: bigint | number | undefined, b: bigint | number | undefined) =>
      differences.push({
        in: period.level,
        of: nameOf(period),
        metric,
        entity,
        at,
        expected: String(a ?? 'none'),
        stored: String(b ?? 'none'),
      });
    for (const cell of new Set([...(expected?.cells.keys() ?? []), ...cells.keys()])) {
      const judgement = judge(cell);
      figures[judgement] += 1;
      if (judgement !== 'compared') continue;
      const [a, b] = [expected?.cells.get(cell), cells.get(cell)];
      if (a === b) continue;
      differ(isoSeconds(cellAtMs(period, cell)), a, b);
      if (a === undefined) cells.delete(cell);
      else cells.set(cell, a);
    }
    let events = stored?.events ?? 0;
    if (isWhole) {
      if (events !== (expected?.events ?? 0)) differ('events', expected?.events, stored?.events);
      events = expected?.events ?? 0;
    } else if (stored === undefined) events = expected?.events ?? 0;
    const right = cells.size === 0 ? undefined : { metric, entity, hour: 0, events, cells };
    return { differences, right };
  }
}

function rangeOfPeriod(period: Period): HourRange {
  return { fromMs: period.startMs, toMs: Math.min(periodEndMs(period), Number.MAX_SAFE_INTEGER) };
}

function rangeOfCell({ level }: Period, fromMs: number): HourRange {
  return { fromMs, toMs: level === 'all' ? nextMonthMs(fromMs) : fromMs + CELL_MS[level as 'days'] };
}

function nameOf({ level, startMs }: Period): string {
  return level === 'all' ? 'all' : isoSeconds(startMs);
}

/** Every period of a level with at least one cell in a range of hours. */
export function periodsIn(level: Level, { fromMs, toMs }: HourRange): Period[] {
  const periods: Period[] = [];
  let period = periodAt(level, fromMs);
  while (period.startMs < toMs) {
    const endMs = periodEndMs(period);
    if (coversCell(period, { fromMs: Math.max(fromMs, period.startMs), toMs: Math.min(toMs, endMs) }))
      periods.push(period);
    if (endMs === Number.POSITIVE_INFINITY) break;
    period = periodAt(level, endMs);
  }
  return periods;
}

function coversCell(period: Period, { fromMs, toMs }: HourRange): boolean {
  for (let atMs = cellStartMs(period.level, fromMs); atMs < toMs; ) {
    const cell = rangeOfCell(period, atMs);
    if (cell.fromMs >= fromMs && cell.toMs <= toMs) return true;
    atMs = cell.toMs;
  }
  return false;
}
