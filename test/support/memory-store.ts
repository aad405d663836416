// The store and the state of compaction in memory, behind the ports: the same promises, without the table.
import {
  type CompactionPlan,
  type CompactionState,
  INITIAL_STATE,
  type LateRows,
} from '../../lambdas/core/compaction.ts';
import type { Delta, DeltaName } from '../../lambdas/core/delta.ts';
import { type HashRange, WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import type { Level, Period, UpperLevel } from '../../lambdas/core/level.ts';
import type { Row } from '../../lambdas/core/rows.ts';
import type {
  Block,
  BlockCondition,
  BlockReader,
  BlockWriter,
  CompactionStateStore,
  Deletion,
  DeltaReader,
  DeltaWriter,
  LateStore,
  StoredDelta,
  StoredTop,
  TopStore,
} from '../../lambdas/store/ports.ts';

const blockName = ({ level, startMs }: Period, range: HashRange) => `${level} ${startMs} ${range}`;

interface StoredBlock {
  readonly block: Block;
  readonly expiresAt: number | undefined;
}

/** Deltas, blocks, late rows and top lists. What is past its expiry at `nowMs` is deleted already. */
export class MemoryStore implements DeltaWriter, DeltaReader, BlockReader, BlockWriter, LateStore, TopStore {
  readonly #deltas = new Map<string, StoredDelta>();
  readonly #blocks = new Map<string, StoredBlock>();
  readonly #late = new Map<
    string,
    { level: UpperLevel; range: HashRange; epoch: number; rows: readonly Row[] }
  >();
  readonly #tops = new Map<string, StoredTop>();
  readonly #metrics = new Set<string>();
  nowMs = 0;

  async putDelta(delta: Delta): Promise<'stored' | 'discarded'> {
    const name = nameOf(delta);
    const there = this.#deltas.get(name);
    if (there === undefined) this.#deltas.set(name, delta);
    return there !== undefined && there.rows === undefined ? 'discarded' : 'stored';
  }

  /** Gives a delta up. */
  putTombstone(name: DeltaName): void {
    if (!this.#deltas.has(nameOf(name)))
      this.#deltas.set(nameOf(name), { ...name, events: 0, rows: undefined });
  }

  async *deltasIn(range: HashRange, fromMs: number, toMs: number): AsyncIterable<StoredDelta> {
    for (const delta of this.#deltas.values()) {
      if (delta.range === range && delta.runMaxMs >= fromMs && delta.runMaxMs <= toMs) yield delta;
    }
  }

  async readBlocks(names: readonly { readonly period: Period; readonly range: HashRange }[]) {
    return names.map(({ period, range }) => this.#block(blockName(period, range)));
  }

  async putBlock(
    period: Period,
    range: HashRange,
    block: Block,
    condition: BlockCondition,
    expiresAt: number | undefined,
  ): Promise<'put' | 'conflict'> {
    const name = blockName(period, range);
    const there = this.#block(name);
    const holds =
      condition.is === 'absent'
        ? there === undefined
        : condition.is === 'before'
          ? there === undefined || there.epoch < condition.epoch
          : there?.epoch === condition.epoch && there.edit === condition.edit;
    if (!holds) return 'conflict';
    this.#blocks.set(name, { block, expiresAt });
    return 'put';
  }

  #block(name: string): Block | undefined {
    const there = this.#blocks.get(name);
    return (there?.expiresAt ?? Number.POSITIVE_INFINITY) * 1000 <= this.nowMs ? undefined : there?.block;
  }

  async *blocksOf(period: Period) {
    const prefix = blockName(period, WHOLE_RANGE);
    for (const [name, { block }] of this.#blocks) {
      if (!name.startsWith(prefix) || block.content === 'split') continue;
      yield { range: name.slice(prefix.length) as HashRange, block, rows: block.content };
    }
  }

  async putLate(level: UpperLevel, range: HashRange, epoch: number, rows: readonly Row[]): Promise<void> {
    this.#late.set(`${level} ${range} ${epoch}`, { level, range, epoch, rows });
  }

  async *lateRows(level: UpperLevel, range: HashRange, after: number, through: number): AsyncIterable<Row> {
    for (const late of this.#late.values()) {
      if (late.level !== level || late.range !== range || late.epoch <= after || late.epoch > through)
        continue;
      yield* late.rows;
    }
  }

  async readTop(metric: string, period: Period): Promise<StoredTop | undefined> {
    return this.#tops.get(`${metric} ${blockName(period, WHOLE_RANGE)}`);
  }

  async putTop(metric: string, period: Period, top: StoredTop): Promise<void> {
    this.#tops.set(`${metric} ${blockName(period, WHOLE_RANGE)}`, top);
  }

  async metrics(): Promise<readonly string[]> {
    return [...this.#metrics];
  }

  async addMetrics(metrics: readonly string[]): Promise<void> {
    for (const metric of metrics) this.#metrics.add(metric);
  }

  /** All blocks that are there. */
  *blocks(): Iterable<{ readonly level: string; readonly epoch: number; readonly isSplit: boolean }> {
    for (const [name, { block }] of this.#blocks) {
      yield { level: name.split(' ')[0] ?? '', epoch: block.epoch, isSplit: block.content === 'split' };
    }
  }
}

function nameOf({ range, runMaxMs, segment, part }: DeltaName): string {
  return `${range} ${runMaxMs} ${segment} ${part}`;
}

/** The state of compaction. */
export class MemoryState implements CompactionStateStore {
  #state: CompactionState;

  constructor(rangeBits: readonly number[]) {
    this.#state = { ...INITIAL_STATE, rangeBits };
  }

  async readState(): Promise<CompactionState> {
    return this.#state;
  }

  async putPlan(
    state: CompactionState,
    level: Level,
    plan: CompactionPlan,
    closesMs: number | undefined,
  ): Promise<'planned' | 'conflict'> {
    const there = this.#state;
    const isSame = (each: Level) =>
      there[each].epoch === state[each].epoch &&
      there[each].plan === undefined &&
      state[each].plan === undefined;
    if (!isSame(level) || !isSame('hours')) return 'conflict';
    const closing = closesMs === undefined ? there.closing : { ...there.closing, [level]: closesMs };
    this.#state = { ...there, [level]: { ...there[level], plan }, closing };
    return 'planned';
  }

  async markDone(
    state: CompactionState,
    level: Level,
    writeUnits: number,
    late: Readonly<Record<UpperLevel, LateRows>> | undefined,
  ): Promise<void> {
    const { epoch, plan } = state[level];
    if (plan === undefined) throw new RangeError('no plan');
    const there = this.#state;
    if (there[level].epoch !== epoch) return;
    const { covers: covered, hourEpoch, events, plannedAtMs } = plan;
    const closedBeforeMs = level === 'hours' ? 0 : plan.closedBeforeMs[level];
    const head = { covers: covered, hourEpoch, events, plannedAtMs, closedBeforeMs, writeUnits };
    this.#state = {
      ...there,
      [level]: { ...head, epoch: epoch + 1, plan: undefined },
      late: late ?? there.late,
    };
  }

  async readDeletions(): Promise<readonly Deletion[]> {
    return [];
  }
}
