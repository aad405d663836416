// The recount: compares what segments produce with the store, both ways, and repairs differences on request.
import { type CompactionState, isCovered } from '../core/compaction.ts';
import {
  compareSequenceNumbers,
  parseShardKey,
  type SequenceNumber,
  type ShardKey,
  segmentId,
  shardIdOf,
} from '../core/identifiers.ts';
import { LEVELS, type Level } from '../core/level.ts';
import { makeTops } from '../store/make-tops.ts';
import { CompactionMoved, compareBlocks, compareLate, type WrongPeriod } from './compare-blocks.ts';
import { compareDeltas } from './compare-deltas.ts';
import { type PartRows, readPart } from './part-rows.ts';
import type {
  ComparedSoFar,
  Difference,
  Findings,
  PeriodFinder,
  RecountHooks,
  RecountPorts,
  RecountSettings,
  RecountState,
  RepairPorts,
} from './ports.ts';
import { nothingCompared, produce } from './produce.ts';
import { ChangedMeanwhile, repairDeltas, repairLate, repairPeriod } from './repair.ts';

/** Differences listed; the others are only counted. */
const LISTED_MAX = 1_000;
/** How often a part is compared when compaction advances meanwhile. */
const ATTEMPTS_MAX = 20;

/**
 * Runs a recount to its end.
 * @param state from `begin`, or the last saved one; modified in place
 * @returns the findings
 */
export async function recount(
  state: RecountState,
  ports: RecountPorts,
  settings: RecountSettings,
  hooks: RecountHooks,
): Promise<Findings> {
  if (state.part === 0) await produce(state, ports, hooks);
  state.found.twice.splice(0, Number.POSITIVE_INFINITY, ...countedTwice(state));
  const run = new Comparison(state, ports, settings, hooks);
  await run.parts();
  // Compaction was blocked by missing deltas. After the repair it can proceed, and blocks can be compared.
  if (state.found.stuck !== undefined && state.found.repaired > 0) {
    Object.assign(state.found, { stuck: undefined, restless: 0, ...nothingCompared() });
    state.part = 0;
    await run.parts();
  }
  return state.found;
}

/** Shards whose records two generations have counted. */
function countedTwice({ shards }: RecountState): Findings['twice'] {
  const looked = Object.entries(shards).flatMap(([name, { hull, from, next }]) => {
    const key = parseShardKey(name);
    return hull === undefined ? [] : [{ key, shard: shardIdOf(key), hull, from, last: next - 1 }];
  });
  const before = (a: string, b: string) =>
    compareSequenceNumbers(a as SequenceNumber, b as SequenceNumber) < 0;
  return looked.flatMap((one, index) =>
    looked
      .slice(index + 1)
      .filter(
        (other) =>
          other.shard === one.shard &&
          !before(one.hull.last, other.hull.first) &&
          !before(other.hull.last, one.hull.first),
      )
      .map((other) => ({
        shard: one.shard,
        segments: [segmentId(one.key, one.last), segmentId(other.key, other.last)] as const,
      })),
  );
}

class Comparison {
  readonly #state: RecountState;
  readonly #ports: RecountPorts;
  readonly #settings: RecountSettings;
  readonly #hooks: RecountHooks;
  /** What was compared before the part in progress, which a resumed run compares from its start. */
  #before: ComparedSoFar | undefined;

  constructor(state: RecountState, ports: RecountPorts, settings: RecountSettings, hooks: RecountHooks) {
    this.#state = state;
    this.#ports = { ...ports, periods: remembered(ports.periods) };
    this.#settings = settings;
    this.#hooks = hooks;
  }

  /** Compares part after part, and saves the state after each. */
  async parts(): Promise<void> {
    const state = this.#state;
    const of = state.spilled.length;
    for (;;) {
      await this.#tops();
      this.#hooks.onProgress({ phase: 'compare', done: state.part, of });
      if (state.part === of) return;
      await this.#part();
      state.part += 1;
      await this.#save();
    }
  }

  /** Recomputes the top lists of repaired periods. */
  async #tops(): Promise<void> {
    const { repair, state } = this.#ports;
    while (repair !== undefined && this.#state.topsDue.length > 0) {
      const { level, startMs, metrics } = this.#state.topsDue[0] as RecountState['topsDue'][number];
      const stuck = await this.#ports.finishPlans();
      const before = (await state.readState())[level];
      const due = { period: { level, startMs }, metrics: new Set(metrics) };
      await makeTops(due, before.epoch, repair.store, this.#settings.retentions);
      // An epoch that began meanwhile may have stored lists from the blocks before the repair.
      const after = (await state.readState())[level];
      if (after.epoch !== before.epoch || (after.plan !== undefined && stuck === undefined)) continue;
      // A stuck epoch makes its own lists from the repaired blocks, once it can.
      this.#state.found.stuck ??= stuck;
      this.#state.topsDue.shift();
      await this.#save();
    }
  }

  async #save(): Promise<void> {
    const spilled = await this.#ports.spill.flush();
    const found = { ...this.#state.found, ...this.#before };
    await this.#hooks.save({ ...this.#state, found, spilled });
  }

  async #part(): Promise<void> {
    const { found } = this.#state;
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt += 1) {
      const before = { figures: structuredClone(found.figures), deltas: found.deltas };
      this.#before = before;
      try {
        const { differences, stuck } = await this.#attempt();
        found.stuck ??= stuck;
        this.#note(differences);
        return;
      } catch (error) {
        if (!(error instanceof CompactionMoved || error instanceof ChangedMeanwhile)) throw error;
        Object.assign(found, before);
      } finally {
        this.#before = undefined;
      }
    }
    found.restless += 1;
  }

  /** @returns the differences that were not repaired: they count only if compaction did not advance meanwhile */
  async #attempt(): Promise<{ readonly differences: readonly Difference[]; readonly stuck?: string }> {
    const [state, ports] = [this.#state, this.#ports];
    const stuck = await ports.finishPlans();
    const compaction = await ports.state.readState();
    if (stuck === undefined && LEVELS.some((level) => compaction[level].plan !== undefined))
      throw new CompactionMoved('another epoch has begun');
    if (isAhead(compaction, state)) await produce(state, ports, this.#hooks);
    // What compaction waits for is compared, too.
    const pendingIn = stuck === undefined ? (['hours'] as const) : LEVELS;
    const isPending = (shard: ShardKey, segment: number) =>
      pendingIn.some((level) => !isCovered(compaction[level].covers, shard, segment));
    const rows = await readPart(state, compaction, isPending, ports);
    const differences = await this.#deltas(compaction, rows, isPending, stuck !== undefined);
    if (stuck !== undefined) return { differences, stuck };
    for (const level of LEVELS) {
      const wrong = compareBlocks(level, state, compaction, rows, ports, this.#settings);
      for await (const period of wrong) {
        if (ports.repair !== undefined) await this.#repair(period, compaction, ports.repair);
        else differences.push(...period.differences);
      }
    }
    for await (const wrong of compareLate(state, compaction, rows, ports)) {
      if (ports.repair === undefined) differences.push(...wrong.differences);
      else {
        await repairLate(wrong, compaction, ports.repair);
        this.#noteRepaired(wrong.differences);
      }
    }
    return { differences };
  }

  /** Compares deltas, and repairs them. @returns the remaining differences */
  async #deltas(
    compaction: CompactionState,
    rows: PartRows,
    isPending: (shard: ShardKey, segment: number) => boolean,
    fromTheFirst: boolean,
  ): Promise<Difference[]> {
    const { repair } = this.#ports;
    const { floorMs, open } = compaction.hours.covers;
    const fromMs = fromTheFirst ? 0 : Math.min(floorMs, ...open.map(({ runMaxMs }) => runMaxMs));
    const wrong = await compareDeltas(this.#state, compaction, rows, isPending, fromMs, this.#ports);
    this.#state.found.deltas += wrong.compared;
    if ((await this.#ports.state.readState()).deletions !== compaction.deletions)
      throw new CompactionMoved('an entity was deleted meanwhile');
    if (repair === undefined) return wrong.differences;
    let left = wrong.differences;
    for (const name of wrong.segments.values()) {
      const { phantoms } = wrong;
      if (!(await repairDeltas(name, phantoms, compaction, this.#ports, repair, this.#settings))) continue;
      const id = segmentId(name.shard, name.segment);
      const isOf = ({ of }: Difference) => of.startsWith(`${id}/`);
      this.#noteRepaired(left.filter(isOf));
      left = left.filter((one) => !isOf(one));
    }
    return left;
  }

  async #repair(wrong: WrongPeriod, compaction: CompactionState, repair: RepairPorts): Promise<void> {
    const { level, startMs } = wrong.period;
    const metrics = [...new Set(wrong.differences.map(({ metric }) => metric))];
    // Saved before any change: after a crash the blocks are right, but only this says that the lists are not.
    this.#state.topsDue.push({ level, startMs, metrics });
    await this.#save();
    await repairPeriod(wrong, compaction, repair, this.#settings);
    this.#noteRepaired(wrong.differences);
  }

  #noteRepaired(differences: readonly Difference[]): void {
    this.#state.found.repaired += differences.length;
    this.#note(differences);
  }

  #note(differences: readonly Difference[]): void {
    const { found } = this.#state;
    found.differing += differences.length;
    found.differences.push(...differences.slice(0, LISTED_MAX - found.differences.length));
  }
}

/** Listing periods scans the whole table, so do it once per level. */
function remembered(finder: PeriodFinder): PeriodFinder {
  const known = new Map<Level, ReturnType<PeriodFinder['periodsOf']>>();
  return {
    periodsOf(level) {
      const periods = known.get(level) ?? finder.periodsOf(level);
      known.set(level, periods);
      return periods;
    },
  };
}

/** Whether blocks include segments that were not processed yet. */
function isAhead(compaction: CompactionState, { shards }: RecountState): boolean {
  return LEVELS.some((level) =>
    Object.entries(compaction[level].covers.through).some(
      ([shard, through]) => through >= (shards[shard]?.next ?? 1),
    ),
  );
}
