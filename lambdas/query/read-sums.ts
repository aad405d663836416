// Reads the sums of many plans at once: from blocks, late rows and uncompacted deltas, each instant once.
import type { LimitFunction } from 'p-limit';
import { type CompactionState, type Coverage, isCovered } from '../core/compaction.ts';
import type { Deletions } from '../core/deletions.ts';
import { hashOf } from '../core/hash-range.ts';
import {
  cellAtMs,
  goneAtMs,
  type Level,
  type Period,
  periodAt,
  periodsOver,
  UPPER_LEVELS,
} from '../core/level.ts';
import { type Row, rowName } from '../core/rows.ts';
import { HOUR_MS, MINUTE_MS } from '../core/time.ts';
import type { BlockReader, DeltaReader, LateStore } from '../store/ports.ts';
import type { CountPlan } from './count-plan.ts';
import type { CountQuery } from './count-query.ts';
import type { Kept } from './kept-grain.ts';
import type { PointSums } from './point-sums.ts';
import { BlockWalk, type DepthHints, readBlocks } from './read-blocks.ts';
import { type DeltaRow, type Name, readDeltas, readLate } from './read-deltas.ts';

export interface CountStore extends DeltaReader, BlockReader, Pick<LateStore, 'lateRows'> {}

/** Shared input for all queries of a request. Times are milliseconds. */
export interface SumsContext extends Kept {
  /** Read before anything else, but after the watermark. */
  readonly state: CompactionState;
  /**
   * True: each level answers for any time, from its blocks and the deltas it does not cover. False: for closed periods, from its
   * blocks, late rows and the deltas that the hours do not cover.
   */
  readonly isEachByItself: boolean;
  readonly deletions: Deletions;
  readonly store: CountStore;
  readonly hints: DepthHints;
  readonly limit: LimitFunction;
  /** Events later than this cannot have been accepted. */
  readonly latestMs: number;
}

/** A query, and the sums to fill for it. */
export interface QuerySums {
  readonly query: Pick<CountQuery, 'metric' | 'entity'>;
  readonly sums: readonly PointSums[];
}

/**
 * Fills the sums of queries.
 * @throws StaleState when compaction overtook the state: read it again
 */
export async function readSums(queries: readonly QuerySums[], context: SumsContext): Promise<void> {
  const asked = askedNames(queries, context);
  const walks = asked.flatMap((each) => [...each.walks.values()]);
  const { state, store, hints, limit, isEachByItself } = context;
  const pieces = queries.flatMap(({ sums }) => sums.flatMap(({ plan }) => plan.pieces));
  const levels = isEachByItself ? [...new Set(pieces.map(({ level }) => level))] : (['hours'] as const);
  const deleting = asked.filter(({ deletingMs }) => deletingMs !== undefined);
  const deltas = await Promise.all([
    readDeltas(
      asked.filter(({ deletingMs }) => deletingMs === undefined),
      levels.map((level) => state[level].covers),
      context,
    ),
    ...deleting.map((each) => readDeltas([each], [allAfter(each.deletingMs ?? 0)], context)),
    readBlocks(walks, state, store, hints, limit),
  ]);
  const byName = new Map(asked.map((each) => [each.name, each]));
  for (const { sums, walks } of asked) {
    for (const { period, row } of walks.values()) if (row !== undefined) addCells(sums, period, row);
  }
  if (!isEachByItself) await addLate(asked, byName, context);
  for (const delta of deltas.flatMap((some) => some ?? []))
    addDelta(delta, byName.get(rowName(delta.row.metric, delta.row.entity)), context);
}

/** A coverage that lacks everything after a deletion. */
function allAfter(deletingMs: number): Coverage {
  return { through: {}, open: [], floorMs: deletingMs + 1 };
}

/** A name in one or more queries. */
interface Asked extends Name {
  readonly sums: PointSums[];
  /** The periods that may have blocks with the name, by `periodKey`. */
  readonly walks: Map<string, BlockWalk>;
  /**
   * During its deletion, the instant up to which arrivals are deleted, epoch milliseconds. Blocks may still contain those, so
   * only deltas are read: they contain everything that arrived since.
   */
  readonly deletingMs: number | undefined;
}

function periodKey({ level, startMs }: Period): string {
  return `${level} ${startMs}`;
}

function askedNames(queries: readonly QuerySums[], context: SumsContext): readonly Asked[] {
  const byName = new Map<string, Asked>();
  for (const { query, sums } of queries) {
    const name = rowName(query.metric, query.entity);
    const asked = byName.get(name) ?? {
      ...{ name, hash: hashOf(name), sums: [], walks: new Map<string, BlockWalk>() },
      deletingMs: context.deletions.deletingThroughMs(query.entity),
    };
    byName.set(name, asked);
    asked.sums.push(...sums);
    if (asked.deletingMs !== undefined) continue;
    for (const period of sums.flatMap(({ plan }) => [...periodsWithBlocks(plan, context)])) {
      const key = periodKey(period);
      if (asked.walks.has(key)) continue;
      asked.walks.set(key, new BlockWalk(period, asked, context.hints.get(period.level) ?? 0));
    }
  }
  return [...byName.values()];
}

/** The periods of a plan whose level is compacted and that are still retained. */
function* periodsWithBlocks({ pieces }: CountPlan, context: SumsContext): Generator<Period> {
  const { state, retentions, nowMs, latestMs } = context;
  for (const { level, fromMs, toMs } of pieces) {
    const { epoch, plan } = state[level];
    if (epoch === 0 && plan === undefined) continue;
    for (const period of periodsOver(level, fromMs, Math.min(toMs, latestMs)))
      if (goneAtMs(period, retentions) > nowMs) yield period;
  }
}

/** Beyond this many hours, reading all deltas of a hash range is cheaper than reading blocks. */
const HOURS_MAX = 1_000;

/**
 * Whether a plan's blocks cannot be used: there are too many, or some have expired, because the levels above have not closed
 * their time.
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

function addCells(sums: readonly PointSums[], period: Period, { cells }: Row): void {
  for (const [cell, n] of cells) {
    const atMs = cellAtMs(period, cell);
    for (const each of sums) each.add(period.level, atMs, n);
  }
}

/** Adds the rows that epochs of the hours set aside for upper levels, after those already in each block. */
async function addLate(
  asked: readonly Asked[],
  byName: ReadonlyMap<string, Asked>,
  context: SumsContext,
): Promise<void> {
  const { state } = context;
  for (const level of UPPER_LEVELS) {
    const { hourEpoch, plan } = state[level];
    for (const isAhead of [false, true]) {
      const after = isAhead ? (plan?.hourEpoch ?? hourEpoch) : hourEpoch;
      if (state.late[level].epoch <= after) continue;
      const isWanted = (walk: BlockWalk | undefined): walk is BlockWalk =>
        walk !== undefined && walk.period.level === level && walk.isAhead === isAhead;
      const names = asked.filter(({ walks }) => [...walks.values()].some(isWanted));
      const rows = await readLate(level, names, after, context);
      for (const row of rows) {
        const each = byName.get(rowName(row.metric, row.entity));
        const walk = each?.walks.get(periodKey({ level, startMs: row.hour * HOUR_MS }));
        if (each !== undefined && isWanted(walk)) addCells(each.sums, walk.period, row);
      }
    }
  }
}

/** Adds a delta's sums for a name, unless the level that answers has them from elsewhere. */
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
    // A block of the plan in progress already includes the delta.
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
