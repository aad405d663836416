// The levels above counter items: a day holds its hours, a month its days, the total its months. Each is recomputed and set.
import { type AttributeValue, type CounterKey, EXPIRY_GRACE_MS } from './counter-item.ts';
import { DAY_MS, dayStartMs, HOUR_MS, hourStartMs, isoSeconds, monthStartMs, nextMonthMs } from './time.ts';

/** The levels, finest first. */
export const LEVELS = ['days', 'months', 'total'] as const;
export type Level = (typeof LEVELS)[number];

/** Levels that have a cursor of their own; the total is set together with the months. */
export type CompactedLevel = Exclude<Level, 'total'>;

/** Names one item of a level. */
export interface LevelName {
  readonly level: Level;
  readonly metric: string;
  readonly entity: string;
  /** The start of its day or month, epoch milliseconds; 0 for the total. */
  readonly startMs: number;
}

/** What an item of a level says. */
export interface LevelItem {
  readonly startMs: number;
  /** Sums by the start of their hour, day or month, epoch milliseconds. */
  readonly sums: ReadonlyMap<number, bigint>;
  /** Grows by one with every change; from 1. */
  readonly revision: number;
  /** When the item may be deleted, epoch seconds; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** How long items of a level are kept after their day or month; undefined: for ever. The total is kept for ever. */
export type LevelRetentionsMs = Readonly<Record<CompactedLevel, number | undefined>>;

/** How long each is kept, counter items too: minutes after their hour. Undefined: for ever. */
export interface RetentionsMs extends LevelRetentionsMs {
  readonly counters: number | undefined;
}

/** What a level is made of. */
interface Shape {
  readonly letter: string;
  /** The start of the item, and of the sum in it, that an instant belongs to. */
  itemStartMs(atMs: number): number;
  sumStartMs(atMs: number): number;
  /** When the item's period is over; undefined: never. */
  itemEndMs(startMs: number): number | undefined;
  /** The part of the item's sort key that names its period. */
  period(startMs: number): string;
  attribute(sumStartMs: number): string;
  /** The inverse of `attribute` in an item; undefined when the name is none. */
  sumAt(startMs: number, attribute: string): number | undefined;
}

const SHAPES: Readonly<Record<Level, Shape>> = {
  days: {
    letter: 'D',
    itemStartMs: dayStartMs,
    sumStartMs: hourStartMs,
    itemEndMs: (startMs) => startMs + DAY_MS,
    period: (startMs) => `#${isoSeconds(startMs).slice(0, 10)}`,
    attribute: (sumStartMs) => `h${isoSeconds(sumStartMs).slice(11, 13)}`,
    sumAt: (startMs, attribute) =>
      /^h\d\d$/.test(attribute) ? startMs + Number(attribute.slice(1)) * HOUR_MS : undefined,
  },
  months: {
    letter: 'M',
    itemStartMs: monthStartMs,
    sumStartMs: dayStartMs,
    itemEndMs: nextMonthMs,
    period: (startMs) => `#${isoSeconds(startMs).slice(0, 7)}`,
    attribute: (sumStartMs) => `d${isoSeconds(sumStartMs).slice(8, 10)}`,
    sumAt: (startMs, attribute) =>
      /^d\d\d$/.test(attribute) ? startMs + (Number(attribute.slice(1)) - 1) * DAY_MS : undefined,
  },
  total: {
    letter: 'T',
    itemStartMs: () => 0,
    sumStartMs: monthStartMs,
    itemEndMs: () => undefined,
    period: () => '',
    attribute: (sumStartMs) => `m${isoSeconds(sumStartMs).slice(0, 7).replace('-', '')}`,
    sumAt: (_, attribute) =>
      /^m\d{6}$/.test(attribute)
        ? Date.UTC(Number(attribute.slice(1, 5)), Number(attribute.slice(5)) - 1)
        : undefined,
  },
};

/** The start of the item of a level that holds an instant, epoch milliseconds. */
export function itemStartMs(level: Level, atMs: number): number {
  return SHAPES[level].itemStartMs(atMs);
}

/** The start of the sum of a level that holds an instant: its hour, day or month. Epoch milliseconds. */
export function sumStartMs(level: Level, atMs: number): number {
  return SHAPES[level].sumStartMs(atMs);
}

/** The key of an item of a level: `entity` and `metric#D#2026-11-22`, `metric#M#2026-11`, `metric#T`. */
export function levelKey({ level, metric, entity, startMs }: LevelName): CounterKey {
  const { letter, period } = SHAPES[level];
  return { pk: entity, sk: `${metric}#${letter}${period(startMs)}` };
}

/** The start of the item that a sort key names, epoch milliseconds; undefined when it is no key of the level. */
export function startOfLevelKey(level: Level, sk: string): number | undefined {
  const [, letter, period] = sk.split('#');
  if (letter !== SHAPES[level].letter) return undefined;
  if (level === 'total') return 0;
  const startMs = Date.parse(level === 'months' ? `${period}-01T00:00:00Z` : `${period}T00:00:00Z`);
  return Number.isNaN(startMs) ? undefined : startMs;
}

/** Reads an item's numbers by attribute. @param numberOf the text of a numeric attribute */
export function levelItemOf(
  level: Level,
  startMs: number,
  attributes: Iterable<string>,
  numberOf: (attribute: string) => string | undefined,
): LevelItem {
  const sums = new Map<number, bigint>();
  for (const attribute of attributes) {
    const atMs = SHAPES[level].sumAt(startMs, attribute);
    const sum = atMs === undefined ? undefined : numberOf(attribute);
    if (atMs !== undefined && sum !== undefined) sums.set(atMs, BigInt(sum));
  }
  const expiresAt = numberOf('expiresAt');
  return {
    startMs,
    sums,
    revision: Number(numberOf('rev') ?? 0),
    expiresAt: expiresAt === undefined ? undefined : Number(expiresAt),
  };
}

/** When an item of a level may be deleted, epoch seconds; undefined: never. */
export function levelExpiresAt(
  { level, startMs }: Pick<LevelName, 'level' | 'startMs'>,
  retentionsMs: LevelRetentionsMs,
): number | undefined {
  const endMs = SHAPES[level].itemEndMs(startMs);
  const retentionMs = level === 'total' ? undefined : retentionsMs[level];
  if (endMs === undefined || retentionMs === undefined) return undefined;
  return Math.floor((endMs + retentionMs + EXPIRY_GRACE_MS) / 1000);
}

/** Clocks differ: what expires within this time may be deleted already. */
const DELETION_MARGIN_MS = 600_000;

/** Whether an item may be deleted already, or soon: nothing is recomputed from it, or set in it, any more. */
export function mayBeDeleted(expiresAt: number | undefined, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt * 1000 - DELETION_MARGIN_MS <= nowMs;
}

/** The sums that an item does not say yet. A sum of 0 is said, too: something happened then. */
export function changedSums(
  item: LevelItem | undefined,
  sums: ReadonlyMap<number, bigint>,
): ReadonlyMap<number, bigint> {
  return new Map([...sums].filter(([atMs, sum]) => item?.sums.get(atMs) !== sum));
}

/** The sum of everything an item says. */
export function sumOf({ sums }: Pick<LevelItem, 'sums'>): bigint {
  let total = 0n;
  for (const sum of sums.values()) total += sum;
  return total;
}

/** One change of an item of a level. */
export interface LevelChange {
  readonly name: LevelName;
  /** Sums to set, by the start of their hour, day or month. */
  readonly sums: ReadonlyMap<number, bigint>;
  /** The item's revision when it was read, before anything that the sums were made of; 0 when there was none. */
  readonly revision: number;
  readonly expiresAt: number | undefined;
}

/** The parts of an UpdateItem request that set sums on condition that the item is as it was read. */
export function levelChangeParams({ name, sums, revision, expiresAt }: LevelChange) {
  const values: Record<string, AttributeValue> = { ':rev': { N: String(revision + 1) } };
  const sets = ['rev = :rev'];
  for (const [atMs, sum] of sums) {
    const attribute = SHAPES[name.level].attribute(atMs);
    values[`:${attribute}`] = { N: String(sum) };
    sets.push(`${attribute} = :${attribute}`);
  }
  if (expiresAt !== undefined) {
    values[':expiresAt'] = { N: String(expiresAt) };
    sets.push('expiresAt = :expiresAt');
  }
  if (revision > 0) values[':read'] = { N: String(revision) };
  return {
    UpdateExpression: `SET ${sets.join(', ')}`,
    ConditionExpression: revision > 0 ? 'rev = :read' : 'attribute_not_exists(pk)',
    ExpressionAttributeValues: values,
  };
}

/** What a level can be relied on for. Both only ever rise. Epoch milliseconds; 0: nothing. */
export interface LevelClaim {
  /** Periods before this are to be read from the level: every segment that arrived before has been looked at. */
  readonly closedBeforeMs: number;
  /** The level holds everything that arrived before this. */
  readonly throughMs: number;
}

/** What is published about completeness: of the counter items, and of the levels. */
export interface Claims extends Readonly<Record<CompactedLevel, LevelClaim>> {
  /** The arrival time before which everything is in counter items, epoch milliseconds; 0: nothing is claimed. */
  readonly throughMs: number;
}

/** Claims of nothing. */
export const NO_CLAIMS: Claims = {
  throughMs: 0,
  days: { closedBeforeMs: 0, throughMs: 0 },
  months: { closedBeforeMs: 0, throughMs: 0 },
};
