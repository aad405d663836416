// How many ids a dedup window may hold: what fits the aggregator's memory, and what a cold container reads in time.
import type { Configuration } from './configuration.ts';

/** Memory that the aggregator needs besides ids, MB. */
const AGGREGATOR_BASE_MB = 400;
/** The most that an id takes in memory: four places of 12 bytes, and half as much again while they are made anew. */
const ID_MEMORY_BYTES = 72;

/** How many ids the aggregator's memory holds. */
export function dedupIdsMax({ aggregatorMemoryMb }: Pick<Configuration, 'aggregatorMemoryMb'>): number {
  return Math.max(0, Math.floor(((aggregatorMemoryMb - AGGREGATOR_BASE_MB) * 1_000_000) / ID_MEMORY_BYTES));
}

/** Ids that a cold container takes up in a second on a sixteenth of a processor for each 110 MB: measured, docs/performance.md. */
const COLD_IDS_PER_SECOND_AND_GB = 400_000;

/** How many ids a cold start reads within half of the aggregator's time. */
function coldIdsMax({ aggregatorTimeoutSeconds, aggregatorMemoryMb }: Configuration): number {
  return Math.floor(
    (aggregatorTimeoutSeconds / 2) * COLD_IDS_PER_SECOND_AND_GB * (aggregatorMemoryMb / 1024),
  );
}

/** How many ids a shard's dedup window has at the rate that is planned for. */
export function dedupIds(c: Configuration): number {
  return Math.ceil((c.dedupEventsPerSecond * c.dedupWindowSeconds) / c.streamShards);
}

/** A window is in memory as a whole, and a cold container reads it before its first batch. */
export function checkDedupWindow(c: Configuration): string | undefined {
  const most = Math.min(dedupIdsMax(c), coldIdsMax(c));
  if (dedupIds(c) <= most) return undefined;
  const seconds = Math.floor((most * c.streamShards) / c.dedupEventsPerSecond);
  const [what, setting] =
    most === dedupIdsMax(c)
      ? ['its memory holds', `aggregatorMemoryMb (${c.aggregatorMemoryMb})`]
      : ['a cold start reads in half its time', `aggregatorTimeoutSeconds (${c.aggregatorTimeoutSeconds})`];
  const needs = `dedupEventsPerSecond ${c.dedupEventsPerSecond} over ${c.streamShards} shards make ${dedupIds(c).toLocaleString('en')} ids a window, and ${what} ${most.toLocaleString('en')}`;
  return `dedupWindowSeconds must be at most ${seconds}: ${needs}; or raise ${setting} or streamShards.`;
}
