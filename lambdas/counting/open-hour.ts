// The index of open hours, where a stage has it: which counter items stand in it, and the answer that is made from it.
import { bucketOfSortKey, type CounterKey, metricOfSortKey, type OpenHourMark } from './counter-item.ts';
import type { Claims } from './levels.ts';
import { bucketName, HOUR_MS, isoSeconds, parseBucketName } from './time.ts';
import { compareRanked, type Ranked } from './top-list.ts';
import { levelOfTop, type TopName, topEndMs } from './top-name.ts';
import type { TopAnswer, TopQuery } from './top-query.ts';

/**
 * Partition keys over which each hour of a metric is spread: a key takes 1,000 write units a second, an upsert of an item that is
 * in the index takes two, and an index that is throttled holds its table's writes up.
 */
const SLOTS = 16;

/** How long after its end an hour stays in the index: until the compactor has surely made its list. */
const OPEN_FOR_MS = 2 * HOUR_MS;

/** Whether an hour's counter items stand in the index. One that is still to come does, too: clocks differ. */
export function isInOpenHours(hourMs: number, nowMs: number): boolean {
  return nowMs < hourMs + HOUR_MS + OPEN_FOR_MS;
}

/** What an update does about the index: an item of an open hour gets into it, one of an hour that is over leaves it. */
export function openHourMark({ pk, sk }: CounterKey, nowMs: number): OpenHourMark {
  const hourMs = parseBucketName(bucketOfSortKey(sk));
  if (hourMs === undefined || !isInOpenHours(hourMs, nowMs)) return 'out';
  return { in: slotKey(metricOfSortKey(sk), hourMs, slotOf(pk)) };
}

/** All partition keys of one hour of a metric in the index. */
export function openHourKeys(metric: string, hourMs: number): string[] {
  return Array.from({ length: SLOTS }, (_, slot) => slotKey(metric, hourMs, slot));
}

function slotKey(metric: string, hourMs: number, slot: number): string {
  return `${metric}#${bucketName(hourMs, 60)}#${slot.toString(36)}`;
}

/** FNV-1a over code units: any even spread will do, as long as it stays the same. */
function slotOf(entity: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < entity.length; at += 1) {
    hash = Math.imul(hash ^ entity.charCodeAt(at), 0x01000193) >>> 0;
  }
  // The low bits of this hash hang on the low bits of its input alone.
  return ((hash >>> 16) ^ (hash & 0xffff)) % SLOTS;
}

/** Whether a question is for the index: an hour that stands in it, and that the compactor has not closed yet. */
export function asksOpenHour(name: TopName, claims: Claims, nowMs: number): boolean {
  const { closedBeforeMs } = claims[levelOfTop(name.by)];
  return name.by === 'hour' && topEndMs(name) > closedBeforeMs && isInOpenHours(name.startMs, nowMs);
}

/**
 * The answer about an open hour. What it says of each entity is complete through the claim; that nobody else has more is only as
 * true as the index is young, which nothing can vouch for.
 * @param counts what the index's first entities have, read from their counter items after the claims
 */
export function openHourAnswer(
  { k }: TopQuery,
  name: TopName,
  { throughMs }: Claims,
  counts: readonly Ranked[],
): TopAnswer {
  return {
    metric: name.metric,
    by: name.by,
    from: isoSeconds(name.startMs),
    to: isoSeconds(topEndMs(name)),
    completeThrough: throughMs === 0 ? null : new Date(throughMs).toISOString(),
    state: 'provisional',
    note: 'the hour is still open: the counts are exact, who is among the first is as of some seconds ago',
    entries: counts.toSorted(compareRanked).slice(0, k),
  };
}
