// The use cases' ports in a small world, over whatever network an invocation has.
import type { AggregatorPorts, AggregatorSettings } from '../../lambdas/aggregator/aggregate.ts';
import { SILENT } from '../../lambdas/aggregator/segment-listener.ts';
import type { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import type { RollupConfig } from '../../lambdas/core/segment.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { RedriverPorts } from '../../lambdas/redriver/redrive.ts';
import type { WriterPorts } from '../../lambdas/writer/write.ts';
import type { Network } from '../simulation/world/network.ts';
import type { World } from '../simulation/world/world.ts';
import type { SmallWorld } from './small-world.ts';

/** Everything is kept for ever. */
const KEPT = { hours: undefined, days: undefined, months: undefined, all: undefined };
/** How the writer works in small worlds: one update after the other, since their order makes no difference. */
export const WRITER = { retentions: KEPT, concurrency: 1 };
/** How redrive works in small worlds. */
export const REDRIVER = { retentions: KEPT, lettersMax: undefined };

/** The aggregator's settings under one of a world's configurations. */
export function aggregatorSettings({ configs }: SmallWorld, config: number): AggregatorSettings {
  const rollup = configs[config] as RollupConfig;
  return { generation: '1', rollup, streamRetentionMs: 7 * 86_400_000, messageBytesMax: 1 };
}

/** Makes ports. */
export class SmallPorts {
  readonly #world: World;
  readonly #clock: Clock;

  constructor(world: World, clock: Clock) {
    this.#world = world;
    this.#clock = clock;
  }

  aggregator(network: Network, windows: DedupWindows): AggregatorPorts {
    const { ledger, log, queue, archive, state: ranges } = this.#world.clients(network, this.#clock);
    return { ledger, log, queue, rejected: archive, ranges, windows, clock: this.#clock, listener: SILENT };
  }

  writer(network: Network): WriterPorts {
    const { store: deltas, ledger, archive, failed, retryPolicy } = this.#world.clients(network, this.#clock);
    return { deltas, ledger, expired: archive, failed, retryPolicy, clock: this.#clock, random: () => 0 };
  }

  redriver(network: Network): RedriverPorts {
    const clients = this.#world.clients(network, this.#clock);
    return {
      ...clients,
      expired: clients.archive,
      deltas: clients.store,
      tables: this.#world.tables(network),
      clock: this.#clock,
    };
  }
}
