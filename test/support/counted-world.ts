// Counted minutes as the query finds them: cut in segments and deltas, and compacted by the compactor as a script has it.
import fc from 'fast-check';
import type { CompactorPorts } from '../../lambdas/compactor/ports.ts';
import { runEpoch } from '../../lambdas/compactor/run-epoch.ts';
import {
  type CompactionPlan,
  type CompactionState,
  closesBeforeMs,
  forUpperLevels,
  isSameCoverage,
  nextCoverage,
  type ShardEntries,
} from '../../lambdas/core/compaction.ts';
import { type Delta, deltasOf } from '../../lambdas/core/delta.ts';
import { type HashRange, nameHash, rangeOf } from '../../lambdas/core/hash-range.ts';
import { parseShardKey, type ShardKey, segmentId } from '../../lambdas/core/identifiers.ts';
import {
  LEVELS,
  type Level,
  type Retentions,
  UPPER_LEVELS,
  type UpperLevel,
} from '../../lambdas/core/level.ts';
import { compareRows, layRows, type Row } from '../../lambdas/core/rows.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import { HOUR_MS, hourStartMs, MINUTE_MS } from '../../lambdas/core/time.ts';
import type { CompactionStateStore, DeltaWriter, RangeRegister } from '../../lambdas/store/ports.ts';
import { entry } from './entries.ts';

/** Minutes of one metric, epoch milliseconds, with how much was counted in each, of which entity (`/a` if it doesn't say). */
export type Minutes = readonly (readonly [atMs: number, n: bigint, entity?: string])[];

/** What happens, one after the other. */
export type Step =
  | {
      readonly do: 'segment';
      readonly shard: 0 | 1;
      /** How many of the next minutes it has. */
      readonly minutes: number;
      readonly bits: number;
      /** Unsettled segments are stepped over, and settled later or never; their deltas are stored at the end at the latest. */
      readonly is: 'settled' | 'stored' | 'on its way';
      /** How long after the one before it arrives, milliseconds. */
      readonly laterMs: number;
    }
  | { readonly do: 'settle' }
  /** An epoch of a level, or what is left of it. @param puts after how many blocks the compactor dies */
  | { readonly do: 'epoch'; readonly level: Level; readonly puts: number; readonly bits: number };

/** A world: what is counted, and how it is stored. */
export interface World {
  readonly minutes: Minutes;
  readonly script: readonly Step[];
  readonly retentions: Retentions;
  /** When the first segment arrives, epoch milliseconds. */
  readonly startMs: number;
}

/** Lengths of hash ranges of deltas. */
const RANGE_BITS = [0, 2];
const METRIC = 'view';
const SHARDS = ['1.0', '1.1'].map(parseShardKey);
/** So few bytes that some five rows split a block. */
const BLOCK_BYTES = 60;

const segmentStep: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('segment' as const),
  shard: fc.constantFrom(0 as const, 1 as const),
  minutes: fc.nat(12),
  bits: fc.constantFrom(...RANGE_BITS),
  is: fc.oneof(
    { weight: 6, arbitrary: fc.constant('settled' as const) },
    fc.constantFrom('stored' as const, 'on its way' as const),
  ),
  laterMs: fc.oneof(fc.constant(0), fc.nat(8 * HOUR_MS)),
});
export const epochStep = (level: Level): fc.Arbitrary<Step> =>
  fc.record({
    do: fc.constant('epoch' as const),
    level: fc.constant(level),
    puts: fc.oneof({ weight: 3, arbitrary: fc.constant(Number.POSITIVE_INFINITY) }, fc.nat(20)),
    bits: fc.constantFrom(...RANGE_BITS),
  });
/** Segments come, the hours are compacted, and now and then an upper level is. */
const round: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(segmentStep, { minLength: 1, maxLength: 3, size: 'max' }),
    epochStep('hours'),
    fc.array(fc.constantFrom(...LEVELS, ...UPPER_LEVELS).chain(epochStep), { maxLength: 4, size: 'max' }),
    fc.constantFrom<readonly Step[]>([], [], [{ do: 'settle' }]),
  )
  .map(([segments, hours, epochs, settled]) => [...segments, hours, ...epochs, ...settled]);
/** In the end epochs may be under way on every level, each with some blocks done. */
const underWay: fc.Arbitrary<readonly Step[]> = fc
  .record({
    levels: fc.subarray([...UPPER_LEVELS]),
    segments: fc.array(segmentStep, { minLength: 2, maxLength: 2 }),
    puts: fc.tuple(fc.nat(12), fc.array(fc.nat(4), { minLength: 3, maxLength: 3 })),
  })
  .map(({ levels, segments: [first, last], puts: [hours, upper] }) => [
    ...(first === undefined ? [] : [{ ...first, is: 'settled' } as Step]),
    dying('hours', Number.POSITIVE_INFINITY),
    ...levels.map((level, index) => dying(level, upper[index] ?? 0)),
    ...(last === undefined ? [] : [last]),
    dying('hours', hours),
  ]);

function dying(level: Level, puts: number): Step {
  return { do: 'epoch', level, puts, bits: 2 };
}

/** Any history of some segments and epochs. */
export const script: fc.Arbitrary<readonly Step[]> = fc
  .tuple(
    fc.array(round, { maxLength: 9, size: 'max' }),
    fc.oneof(fc.constant([]), { weight: 3, arbitrary: underWay }),
  )
  .map(([rounds, last]) => [...rounds.flat(), ...last]);

/** A store that worlds are written to. */
export type WorldStore = DeltaWriter & CompactorPorts['store'];

class Died extends Error {}

/** Plays a world's script, and stores what is still in flight. @returns a function that plays further steps */
export async function playWorld(
  world: World,
  store: WorldStore,
  state: CompactionStateStore & RangeRegister,
): Promise<(step: Step) => Promise<void>> {
  for (const bits of RANGE_BITS) await state.registerRangeBits(bits, world.startMs);
  const player = new Player(world, store, state);
  for (const step of world.script) await player.play(step);
  await player.end();
  return (step) => player.play(step);
}

interface Segment {
  entry: SegmentEntry;
  readonly deltas: readonly Delta[];
}

class Player {
  readonly #world: World;
  readonly #store: WorldStore;
  readonly #state: CompactionStateStore;
  readonly #left: (readonly [atMs: number, n: bigint, entity?: string])[];
  readonly #segments = new Map<ShardKey, Segment[]>(SHARDS.map((shard) => [shard, []]));
  #nowMs: number;

  constructor(world: World, store: WorldStore, state: CompactionStateStore) {
    this.#world = world;
    this.#store = store;
    this.#state = state;
    this.#left = [...world.minutes];
    this.#nowMs = world.startMs;
  }

  async play(step: Step): Promise<void> {
    if (step.do === 'segment') await this.#addSegment(step);
    else if (step.do === 'settle') await this.#settle();
    else await this.#compact(step.level, step.puts, step.bits);
  }

  /** In the end all deltas exist; the remaining minutes are in two more segments. */
  async end(): Promise<void> {
    for (const bits of RANGE_BITS) {
      const minutes = bits === 0 ? Math.ceil(this.#left.length / 2) : this.#left.length;
      await this.#addSegment({ do: 'segment', shard: 1, minutes, bits, is: 'stored', laterMs: 1 });
    }
    for (const { deltas } of [...this.#segments.values()].flat()) {
      for (const delta of deltas) await this.#store.putDelta(delta);
    }
  }

  async #addSegment({ shard: index, minutes, bits, is, laterMs }: Step & { do: 'segment' }): Promise<void> {
    this.#nowMs += laterMs;
    const shard = SHARDS[index] as ShardKey;
    const segments = this.#segments.get(shard) ?? [];
    const segment = segments.length + 1;
    const deltas = deltasOf(segmentId(shard, segment), this.#nowMs, cut(this.#left.splice(0, minutes), bits));
    const runMaxBeforeMs = segments.at(-1)?.entry.runMaxMs ?? this.#world.startMs;
    const parts = deltas.map(({ events, range }) => ({ events, range }));
    const isSettled = is === 'settled';
    segments.push({
      entry: {
        ...entry(
          segment,
          parts.map(({ events }) => events),
        ),
        ...{ parts, runMaxBeforeMs, runMaxMs: this.#nowMs },
        acked: new Set(isSettled ? parts.keys() : []),
      },
      deltas,
    });
    if (is !== 'on its way') for (const delta of deltas) await this.#store.putDelta(delta);
  }

  async #settle(): Promise<void> {
    for (const one of [...this.#segments.values()].flat()) {
      for (const delta of one.deltas) await this.#store.putDelta(delta);
      one.entry = { ...one.entry, acked: new Set(one.deltas.keys()) };
    }
  }

  async #compact(level: Level, puts: number, bits: number): Promise<void> {
    let state = await this.#state.readState();
    if (state[level].plan === undefined) {
      const planned = level === 'hours' ? this.#planHours(state, bits) : this.#planUpper(state, level, bits);
      if (planned === undefined) return;
      const { plan, closesMs } = planned;
      if ((await this.#state.putPlan(state, level, plan, closesMs)) === 'conflict')
        throw new Error('a conflict');
      state = await this.#state.readState();
    }
    const entries = (shard: ShardKey) => (this.#segments.get(shard) ?? []).map(({ entry: one }) => one);
    const ledger = {
      async *entriesUp(shard: ShardKey, after: number, through: number) {
        yield* entries(shard).slice(after, through);
      },
      readEntries: async (shard: ShardKey, segments: readonly number[]) =>
        entries(shard).filter(({ segment }) => segments.includes(segment)),
    };
    const ports = {
      store: mortal(this.#store, puts),
      state: this.#state,
      ledger,
    } as unknown as CompactorPorts;
    try {
      await runEpoch(state, level, ports, () => true);
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
  }

  #planHours(
    state: CompactionState,
    bits: number,
  ): { plan: CompactionPlan; closesMs: undefined } | undefined {
    const { covers, epoch } = state.hours;
    const following: ShardEntries[] = SHARDS.map((shard) => ({
      shard,
      entries: (this.#segments.get(shard) ?? []).slice(covers.through[shard] ?? 0).map((one) => one.entry),
    }));
    const reopened = covers.open.map(({ shard, segment }) => ({
      shard,
      entry: (this.#segments.get(shard) ?? [])[segment - 1]?.entry as SegmentEntry,
    }));
    // Unsettled segments may be stepped over at once, but not more than three.
    const next = nextCoverage(covers, reopened, following, Number.POSITIVE_INFINITY, 1e9, 3);
    if (isSameCoverage(next, covers)) return undefined;
    const floorsMs = SHARDS.map((shard) => {
      const through = next.through[shard] ?? 0;
      return this.#segments.get(shard)?.[through - 1]?.entry.runMaxMs ?? this.#world.startMs;
    });
    return {
      plan: {
        ...this.#planned(bits),
        covers: { ...next, floorMs: Math.min(...floorsMs) },
        closedBeforeMs: state.closing,
        hourEpoch: epoch + 1,
      },
      closesMs: undefined,
    };
  }

  #planUpper(
    state: CompactionState,
    level: UpperLevel,
    bits: number,
  ): { plan: CompactionPlan; closesMs: number } | undefined {
    const { hours } = state;
    if (hours.plan !== undefined || state[level].hourEpoch >= hours.epoch) return undefined;
    const closesMs = closesBeforeMs(level, state, this.#nowMs);
    const closedBeforeMs = forUpperLevels((each) => (each === level ? closesMs : 0));
    const plan = { ...this.#planned(bits), covers: hours.covers, closedBeforeMs, hourEpoch: hours.epoch };
    return { plan, closesMs };
  }

  #planned(slotBits: number) {
    const { retentions } = this.#world;
    return {
      blockBytes: BLOCK_BYTES,
      slotBits,
      plannedAtMs: this.#nowMs,
      retentions,
      deletions: 0,
      events: 0,
    };
  }
}

/** A store that dies after a number of blocks. */
function mortal(store: WorldStore, puts: number): WorldStore {
  let left = puts;
  return new Proxy(store, {
    get(target, name: keyof WorldStore) {
      const value: unknown = target[name];
      if (name !== 'putBlock') return typeof value === 'function' ? value.bind(target) : value;
      return async (...put: Parameters<WorldStore['putBlock']>) => {
        left -= 1;
        if (left < 0) throw new Died();
        return target.putBlock(...put);
      };
    },
  });
}

/** Splits minutes into deltas, one for each hash range with rows; one event each. */
function cut(minutes: Minutes, bits: number) {
  const byRange = new Map<HashRange, Map<string, { row: Row; cells: Map<number, bigint> }>>();
  for (const [atMs, n, entity = '/a'] of minutes) {
    const range = rangeOf(nameHash(METRIC, entity), bits);
    const rows = byRange.get(range) ?? new Map();
    byRange.set(range, rows);
    const hour = hourStartMs(atMs) / HOUR_MS;
    const key = `${entity} ${hour}`;
    const minute = (atMs % HOUR_MS) / MINUTE_MS;
    const before: { row: Row; cells: Map<number, bigint> } | undefined = rows.get(key);
    const cells = before?.cells ?? new Map<number, bigint>();
    cells.set(minute, (cells.get(minute) ?? 0n) + n);
    const events = (before?.row.events ?? 0) + 1;
    rows.set(key, { row: { metric: METRIC, entity, hour, events, cells }, cells });
  }
  return [...byRange].map(([range, rows]) => {
    const sorted = [...rows.values()].map(({ row }) => row).sort(compareRows);
    return { range, events: sorted.reduce((sum, { events }) => sum + events, 0), laid: layRows(sorted) };
  });
}
