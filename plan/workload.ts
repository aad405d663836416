// A load: how many events, of how many entities, how skewed, under which names.

/** A load, and how it is sent. */
export interface Workload {
  /** The month's mean, which determines the cost. */
  readonly eventsPerSecond: number;
  /** The busiest minute as a multiple of the mean, which determines the capacity. */
  readonly peakFactor: number;
  readonly entities: number;
  /** Zipf's exponent: the k-th most frequent entity's share is proportional to k^-skew. 0: uniform. */
  readonly skew: number;
  /** `path`: some 20 characters with common prefixes. `uuid`: 36 characters with nothing in common. */
  readonly names: 'path' | 'uuid';
  readonly eventsPerRequest: number;
  /** More than 1: a request is a batch of this many events under a key, and one record of the stream. */
  readonly eventsPerRecord: number;
  /** Bytes of an event as JSON. */
  readonly eventBytes: number;
  /** The aggregator's batching window, seconds. */
  readonly windowSeconds: number;
}

/** The default load. */
export const USUAL_WORKLOAD: Workload = {
  eventsPerSecond: 1_000,
  peakFactor: 1.5,
  entities: 1_000_000,
  skew: 1,
  names: 'path',
  eventsPerRequest: 100,
  eventsPerRecord: 1,
  eventBytes: 200,
  windowSeconds: 5,
};

/** Records and bytes a second per shard. docs: streams/latest/dev/service-sizes-and-limits.html */
const SHARD_RECORDS = 1_000;
const SHARD_BYTES = 1_048_576;

/** Events of one request: a batch is a request of its own. */
export function eventsOfRequest({ eventsPerRequest, eventsPerRecord }: Workload): number {
  return eventsPerRecord > 1 ? eventsPerRecord : eventsPerRequest;
}

/** Shards for the busiest minute. */
export function shardsFor({ eventsPerSecond, peakFactor, eventsPerRecord, eventBytes }: Workload): number {
  const peak = eventsPerSecond * peakFactor;
  return Math.max(
    1,
    Math.ceil(peak / eventsPerRecord / SHARD_RECORDS),
    Math.ceil((peak * eventBytes) / SHARD_BYTES),
  );
}

/** Hash slots for a load: a delta should take about a write unit. */
export function hashSlotsFor(workload: Workload): number {
  const eventsASegment = (workload.eventsPerSecond / shardsFor(workload)) * workload.windowSeconds;
  return eventsASegment >= 2_500 ? 64 : 16;
}

/** The name of an entity by its rank, from 0. */
export function entityName(rank: number, names: Workload['names']): string {
  const mixed = Math.imul(rank + 1, 0x9e3779b1) >>> 0;
  if (names === 'path') return `/videos/2026/${String(mixed).padStart(10, '0')}`;
  const hex = (salt: number) => (Math.imul(mixed ^ salt, 0x85ebca6b) >>> 0).toString(16).padStart(8, '0');
  const text = hex(1) + hex(2) + hex(3) + hex(4);
  return `${text.slice(0, 8)}-${text.slice(8, 12)}-4${text.slice(13, 16)}-a${text.slice(17, 20)}-${text.slice(20)}`;
}

/** Draws ranks by Zipf's law. @param next numbers from 0 to below 1 */
export function zipf(entities: number, skew: number, next: () => number): () => number {
  const upTo = new Float64Array(entities);
  let sum = 0;
  for (let rank = 0; rank < entities; rank += 1) upTo[rank] = sum += (rank + 1) ** -skew;
  return () => firstAbove(upTo, next() * sum);
}

/** The index of the first of some ascending numbers that is above a value; the last one if none is. */
export function firstAbove(ascending: ArrayLike<number>, value: number): number {
  let [low, high] = [0, ascending.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ascending[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}
