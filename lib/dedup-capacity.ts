// The maximum size of a dedup window: what fits the aggregator's memory, and what a cold container can read in time.
import type { Configuration } from './configuration.ts';
import { MEMORY_MB_MAX } from './settings.ts';

/** Memory that the aggregator needs besides ids, MB. */
const BASE_MB = 400;
/** Maximum memory of an id: four slots of 12 bytes, and half as much again while the table grows. */
const ID_BYTES = 72;
/** A window holds up to as many ids again that have left it, before it drops them (`ShardWindow`). */
const HELD_PER_ID = 2;
/** Ids that a cold container reads in half of its timeout, per MB of memory: 400,000 a second at 1,024 MB, a third of the measured rate. */
const COLD_IDS_PER_MB = 11_700;

/** How many ids the aggregator's memory holds. */
export function dedupIdsMax({ aggregatorMemoryMb }: Pick<Configuration, 'aggregatorMemoryMb'>): number {
  return Math.max(0, Math.floor(((aggregatorMemoryMb - BASE_MB) * 1_000_000) / ID_BYTES));
}

/** The whole window must fit into memory, and a cold container must read it before its first batch. */
export function checkDedupWindow(c: Configuration): string | undefined {
  const { dedupEventsPerSecond, dedupWindowSeconds, streamShards, aggregatorMemoryMb } = c;
  const ids = Math.ceil((dedupEventsPerSecond * dedupWindowSeconds) / streamShards);
  const most = Math.floor(Math.min(dedupIdsMax(c) / HELD_PER_ID, COLD_IDS_PER_MB * aggregatorMemoryMb));
  if (ids <= most) return undefined;
  const seconds = Math.floor((most * streamShards) / dedupEventsPerSecond);
  const count = (figure: number) => figure.toLocaleString('en');
  if (seconds < 1) {
    const leastMb = Math.max(
      BASE_MB + Math.ceil((ids * HELD_PER_ID * ID_BYTES) / 1_000_000),
      Math.ceil(ids / COLD_IDS_PER_MB),
    );
    const room = `a dedup window of ${dedupWindowSeconds} seconds makes ${count(ids)} ids a shard, and aggregatorMemoryMb ${aggregatorMemoryMb} is enough for ${count(most)}.`;
    return leastMb <= MEMORY_MB_MAX
      ? `aggregatorMemoryMb must be at least ${leastMb}: ${room}`
      : `dedupEventsPerSecond must be at most ${Math.floor((most * streamShards) / dedupWindowSeconds)}: ${room} More memory or shards allow more.`;
  }
  return `dedupWindowSeconds must be at most ${seconds}: dedupEventsPerSecond ${dedupEventsPerSecond} on ${streamShards} shards make ${count(ids)} ids a shard, and aggregatorMemoryMb ${aggregatorMemoryMb} is enough for ${count(most)}. More memory or shards allow more.`;
}
