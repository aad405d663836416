// The ledger's items in DynamoDB: their keys and attributes.
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { attributes, type Item, key } from '../aws/table.ts';
import type { Checkpoint } from '../core/checkpoint.ts';
import { type HashRange, WHOLE_RANGE } from '../core/hash-range.ts';
import type { HourAccounts } from '../core/hour-accounts.ts';
import { parseSegmentId, type SegmentId, type ShardKey } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import { noParts, type SegmentEntry } from '../core/segment-entry.ts';
import { NO_WATERMARK, type Watermark } from '../core/watermark.ts';
import type { NotedPlace, StreamGap } from '../ports.ts';

/** Maximum bytes of ids in one item; DynamoDB's limit is 400 KB. */
export const IDS_CHUNK_BYTES = 320_000;

/** Digits of Kinesis' sequence numbers, for sortable keys. */
const SEQUENCE_NUMBER_DIGITS = 56;

/** The partition that lists the shards in the ledger. */
export const SHARDS_PK = 'SHARDS';

function padded(segment: number): string {
  return String(segment).padStart(12, '0');
}

/** Builds keys of the ledger's items; no other code concatenates them. */
export const ledgerKeys = {
  shard: (shard: ShardKey) => key(SHARDS_PK, shard),
  watermark: () => key('CLAIM', 'COMPLETE_THROUGH'),
  generations: () => key('GENERATIONS', 'ALL'),
  head: (shard: ShardKey) => key(shard, 'HEAD'),
  checkpoint: (shard: ShardKey) => key(shard, 'BOOKS'),
  gap: (shard: ShardKey, after: string) => key(shard, `GAP#${after.padStart(SEQUENCE_NUMBER_DIGITS, '0')}`),
  entry: (shard: ShardKey, segment: number) => key(shard, `SEG#${padded(segment)}`),
  entryOf: (id: SegmentId) => {
    const { shard, segment } = parseSegmentId(id);
    return ledgerKeys.entry(shard, segment);
  },
  /** `~` sorts after every chunk. */
  ids: (shard: ShardKey, segment: number, chunk: number | '~') =>
    key(shard, `IDS#${padded(segment)}#${chunk}`),
};

/** Parses the sort key of a chunk of ids. */
export function idsNameOf(sk: string): { readonly segment: number; readonly chunk: number } {
  const [, segment, chunk] = sk.split('#');
  return { segment: Number(segment), chunk: Number(chunk) };
}

/** A head as an item. */
export function headItem(shard: ShardKey, head: Head): Item {
  return { ...ledgerKeys.head(shard), ...attributes({ ...head }) };
}

/** Parses a head's item. */
export function headOf(item: Item): Head {
  const { pk: _pk, sk: _sk, config, ...head } = unmarshall(item);
  return { ...head, config: { ...config, acceptPastMs: config.acceptPastMs } } as unknown as Head;
}

/** An entry as an item. `expiresAt` is epoch seconds; undefined: never. */
export function entryItem(shard: ShardKey, entry: SegmentEntry, expiresAt: number | undefined): Item {
  const {
    acked: _a,
    dead: _d,
    parked: _p,
    returned: _r,
    discarded: _di,
    expired: _e,
    parts,
    ...rest
  } = entry;
  const fields = { ...rest, parts: packedParts(parts), expiresAt };
  return { ...ledgerKeys.entry(shard, entry.segment), ...attributes(fields) };
}

/**
 * Parts as text: the length of their ranges, then range and events of each, in base 36. An entry has one for each hash slot, and
 * each acknowledgement updates it: named fields would double that cost.
 */
function packedParts(parts: SegmentEntry['parts']): string {
  const bits = parts[0]?.range.length ?? 0;
  const texts = parts.map(
    ({ range, events }) => `${Number.parseInt(range || '0', 2).toString(36)}.${events.toString(36)}`,
  );
  return [bits, ...texts].join(' ');
}

function unpackedParts(text: string): SegmentEntry['parts'] {
  const [bits, ...parts] = text.split(' ');
  return parts.map((part) => {
    const [slot = '', events = ''] = part.split('.').map((number) => Number.parseInt(number, 36));
    const range = Number(bits) === 0 ? WHOLE_RANGE : Number(slot).toString(2).padStart(Number(bits), '0');
    return { range: range as HashRange, events: Number(events) };
  });
}

const EXPIRED_PART = /^x(\d+)$/;

/** The attribute with the number of a part's events that arrived after the minutes' retention. */
export function expiredAttribute(part: number): string {
  return `x${part}`;
}

/** Updates of an entry when the place of parts is noted. What waits for an operator may outlast the entries' retention. */
export const PLACE_UPDATES: Readonly<Record<NotedPlace, string>> = {
  dead: 'ADD dead :parts DELETE returned :parts REMOVE expiresAt',
  parked: 'ADD parked :parts DELETE dead :parts, returned :parts REMOVE expiresAt',
  discarded: 'ADD discarded :parts DELETE dead :parts, parked :parts, returned :parts REMOVE expiresAt',
  returned: 'ADD returned :parts DELETE dead :parts, parked :parts, discarded :parts',
};

/** Parses an entry's item. */
export function entryOf(item: Item): SegmentEntry {
  const { pk: _pk, sk: _sk, parts, ...rest } = unmarshall(item);
  const expired: Record<number, number> = {};
  for (const [name, value] of Object.entries(rest)) {
    const match = EXPIRED_PART.exec(name);
    if (match === null) continue;
    expired[Number(match[1])] = value;
    delete rest[name];
  }
  const { config } = rest;
  return {
    ...{ ...noParts(), ...rest, expired },
    config: { ...config, acceptPastMs: config.acceptPastMs },
    parts: unpackedParts(parts),
  } as unknown as SegmentEntry;
}

/** The watermark's item. */
export function watermarkItem(watermark: Watermark): Item {
  return { ...ledgerKeys.watermark(), ...attributes({ ...watermark }) };
}

/** Parses the watermark's item; older items lack fields. */
export function watermarkOf(item: Item): Watermark {
  const { pk: _pk, sk: _sk, kept, ...watermark } = unmarshall(item);
  const levels = Object.entries((kept ?? {}) as NonNullable<Watermark['kept']>);
  const whole = levels.map(([level, one]) => [level, { ...one, retentionMs: one.retentionMs }]);
  return { ...NO_WATERMARK, ...watermark, kept: kept && Object.fromEntries(whole) };
}

/** A gap's item. Its end is padded, so that sequence numbers of different lengths compare as text. */
export function gapItem(shard: ShardKey, { after, before, noticedAtMs }: StreamGap) {
  return {
    ...ledgerKeys.gap(shard, after),
    after: { S: after },
    before: { S: before.padStart(SEQUENCE_NUMBER_DIGITS, '0') },
    noticedAt: { S: new Date(noticedAtMs).toISOString() },
  };
}

/** A checkpoint's item. Hours are lists of numbers without names: there are up to 48, written every minute. */
export function checkpointItem(shard: ShardKey, { hours, ...checkpoint }: Checkpoint): Item {
  const packed = hours && { sinceMs: hours.sinceMs, sums: hours.accounts.map(packedHour) };
  return { ...ledgerKeys.checkpoint(shard), ...attributes({ ...checkpoint, hours: packed }) };
}

/** Parses a checkpoint's item. Older items have no hours. */
export function checkpointOf(item: Item): Checkpoint {
  const { pk: _pk, sk: _sk, hours, ...checkpoint } = unmarshall(item);
  const accounts = (hours?.sums as number[][] | undefined)?.map(unpackedHour) ?? [];
  return { ...checkpoint, hours: hours && { sinceMs: hours.sinceMs, accounts } } as Checkpoint;
}

/** An hour's columns, in the item's order: append only. */
const HOUR_COLUMNS = [
  'hourMs',
  'received',
  'duplicate',
  'rejected',
  'passedOn',
  'counted',
  'expired',
  'inFlight',
  'dead',
  'parked',
  'lost',
] as const satisfies readonly (keyof HourAccounts)[];

function packedHour(hour: HourAccounts): number[] {
  return HOUR_COLUMNS.map((column) => hour[column]);
}

function unpackedHour(numbers: readonly number[]): HourAccounts {
  const columns = HOUR_COLUMNS.map((column, index) => [column, numbers[index] ?? 0]);
  return Object.fromEntries(columns) as unknown as HourAccounts;
}
