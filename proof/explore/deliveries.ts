// What the mapping may deliver: every cut of a shard from its checkpoint or before, to any container, with any time left.
import type { SequenceNumber } from '../../lambdas/core/identifiers.ts';
import type { StoredShard } from '../simulation/world/stream.ts';
import { type Container, coldContainer } from './containers.ts';

/** A batch and its invocation: records `from` to before `to` of a shard, under a configuration, in a container. */
export interface Delivery {
  readonly shard: StoredShard;
  readonly from: number;
  readonly to: number;
  readonly config: number;
  readonly container: Container;
  /** Segments for which there is time. */
  readonly segments: number;
}

/** What decides which deliveries there may be. */
export interface Mapping {
  /** Records of the shard that are known to be done. */
  readonly done: number;
  /** The configuration in force, and how many there are. */
  readonly config: number;
  readonly configs: number;
  /** Warm containers, all under the configuration in force. */
  readonly warm: readonly Container[];
  /** Whether an invocation may run out of time. */
  readonly timeouts: boolean;
}

/** Time for everything. */
export const ALWAYS = Number.POSITIVE_INFINITY;

/** How much time an invocation may have: for everything, or for none or one only. */
export function timesFor(timeouts: boolean): readonly number[] {
  return timeouts ? [ALWAYS, 0, 1] : [ALWAYS];
}

/** Every delivery of a shard that may come next. */
export function deliveriesOf(
  shard: StoredShard,
  { done, config: current, configs, warm, timeouts }: Mapping,
): Delivery[] {
  const deliveries: Delivery[] = [];
  for (let from = 0; from <= done; from += 1)
    for (let to = from + 1; to <= shard.records.length; to += 1)
      for (let config = current; config < configs; config += 1)
        for (const container of [coldContainer(), ...(config === current ? warm : [])])
          for (const segments of timesFor(timeouts))
            deliveries.push({ shard, from, to, config, container, segments });
  return deliveries;
}

/** A delivery as a history tells it. */
export function describeDelivery(
  { shard, from, to, config, container, segments }: Delivery,
  warm: readonly Container[],
): string {
  const place = warm.indexOf(container);
  const where = place === -1 ? '' : ` warm ${place}`;
  const time = segments === ALWAYS ? '' : `, time for ${segments}`;
  return `deliver ${shard.id.slice(-1)}[${from + 1}..${to}] config ${config}${where}${time}`;
}

/** An invocation's clock: it says yes as often as there is time for another segment, or another update. */
export function timeFor(times: number): () => boolean {
  let left = times;
  return () => {
    left -= 1;
    return left >= 0;
  };
}

/** The place of a record in its shard. */
export function placeOf({ records }: StoredShard, sequenceNumber: SequenceNumber): number {
  return records.findIndex((record) => record.sequenceNumber === sequenceNumber);
}
