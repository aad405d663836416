// The four levels of counts: their periods (one block each) and cells.

import { type KeptLevel, keptGoneAtMs } from './boundaries.ts';
import {
  DAY_MS,
  dayStartMs,
  HOUR_MS,
  hourStartMs,
  isoSeconds,
  MINUTE_MS,
  monthStartMs,
  nextMonthMs,
} from './time.ts';

/** The levels, finest first. A block of `hours` holds the minutes of an hour, one of `all` the months of all time. */
export const LEVELS = ['hours', 'days', 'months', 'all'] as const;
export type Level = (typeof LEVELS)[number];

/** The levels above the hours. */
export const UPPER_LEVELS = ['days', 'months', 'all'] as const;
export type UpperLevel = (typeof UPPER_LEVELS)[number];

/** How long a level's blocks are kept after their period: milliseconds, undefined for forever, or as recorded in the ledger. */
export type Retentions = Readonly<Record<Level, number | undefined | KeptLevel>>;

export interface Period {
  readonly level: Level;
  /** Epoch milliseconds; 0 for all time. */
  readonly startMs: number;
}

interface Shape {
  periodStartMs(atMs: number): number;
  /** When the period ends; `Infinity`: never. */
  periodEndMs(startMs: number): number;
  /** The number of the cell that contains an instant. */
  cell(atMs: number): number;
  /** The start of a cell of a period, epoch milliseconds. */
  cellAtMs(startMs: number, cell: number): number;
  /** The period's name in a key; sorts by time. */
  name(startMs: number): string;
}

const SHAPES: Readonly<Record<Level, Shape>> = {
  hours: {
    periodStartMs: hourStartMs,
    periodEndMs: (startMs) => startMs + HOUR_MS,
    cell: (atMs) => Math.floor(atMs / MINUTE_MS) % 60,
    cellAtMs: (startMs, cell) => startMs + cell * MINUTE_MS,
    name: (startMs) => isoSeconds(startMs).slice(0, 13),
  },
  days: {
    periodStartMs: dayStartMs,
    periodEndMs: (startMs) => startMs + DAY_MS,
    cell: (atMs) => Math.floor(atMs / HOUR_MS) % 24,
    cellAtMs: (startMs, cell) => startMs + cell * HOUR_MS,
    name: (startMs) => isoSeconds(startMs).slice(0, 10),
  },
  months: {
    periodStartMs: monthStartMs,
    periodEndMs: nextMonthMs,
    cell: (atMs) => new Date(atMs).getUTCDate() - 1,
    cellAtMs: (startMs, cell) => startMs + cell * DAY_MS,
    name: (startMs) => isoSeconds(startMs).slice(0, 7),
  },
  all: {
    periodStartMs: () => 0,
    periodEndMs: () => Number.POSITIVE_INFINITY,
    cell: (atMs) => {
      const at = new Date(atMs);
      return (at.getUTCFullYear() - 1970) * 12 + at.getUTCMonth();
    },
    cellAtMs: (_, cell) => Date.UTC(1970, cell),
    name: () => 'all',
  },
};

/** A level's period that contains an instant. */
export function periodAt(level: Level, atMs: number): Period {
  return { level, startMs: SHAPES[level].periodStartMs(atMs) };
}

/** The start of a level's period that contains an instant, epoch milliseconds. */
export function periodStartMs(level: Level, atMs: number): number {
  return SHAPES[level].periodStartMs(atMs);
}

/** When a period ends, epoch milliseconds; `Infinity` for all time. */
export function periodEndMs({ level, startMs }: Period): number {
  return SHAPES[level].periodEndMs(startMs);
}

/** The periods of a level that overlap `fromMs <= t < toMs`, ascending. */
export function* periodsOver(level: Level, fromMs: number, toMs: number): Generator<Period> {
  for (let atMs = fromMs; atMs < toMs; ) {
    const period = periodAt(level, atMs);
    yield period;
    atMs = periodEndMs(period);
  }
}

/** The start of a level's cell that contains an instant, epoch milliseconds. */
export function cellStartMs(level: Level, atMs: number): number {
  return cellAtMs(periodAt(level, atMs), cellOf(level, atMs));
}

/** The number of the cell that contains an instant, within its period. */
export function cellOf(level: Level, atMs: number): number {
  return SHAPES[level].cell(atMs);
}

/** The start of a cell of a period, epoch milliseconds. */
export function cellAtMs({ level, startMs }: Period, cell: number): number {
  return SHAPES[level].cellAtMs(startMs, cell);
}

/** The period's name in a key: `2026-11-22T05`, `2026-11-22`, `2026-11`, `all`. */
export function periodName({ level, startMs }: Period): string {
  return SHAPES[level].name(startMs);
}

/** Parses a period's name. @throws RangeError when it is invalid */
export function parsePeriod(level: Level, name: string): Period {
  const text = level === 'all' ? '1970-01' : name;
  const startMs = Date.parse(
    level === 'hours' ? `${text}:00Z` : `${text}${level === 'days' ? '' : '-01'}T00:00Z`,
  );
  if (Number.isNaN(startMs)) throw new RangeError(`"${name}" is no period of the ${level}`);
  return { level, startMs };
}

/** Blocks stay this long beyond their retention, since clocks differ and DynamoDB deletes late. */
export const EXPIRY_GRACE_MS = DAY_MS;

/**
 * When a period's blocks count as gone, epoch milliseconds; `Infinity`: never. Its items are deleted at least
 * `EXPIRY_GRACE_MS` later, so that nothing is merged into a block that has just been deleted.
 */
export function goneAtMs(period: Period, retentions: Retentions): number {
  const retention = retentions[period.level];
  if (retention === undefined) return Number.POSITIVE_INFINITY;
  const endMs = periodEndMs(period);
  return typeof retention === 'number' ? endMs + retention : keptGoneAtMs(endMs, retention);
}

/** When a period's items may be deleted, epoch seconds; undefined: never. */
export function expiresAtOf(period: Period, retentions: Retentions): number | undefined {
  const goneMs = goneAtMs(period, retentions);
  return goneMs === Number.POSITIVE_INFINITY ? undefined : Math.ceil((goneMs + EXPIRY_GRACE_MS) / 1000);
}
