// A recount of a StoreWorld: segments come from the records that were committed, rows are set aside in memory.
import assert from 'node:assert/strict';
import type { Transport } from '../../fake-aws/call.ts';
import { finishPlans } from '../../lambdas/compactor/compact.ts';
import { segmentId } from '../../lambdas/core/identifiers.ts';
import {
  ALL_HOURS,
  type Findings,
  type HourRange,
  type RecountPorts,
  type RecountSettings,
  type RecountState,
  type RowSpill,
} from '../../lambdas/recount/ports.ts';
import { begin } from '../../lambdas/recount/produce.ts';
import { recount } from '../../lambdas/recount/recount.ts';
import { RewriteTable } from '../../lambdas/store/rewrite-table.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { MemorySpill, type Saved } from '../../proof/simulation/world/spill.ts';
import { StoreWorld, viewed } from './store-world.ts';

export { MemorySpill, type Saved };

/** Default settings of recounts in tests: several parts, and blocks as small as the world's. */
export const RECOUNT_SETTINGS: RecountSettings = {
  retentions: { hours: undefined, days: undefined, months: undefined, all: undefined },
  periodsAtOnce: 16,
  blockBytes: 200,
  partEvents: 50,
};

export interface RecountOptions {
  readonly range?: HourRange;
  readonly repair?: boolean;
  readonly transport?: Transport;
  readonly settings?: Partial<RecountSettings>;
  /** Continues from a saved state. */
  readonly saved?: Saved | undefined;
}

/** The ports of a recount of a world. */
function recountPorts(
  world: StoreWorld,
  spill: RowSpill,
  { repair = false, transport }: Pick<RecountOptions, 'repair' | 'transport'> = {},
): RecountPorts {
  const { dynamoDb } = world.aws.clients(transport);
  const store = new StoreTable(dynamoDb, 'counts', world.clock);
  const rewriter = new RewriteTable(dynamoDb, 'counts');
  const compactor = world.compactorPorts(transport);
  return {
    ledger: world.ledger,
    source: {
      segmentsOf: (shard) => ({
        read: async ({ segment }) => world.records.get(segmentId(shard, segment)) ?? 'trimmed',
      }),
    },
    state: compactor.state,
    store,
    periods: rewriter,
    finishPlans: () => finishPlans(compactor),
    spill,
    clock: world.clock,
    repair: repair
      ? {
          store,
          rewriter,
          ledger: world.ledger,
          state: new CompactionStateTable(dynamoDb, 'ledger'),
          archive: {
            keepRepair: async (name, lines) => {
              repairsOf(world).set(name, lines);
            },
          },
          expired: {
            keepExpired: async (delta) => {
              world.expired.push(delta);
            },
          },
        }
      : undefined,
  };
}

const traces = new WeakMap<StoreWorld, Map<string, readonly object[]>>();

/** The traces of a world's repairs. */
export function repairsOf(world: StoreWorld): Map<string, readonly object[]> {
  const known = traces.get(world) ?? new Map<string, readonly object[]>();
  traces.set(world, known);
  return known;
}

/** Recounts a world. */
export async function recountWorld(world: StoreWorld, options: RecountOptions = {}): Promise<Findings> {
  const settings = { ...RECOUNT_SETTINGS, ...options.settings };
  const { range = ALL_HOURS, saved = { state: undefined, spill: undefined } } = options;
  const known = saved.state && structuredClone(saved.state);
  const state = known ?? (await begin('test', range, world, settings));
  saved.spill ??= new MemorySpill(state.spilled.length);
  saved.spill.cut(state.spilled);
  const hooks = {
    save: async (now: RecountState) => {
      saved.state = structuredClone(now);
    },
    onProgress: () => {},
  };
  return recount(state, recountPorts(world, saved.spill, options), settings, hooks);
}

/** A recount of a world finds nothing. */
export async function nothingDiffers(world: StoreWorld): Promise<void> {
  assert.deepEqual((await recountWorld(world)).differences, []);
}

/** A world whose rows are all in blocks of every level: /a has 3, /b has 2, and others fill more than one block. */
export async function compactedWorld(): Promise<StoreWorld> {
  const world = await StoreWorld.make();
  const others = Array.from({ length: 40 }, (_, number) => ({ ...viewed(`/${number}`, 1), metric: 'play' }));
  await world.count([viewed('/a', 1), viewed('/b', 2), ...others]);
  await world.count([viewed('/a', 2)]);
  await world.compactDays(2);
  return world;
}
