// Reading the sums of many plans at once: blocks, rows put aside, and deltas that are not compacted, each instant once.
import type { LimitFunction } from 'p-limit';
import { type CompactionState, type Coverage, isCovered } from '../core/compaction.ts';
import type { Deletions } from '../core/deletions.ts';
import { nameHash } from '../core/hash-range.ts';
import {
  cellAtMs,
  goneAtMs,
  type Level,
  type Period,
  periodAt,
  periodEndMs,
  type Retentions,
  UPPER_LEVELS,
} from '../core/level.ts';
import { type Row, rowName } from '../core/rows.ts';
import { HOUR_MS, MINUTE_MS } from '../core/time.ts';
import type { BlockReader, DeltaReader, LateStore } from '../store/ports.ts';
import type { CountPlan } from './count-plan.ts';
import type { CountQuery } from './count-query.ts';
import { PointSums } from './point-sums.ts';
import { BlockWalk, type DepthHints, readBlocks } from './read-blocks.ts';
import { type DeltaRow, type Name, readDeltas, readLate } from './read-deltas.ts';

/** What counts are read from. */
export interface CountStore extends DeltaReader, BlockReader, Pick<LateStore, 'lateRows'> {}

/** What the plans of a request are read with. Times are milliseconds. */
export interface SumsContext {
  /** Read before anything else, but after the claim. */
  readonly state: CompactionState;
  /**
   * Whether each level answers for any time, from its blocks and the deltas that it does not cover; instead of for closed periods,
   * from its blocks, late rows and the deltas that the hours do not cover.
   */
  readonly isEachByItself: boolean;
  readonly deletions: Deletions;
  readonly store: CountStore;
  readonly hints: DepthHints;
  readonly limit: LimitFunction;
  readonly retentions: Retentions;
  /** The time of asking: blocks past their retention count as gone, whether they are deleted yet or not. */
  readonly nowMs: number;
  /** Events later than this can't have been accepted. */
  readonly latestMs: number;
}

/** Whose sums a plan is about. */
export type PlanFor = Pick<CountQuery, 'metric' | 'entity'> & { readonly plan: CountPlan };

/**
 * Reads the sums of plans.
 * @returns those of each plan, in their order
 * @throws StaleState when the state was overtaken: read it again
 */
export async function readSums(
  plans: readonly PlanFor[],
  context: SumsContext,
): Promise<readonly PointSums[]> {
  const sums = plans.map(({ plan }) => new PointSums(plan));
  const asked = askedNames(plans, sums, context);
  const walks = asked.flatMap(({ metric, entity, walks }) =>
    [...walks.values()].map((walk) => ({ metric, entity, walk })),
  );
  const { state, store, hints, limit, isEachByItself } = context;
  const reading = { ...context, rangeBits: state.rangeBits };
  const used = plans.flatMap(({ plan }) => plan.pieces.map(({ level }) => level));
  const levels = isEachByItself ? [...new Set(used)] : (['hours'] as const);
  const deleting = asked.filter(({ deletingMs }) => deletingMs !== undefined);
  const deltas = await Promise.all([
    readDeltas(
      asked.filter(({ deletingMs }) => deletingMs === undefined),
      levels.map((level) => state[level].covers),
      reading,
    ),
    ...deleting.map((each) => readDeltas([each], [allAfter(each.deletingMs ?? 0)], reading)),
    readBlocks(walks, state, store, hints, limit),
  ]);
  const byName = new Map(asked.map((each) => [rowName(each.metric, each.entity), each]));
  for (const each of asked) addBlocks(each);
  if (!isEachByItself) await addLate(asked, byName, context);
  for (const delta of deltas.flatMap((some) => some ?? []))
    addDelta(delta, byName.get(rowName(delta.row.metric, delta.row.entity)), context);
  return sums;
}

/** The coverage of what was deleted. */
function allAfter(deletingMs: number): Coverage {
  return { through: {}, open: [], floorMs: deletingMs + 1 };
}

/** A name that is asked for, in one or several plans. */
interface Asked extends Name {
  readonly sums: PointSums[];
  /** The periods that may have blocks of it, by `periodKey`. */
  readonly walks: Map<string, BlockWalk>;
  /**
   * While its deletion is under way, the instant up to which arrivals are deleted, epoch milliseconds. Blocks may still have them,
   * so that only deltas are read: they have everything that arrived since.
   */
  readonly deletingMs: number | undefined;
}

function periodKey({ level, startMs }: Period): string {
  return `${level} ${startMs}`;
}

function askedNames(
  plans: readonly PlanFor[],
  sums: readonly PointSums[],
  context: SumsContext,
): readonly Asked[] {
  const byName = new Map<string, Asked>();
  for (const [index, { metric, entity, plan }] of plans.entries()) {
    const name = rowName(metric, entity);
    const asked = byName.get(name) ?? {
      ...{ metric, entity, hash: nameHash(metric, entity) },
      ...{ sums: [], walks: new Map<string, BlockWalk>() },
      deletingMs: context.deletions.deletingThroughMs(entity),
    };
    byName.set(name, asked);
    const own = sums[index];
    if (own !== undefined) asked.sums.push(own);
    if (asked.deletingMs !== undefined) continue;
    for (const period of periodsWithBlocks(plan, context)) {
      const key = periodKey(period);
      if (asked.walks.has(key)) continue;
      asked.walks.set(key, new BlockWalk(period, asked.hash, context.hints.get(period.level) ?? 0));
    }
  }
  return [...byName.values()];
}

/** The periods of a plan whose level has been compacted, and that are still kept. */
function* periodsWithBlocks({ pieces }: CountPlan, context: SumsContext): Generator<Period> {
  const { state, retentions, nowMs, latestMs } = context;
  for (const { level, fromMs, toMs } of pieces) {
    const { epoch, plan } = state[level];
    if (epoch === 0 && plan === undefined) continue;
    const endMs = Math.min(toMs, latestMs);
    for (let atMs = fromMs; atMs < endMs; ) {
      const period = periodAt(level, atMs);
      if (goneAtMs(period, retentions) > nowMs) yield period;
      atMs = periodEndMs(period);
    }
  }
}

/** With more hours than these, all deltas of a hash range are cheaper to read than blocks. */
const HOURS_MAX = 1_000;

/**
 * Whether the blocks of a plan are the wrong ones: there are too many of them, or some are gone already, because the levels above
 * have not closed their time.
 */
export function isBeyondBlocks(
  { pieces }: CountPlan,
  { retentions, nowMs, latestMs }: Pick<SumsContext, 'retentions' | 'nowMs' | 'latestMs'>,
): boolean {
  let hours = 0;
  for (const { level, fromMs, toMs } of pieces) {
    if (goneAtMs(periodAt(level, fromMs), retentions) <= nowMs) return true;
    if (level === 'hours') hours += Math.max(0, Math.min(toMs, latestMs) - fromMs) / HOUR_MS;
  }
  return hours > HOURS_MAX;
}

function addBlocks({ sums, walks }: Asked): void {
  for (const { period, row } of walks.values()) if (row !== undefined) addCells(sums, period, row);
}

function addCells(sums: readonly PointSums[], period: Period, { cells }: Row): void {
  for (const [cell, n] of cells) {
    const atMs = cellAtMs(period, cell);
    for (const each of sums) each.add(period.level, atMs, n);
  }
}

/** Adds the rows that epochs of the hours put aside for upper levels, after those that each block has. */
async function addLate(
  asked: readonly Asked[],
  byName: ReadonlyMap<string, Asked>,
  { state, store, limit }: SumsContext,
): Promise<void> {
  for (const level of UPPER_LEVELS) {
    const { hourEpoch, plan } = state[level];
    for (const isAhead of [false, true]) {
      const after = isAhead ? (plan?.hourEpoch ?? hourEpoch) : hourEpoch;
      if (state.late[level].epoch <= after) continue;
      const isWanted = (walk: BlockWalk | undefined): walk is BlockWalk =>
        walk !== undefined && walk.period.level === level && walk.isAhead === isAhead;
      const names = asked.filter(({ walks }) => [...walks.values()].some(isWanted));
      const rows = await readLate(level, names, after, state.hours.epoch, state, store, limit);
      for (const row of rows) {
        const each = byName.get(rowName(row.metric, row.entity));
        const walk = each?.walks.get(periodKey({ level, startMs: row.hour * HOUR_MS }));
        if (each !== undefined && isWanted(walk)) addCells(each.sums, walk.period, row);
      }
    }
  }
}

/** Adds what a delta has of a name, where the level that answers has not got it from elsewhere. */
function addDelta(
  { shard, segment, row }: DeltaRow,
  asked: Asked | undefined,
  { state, isEachByItself }: SumsContext,
): void {
  if (asked === undefined) return;
  const hourMs = row.hour * HOUR_MS;
  const isIn = (level: Level) => {
    if (asked.deletingMs !== undefined) return false;
    const by = isEachByItself ? level : 'hours';
    const { covers, plan } = state[by];
    if (isCovered(covers, shard, segment)) return true;
    // A block that has the plan under way has the delta with it.
    const isPlanned = by === level && plan !== undefined && isCovered(plan.covers, shard, segment);
    return isPlanned && asked.walks.get(periodKey(periodAt(level, hourMs)))?.isAhead === true;
  };
  const known = new Map<Level, boolean>();
  for (const [minute, n] of row.cells) {
    const atMs = hourMs + minute * MINUTE_MS;
    for (const sums of asked.sums) {
      const level: Level | undefined = sums.levelAt(atMs);
      if (level === undefined) continue;
      const has = known.get(level) ?? isIn(level);
      known.set(level, has);
      if (!has) sums.add(level, atMs, n);
    }
  }
}
