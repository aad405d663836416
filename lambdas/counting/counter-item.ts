// The counter item of one (metric, entity, bucket): its key, the one conditional upsert, and what reading it gives.
import type { SegmentId } from './identifiers.ts';
import type { RollupRow } from './rollup-message.ts';
import { DAY_MS, HOUR_MS, hourStartMs, parseBucketName } from './time.ts';

/**
 * A counter item's key. The entity alone is the partition key: at 512 characters of 4 bytes it fills DynamoDB's 2,048
 * bytes to the last one, so the metric stands in the sort key.
 */
export interface CounterKey {
  readonly pk: string;
  readonly sk: string;
}

/** The key of a counter item: `entity` and `metric#H#bucket`. */
export function counterKey(metric: string, entity: string, bucket: string): CounterKey {
  return { pk: entity, sk: `${metric}#H#${bucket}` };
}

/** The bucket in a counter item's sort key. */
export function bucketOfSortKey(sk: string): string {
  return sk.slice(sk.lastIndexOf('#') + 1);
}

/** The metric in a counter item's sort key. A metric has no "#". */
export function metricOfSortKey(sk: string): string {
  return sk.slice(0, Math.max(0, sk.indexOf('#')));
}

/**
 * Most segments in one update: their condition, 35 bytes and 2 operators each, must stay within DynamoDB's 4 KB and
 * 300 operators.
 */
export const UPDATE_SEGMENTS_MAX = 50;

/** One upsert of one counter item: what some segments add to it, all or nothing. */
export interface CounterUpdate {
  readonly key: CounterKey;
  readonly segments: readonly SegmentId[];
  readonly events: number;
  /** Sums by minute of the hour. */
  readonly minutes: Readonly<Record<number, number>>;
  /** When the item may be deleted, epoch seconds; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** What one segment adds to a counter item. */
export interface Contribution {
  readonly segment: SegmentId;
  readonly row: Pick<RollupRow, 'events' | 'minutes'>;
}

/** Sums the contributions of different segments to one counter item into one update. */
export function counterUpdate(
  key: CounterKey,
  contributions: readonly Contribution[],
  expiresAt: number | undefined,
): CounterUpdate {
  const minutes: Record<number, number> = {};
  let events = 0;
  for (const { row } of contributions) {
    events += row.events;
    for (const [minute, n] of Object.entries(row.minutes)) {
      minutes[Number(minute)] = (minutes[Number(minute)] ?? 0) + n;
    }
  }
  return { key, segments: contributions.map(({ segment }) => segment), events, minutes, expiresAt };
}

/** The attribute of a minute: `m00` to `m59`. */
export function minuteAttribute(minute: number): string {
  return `m${String(minute).padStart(2, '0')}`;
}

/** DynamoDB's typed values, as far as counter items use them. */
export type AttributeValue = { N: string } | { S: string } | { SS: string[] };

/** The parts of an UpdateItem request that do not depend on the table. */
export interface UpdateItemParams {
  readonly UpdateExpression: string;
  readonly ConditionExpression: string;
  readonly ExpressionAttributeValues: Record<string, AttributeValue>;
}

/**
 * What an update does about the index of open hours (lib/tables.ts), where a stage has one: puts the item into it under a
 * partition key of the index, or takes it out.
 */
export type OpenHourMark = { readonly in: string } | 'out';

/**
 * The one write of Tally: `ADD n, e, the minutes and the segment ids, on condition that the item has none of the
 * segments`. Safe to send again for as long as the item lives, in whatever order.
 * @param mark undefined: the stage has no index of open hours
 */
export function counterUpdateParams(update: CounterUpdate, mark?: OpenHourMark): UpdateItemParams {
  const values: Record<string, AttributeValue> = {
    ':e': { N: String(update.events) },
    ':applied': { SS: [...update.segments] },
  };
  const adds = ['n :n', 'e :e', 'applied :applied'];
  let total = 0;
  for (const [minute, n] of Object.entries(update.minutes)) {
    const attribute = minuteAttribute(Number(minute));
    values[`:${attribute}`] = { N: String(n) };
    adds.push(`${attribute} :${attribute}`);
    total += n;
  }
  values[':n'] = { N: String(total) };
  const conditions = update.segments.map((segment, index) => {
    values[`:s${index}`] = { S: segment };
    return `NOT contains(applied, :s${index})`;
  });
  const sets: string[] = [];
  if (update.expiresAt !== undefined) {
    sets.push('expiresAt = :expiresAt');
    values[':expiresAt'] = { N: String(update.expiresAt) };
  }
  if (mark !== undefined && mark !== 'out') {
    sets.push('openHour = :openHour');
    values[':openHour'] = { S: mark.in };
  }
  const clauses = [
    `ADD ${adds.join(', ')}`,
    ...(sets.length > 0 ? [`SET ${sets.join(', ')}`] : []),
    ...(mark === 'out' ? ['REMOVE openHour'] : []),
  ];
  return {
    UpdateExpression: clauses.join(' '),
    ConditionExpression: conditions.join(' AND '),
    ExpressionAttributeValues: values,
  };
}

/** How long an item outlives its retention: what was added to it last must have reached the level above. */
export const EXPIRY_GRACE_MS = 2 * DAY_MS;

/**
 * When a bucket's counter item may be deleted, epoch seconds; undefined when it is kept for ever. All items of one hour
 * go together, however wide their buckets are: half an hour would look like a whole one to the levels.
 */
export function counterExpiresAt(bucket: string, retentionMs: number | undefined): number | undefined {
  const startMs = parseBucketName(bucket);
  if (retentionMs === undefined || startMs === undefined) return undefined;
  return Math.floor((hourStartMs(startMs) + HOUR_MS + retentionMs + EXPIRY_GRACE_MS) / 1000);
}

/**
 * How long before an item's expiry the writer stops adding to it: clocks differ, deletion must not race an update, and the
 * compactor still has to read it.
 */
export const EXPIRY_MARGIN_MS = EXPIRY_GRACE_MS + HOUR_MS;

/** Whether a counter item may be gone already, so that its segments are no longer known and nothing may be added. */
export function isExpired(expiresAt: number | undefined, nowMs: number): boolean {
  return expiresAt !== undefined && nowMs >= expiresAt * 1000 - EXPIRY_MARGIN_MS;
}

/** What a counter item says. Sums are bigints: DynamoDB's numbers outgrow a double's 53 bits. */
export interface CounterItem {
  readonly bucketStartMs: number;
  /** Sums by minute of the hour. */
  readonly minutes: ReadonlyMap<number, bigint>;
  /** When the item may be deleted, epoch seconds. Deletion comes late: past it, the item counts as gone. */
  readonly expiresAt: number | undefined;
}
