// The store's items in DynamoDB: their keys and attributes.
import { attributes, type Item, key } from '../aws/table.ts';
import type { DeltaName } from '../core/delta.ts';
import { type HashRange, parseHashRange } from '../core/hash-range.ts';
import { parseSegmentId } from '../core/identifiers.ts';
import { type Period, periodName, type UpperLevel } from '../core/level.ts';
import type { Block, StoredDelta } from './ports.ts';

/** Digits of epoch milliseconds and of epochs, so that keys sort numerically. */
const DIGITS = 14;

function padded(number: number): string {
  return String(number).padStart(DIGITS, '0');
}

/** Sorts after everything that can follow a `#` in a sort key. */
const LAST = '~';

/** A block's partition key has this many leading bits of its range, which spreads a busy period over as many partitions. */
export const PARTITION_BITS = 4;

/** Builds keys of the store's items; no other code concatenates them. */
export const storeKeys = {
  deltas: (range: HashRange) => `DELTA#${range}`,
  delta: ({ range, runMaxMs, segment, part }: DeltaName) =>
    key(storeKeys.deltas(range), `${padded(runMaxMs)}#${segment}#${part}`),
  /** Sort-key bounds of all deltas with these running maxima, both included. */
  deltaBounds: (fromMs: number, toMs: number) => [padded(fromMs), `${padded(toMs)}#${LAST}`] as const,
  /** The partition of a period's blocks whose ranges begin with `prefix`, or are shorter. */
  blocks: (period: Period, prefix: string) => `BLOCK#${period.level}#${periodName(period)}#${prefix}`,
  block: (period: Period, range: HashRange) => {
    const prefix = range.length < PARTITION_BITS ? '' : range.slice(0, PARTITION_BITS);
    // A sort key must not be empty.
    return key(storeKeys.blocks(period, prefix), `B${range}`);
  },
  late: (level: UpperLevel, range: HashRange) => `LATE#${level}#${range}`,
  lateRows: (level: UpperLevel, range: HashRange, epoch: number, chunk: number) =>
    key(storeKeys.late(level, range), `${padded(epoch)}#${chunk}`),
  lateBounds: (after: number, through: number) => [padded(after + 1), `${padded(through)}#${LAST}`] as const,
  metrics: () => 'METRICS',
  metric: (metric: string) => key(storeKeys.metrics(), metric),
  tops: (period: Period) => `TOP#${period.level}#${periodName(period)}`,
  top: (metric: string, period: Period) => key(storeKeys.tops(period), metric),
};

/** A delta's item. @param content undefined: a tombstone @param expiresAt epoch seconds; undefined: never */
export function deltaItem(
  name: DeltaName,
  content: { readonly events: number; readonly rows: Uint8Array } | undefined,
  expiresAt: number | undefined,
): Item {
  const fields = content === undefined ? { tombstone: true } : { events: content.events, rows: content.rows };
  return { ...storeKeys.delta(name), ...attributes({ ...fields, expiresAt }) };
}

/** Whether a delta's item is a tombstone. */
export function isTombstone(item: Item): boolean {
  return item['tombstone']?.BOOL === true;
}

/** Parses a delta's item. @throws RangeError when its key is not a delta's */
export function deltaOf(item: Item): StoredDelta {
  const range = parseHashRange((item['pk']?.S ?? '').slice('DELTA#'.length));
  const [runMax = '', segment = '', part = ''] = (item['sk']?.S ?? '').split('#');
  return {
    range,
    runMaxMs: Number(runMax),
    segment: parseSegmentId(segment).id,
    part: Number(part),
    events: Number(item['events']?.N ?? 0),
    rows: isTombstone(item) ? undefined : item['rows']?.B,
  };
}

/** A block's item. */
export function blockItem(
  period: Period,
  range: HashRange,
  { epoch, edit, content }: Block,
  expiresAt: number | undefined,
): Item {
  const fields = {
    epoch,
    edit: edit > 0 ? edit : undefined,
    ...(content === 'split' ? { split: true } : { rows: content }),
    expiresAt,
  };
  return { ...storeKeys.block(period, range), ...attributes(fields) };
}

/** Parses a block's item. */
export function blockOf(item: Item): Block {
  return {
    epoch: Number(item['epoch']?.N),
    edit: Number(item['edit']?.N ?? 0),
    content: item['split']?.BOOL === true ? 'split' : (item['rows']?.B ?? new Uint8Array()),
  };
}

export function blockRange(item: Item): HashRange {
  return parseHashRange((item['sk']?.S ?? '').slice(1));
}
