// The aggregator in a small world: every batch of a shard from its checkpoint or before, in any container, with any time left.
import type { StoredShard } from '../../fake-aws/stream.ts';
import { type AggregateOutcome, aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { parseShardId } from '../../lambdas/core/identifiers.ts';
import type { RollupConfig } from '../../lambdas/core/segment.ts';
import { deliveredRecord } from '../simulation/world/deliveries.ts';
import { directNetwork, type Network } from '../simulation/world/network.ts';
import type { Transition } from './fates.ts';
import type { Stage } from './stage.ts';

/** A warm container: its windows, and a hash of its past, which determines their content. */
interface Container {
  readonly windows: DedupWindows;
  readonly memory: string;
}

/** A batch and its invocation: records `from` to before `to` of a shard, under a configuration, in a container. */
interface Delivery {
  readonly shard: StoredShard;
  readonly from: number;
  readonly to: number;
  readonly config: number;
  readonly container: Container;
  /** Segments that fit into its time. */
  readonly segments: number;
}

/** Time for everything. */
export const ALWAYS = Number.POSITIVE_INFINITY;

/** How much time an invocation may have: for everything, or for none or one only. */
export function timesFor(timeouts: number): readonly number[] {
  return timeouts > 0 ? [ALWAYS, 0, 1] : [ALWAYS];
}

/** A limited time, as described in a history. */
export function describeTime(times: number): string {
  return times === ALWAYS ? '' : `, time for ${times}`;
}

/** An invocation's time: it allows a number of further segments or deltas. */
export function timeFor(times: number): () => boolean {
  let left = times;
  return () => {
    left -= 1;
    return left >= 0;
  };
}

/** The mapping and the function's containers. */
export class Aggregators {
  readonly #stage: Stage;
  /** Records of each shard that the mapping has checkpointed. */
  readonly #checkpoints = new Map<StoredShard, number>();
  /** Idle containers, the latest last. */
  #warm: Container[] = [];
  /** The configuration in force. */
  #config = 0;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** The state that determines everything from here on. */
  state(): readonly unknown[] {
    return [[...this.#checkpoints.values()], this.#warm.map(({ memory }) => memory), this.#config];
  }

  /** Every delivery that may come next. A child shard may be read before its parents are done. */
  transitions(): Transition[] {
    const { spec, world } = this.#stage;
    if (!this.#stage.mayStart('aggregator', spec.aggregatorsAtOnce)) return [];
    return world.stream.all().flatMap((shard) =>
      this.#deliveriesOf(shard).map((delivery) => ({
        label: this.#described(delivery),
        run: () => this.#deliver(delivery),
      })),
    );
  }

  /** Delivers the records after the checkpoint, one by one. */
  async finish(): Promise<void> {
    const windows = new DedupWindows();
    for (const shard of this.#stage.world.stream.all()) {
      for (let place = this.#done(shard); place < shard.records.length; place += 1) {
        await this.#aggregate(
          { shard, from: place, to: place + 1 },
          directNetwork,
          windows,
          this.#config,
          ALWAYS,
        );
        this.#checkpoints.set(shard, place + 1);
      }
    }
  }

  #done(shard: StoredShard): number {
    return this.#checkpoints.get(shard) ?? 0;
  }

  #deliveriesOf(shard: StoredShard): Delivery[] {
    const { spec, left } = this.#stage;
    const deliveries: Delivery[] = [];
    for (let from = 0; from <= this.#done(shard); from += 1)
      for (let to = from + 1; to <= shard.records.length; to += 1)
        for (let config = this.#config; config < spec.configs.length; config += 1)
          for (const container of [
            { windows: new DedupWindows(), memory: '' },
            ...(config === this.#config ? this.#warm : []),
          ])
            for (const segments of timesFor(left.timeouts))
              deliveries.push({ shard, from, to, config, container, segments });
    return deliveries;
  }

  #described({ shard, from, to, config, container, segments }: Delivery): string {
    const place = this.#warm.indexOf(container);
    const where = place === -1 ? '' : ` warm ${place}`;
    return `deliver ${shard.id.slice(-1)}[${from + 1}..${to}] config ${config}${where}${describeTime(segments)}`;
  }

  #deliver(delivery: Delivery): void {
    const { shard, from, to, config, container, segments } = delivery;
    if (segments !== ALWAYS) this.#stage.left.timeouts -= 1;
    if (config > this.#config) this.#warm = [];
    this.#config = config;
    this.#warm = this.#warm.filter((other) => other !== container);
    const given = `${shard.id} ${from} ${to} ${config} ${segments} ${container.memory}`;
    const actor = this.#stage.start('aggregator', given);
    const end = (outcome: AggregateOutcome | 'failed') => {
      if (!actor.alive) return;
      actor.ended = true;
      this.#warm = [...this.#warm, { ...container, memory: actor.memory }].slice(
        -this.#stage.spec.containers,
      );
      if (outcome === 'failed') return;
      const reached = outcome === 'done' ? to : placeOf(shard, outcome.resumeAt);
      this.#checkpoints.set(shard, Math.max(reached, this.#done(shard)));
    };
    this.#aggregate(delivery, actor, container.windows, config, segments).then(end, () => end('failed'));
  }

  #aggregate(
    { shard, from, to }: Pick<Delivery, 'shard' | 'from' | 'to'>,
    network: Network,
    windows: DedupWindows,
    config: number,
    segments: number,
  ): Promise<AggregateOutcome> {
    const { spec } = this.#stage;
    // Raw records are not kept.
    const ports = { ...this.#stage.ports(network), raw: undefined, windows, listener: SILENT };
    const rollup = spec.configs[config] as RollupConfig;
    const settings = {
      generation: '1',
      rollup,
      streamRetentionMs: 7 * 86_400_000,
      messageBytesMax: 1,
      inlineIdsBytesMax: 0,
    };
    const records = shard.records.slice(from, to).map(deliveredRecord);
    return aggregate({ shard: parseShardId(shard.id), records }, ports, settings, timeFor(segments));
  }
}

/** The place of a record in its shard. */
function placeOf({ records }: StoredShard, sequenceNumber: string): number {
  return records.findIndex((record) => record.sequenceNumber === sequenceNumber);
}
