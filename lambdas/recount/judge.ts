// Decides whether a cell can be compared: the recounted hours cover it, and no unknown segment may have added to it.
import { cellAtMs, cellStartMs, type Level, type Period, periodEndMs, periodsOver } from '../core/level.ts';
import { hasSameCounts, type Row } from '../core/rows.ts';
import { DAY_MS, HOUR_MS, isoSeconds, MINUTE_MS, nextMonthMs } from '../core/time.ts';
import { type Difference, type HourRange, overlaps, type RecountState } from './ports.ts';
import { type Sum, sides } from './sums.ts';

type Judgement = 'compared' | 'partly' | 'unknown';

const CELL_MS = { hours: MINUTE_MS, days: HOUR_MS, months: DAY_MS };

/** The differences of one name in a period, and the correct row; undefined: no row. */
export interface Compared {
  readonly differences: readonly Difference[];
  readonly right: Sum | undefined;
}

const EQUAL: Compared = { differences: [], right: undefined };

/** Judges the cells of a period, and compares their contents. */
export class PeriodJudge {
  readonly #period: Period;
  readonly #state: RecountState;
  readonly #whole: Judgement;
  readonly #cells = new Map<number, Judgement>();

  constructor(period: Period, state: RecountState) {
    this.#period = period;
    this.#state = state;
    this.#whole = this.#judge(rangeOfPeriod(period));
  }

  /** Compares one name. @returns the differences, and the correct stored sum */
  compare(expected: Row | undefined, stored: Row | undefined): Compared {
    const period = this.#period;
    const figures = this.#state.found.figures[period.level];
    const isWhole = this.#whole === 'compared';
    const sum = expected ?? stored;
    if (sum === undefined) return EQUAL;
    if (isWhole && expected !== undefined && stored !== undefined && hasSameCounts(expected, stored)) {
      figures.compared += stored.cells.size;
      return EQUAL;
    }
    const { metric, entity } = sum;
    const name = { in: period.level, of: nameOf(period), metric, entity };
    const differences: Difference[] = [];
    const differ = (at: string, a: bigint | number | undefined, b: bigint | number | undefined) =>
      differences.push({ ...name, at, expected: String(a ?? 'none'), stored: String(b ?? 'none') });
    const cells = new Map(stored?.cells);
    for (const [cell, a, b] of sides(expected?.cells, stored?.cells)) {
      const judgement = this.#judgeCell(cell);
      figures[judgement] += 1;
      if (judgement !== 'compared' || a === b) continue;
      differ(isoSeconds(cellAtMs(period, cell)), a, b);
      if (a === undefined) cells.delete(cell);
      else cells.set(cell, a);
    }
    const events = isWhole || stored === undefined ? (expected?.events ?? 0) : stored.events;
    if (isWhole && events !== (stored?.events ?? 0)) differ('events', expected?.events, stored?.events);
    const right = cells.size === 0 ? undefined : { metric, entity, hour: 0, events, cells };
    return { differences, right };
  }

  #judgeCell(cell: number): Judgement {
    const period = this.#period;
    // An hour is always recounted as a whole.
    if (period.level === 'hours') return this.#whole;
    const judgement = this.#cells.get(cell) ?? this.#judge(rangeOfCell(period, cellAtMs(period, cell)));
    this.#cells.set(cell, judgement);
    return judgement;
  }

  #judge(time: HourRange): Judgement {
    const { range, found } = this.#state;
    if (time.fromMs < range.fromMs || time.toMs > range.toMs) return 'partly';
    return found.unknown.some((unknown) => overlaps(unknown, time)) ? 'unknown' : 'compared';
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
  return [...periodsOver(level, fromMs, toMs)].filter((period) =>
    coversCell(period, {
      fromMs: Math.max(fromMs, period.startMs),
      toMs: Math.min(toMs, periodEndMs(period)),
    }),
  );
}

function coversCell(period: Period, { fromMs, toMs }: HourRange): boolean {
  for (let atMs = cellStartMs(period.level, fromMs); atMs < toMs; ) {
    const cell = rangeOfCell(period, atMs);
    if (cell.fromMs >= fromMs && cell.toMs <= toMs) return true;
    atMs = cell.toMs;
  }
  return false;
}
