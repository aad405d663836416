// A partition that takes 1,000 write units a second and refuses what is more, and what it took of the hot entity's items.
import type { CounterUpdate } from '../../lambdas/counting/counter-item.ts';
import { parseSegmentId } from '../../lambdas/counting/identifiers.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { PartitionLimit, StoredCounter } from '../world/counters.ts';
import type { World } from '../world/world.ts';

/** What one partition takes, and what is saved up at the most: a second's. DynamoDB may be more generous. */
const UNITS_PER_SECOND = 1_000;
const UNIT_BYTES = 1_024;

/** An update of the hot entity. */
export interface HotUpdate {
  readonly atMs: number;
  readonly units: number;
  readonly segments: number;
}

/** The hot entity's partition. All others have room. */
export class HotPartition implements PartitionLimit {
  readonly updates: HotUpdate[] = [];
  /** For each row of the hot entity: from the arrival of its segment's oldest record until it can be read, milliseconds. */
  readonly freshnessMs: number[] = [];
  throttled = 0;
  lastThrottledMs = 0;
  largestBytes = 0;
  readonly #pk: string;
  readonly #clock: Clock;
  readonly #world: World;
  readonly #segmentIdBytes: number;
  #room = UNITS_PER_SECOND;
  #roomAtMs: number;

  /** @param segmentIdBytes what a segment takes of an item */
  constructor(pk: string, clock: Clock, world: World, segmentIdBytes: number) {
    this.#segmentIdBytes = segmentIdBytes;
    this.#pk = pk;
    this.#clock = clock;
    this.#world = world;
    this.#roomAtMs = clock.nowMs();
  }

  refusal(pk: string): string | undefined {
    if (pk !== this.#pk) return undefined;
    const nowMs = this.#clock.nowMs();
    const refilled = this.#room + ((nowMs - this.#roomAtMs) * UNITS_PER_SECOND) / 1000;
    this.#room = Math.min(UNITS_PER_SECOND, refilled);
    this.#roomAtMs = nowMs;
    // As long as there is room, a write is taken, whatever it costs: what it costs shows only when it is done.
    if (this.#room > 0) return undefined;
    this.throttled += 1;
    this.lastThrottledMs = nowMs;
    return 'ThrottlingException';
  }

  wrote({ key, segments }: CounterUpdate, item: StoredCounter, applied: boolean): void {
    if (key.pk !== this.#pk) return;
    const atMs = this.#clock.nowMs();
    const bytes = itemBytes(item) + item.applied.size * this.#segmentIdBytes;
    const units = Math.ceil(bytes / UNIT_BYTES);
    this.#room -= units;
    this.largestBytes = Math.max(this.largestBytes, bytes);
    this.updates.push({ atMs, units, segments: applied ? segments.length : 0 });
    if (!applied) return;
    for (const id of segments) {
      const { shard, segment } = parseSegmentId(id);
      const arrivalMs = this.#world.ledger.of(shard).entries.get(segment)?.minArrivalMs;
      if (arrivalMs === undefined) throw new Error(`segment ${id} was sent and has no entry`);
      this.freshnessMs.push(atMs - arrivalMs);
    }
  }

  /** Most write units in a second, over any stretch of so many seconds. */
  busiest(seconds: number): number {
    let [most, sum, first] = [0, 0, 0];
    for (const { atMs, units } of this.updates) {
      sum += units;
      for (
        let old = this.updates[first];
        old !== undefined && old.atMs <= atMs - seconds * 1000;
        old = this.updates[first]
      ) {
        sum -= old.units;
        first += 1;
      }
      most = Math.max(most, sum);
    }
    return most / seconds;
  }
}

/** An item's size as DynamoDB counts it, less its segments: names of attributes and their values. */
function itemBytes({ key, numbers }: StoredCounter): number {
  let bytes = 'pk'.length + key.pk.length + 'sk'.length + key.sk.length + 'applied'.length;
  for (const [name, value] of numbers) bytes += name.length + Math.ceil(String(value).length / 2) + 1;
  return bytes;
}
