// The query's use case: reads counts, and how complete they are.
import pLimit from 'p-limit';
import { type CompactionState, forUpperLevels } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import { LEVELS, type Retentions } from '../core/level.ts';
import { DAY_MS, isoSeconds, LATEST_INSTANT_MS } from '../core/time.ts';
import { deltasGoneBeforeMs, retentionsKept, type Watermark } from '../core/watermark.ts';
import type { Clock, Freshness, WatermarkReader } from '../ports.ts';
import type { CompactionStateReader } from '../store/ports.ts';
import { type CountAnswer, countAnswer } from './count-answer.ts';
import { freshnessOf } from './count-freshness.ts';
import { type Closed, type Known, planCounts } from './count-plan.ts';
import type { CountQuery } from './count-query.ts';
import { InvalidQuery } from './invalid-query.ts';
import { PointSums } from './point-sums.ts';
import { type DepthHints, StaleState } from './read-blocks.ts';
import { type CountStore, isBeyondBlocks, readSums } from './read-sums.ts';

export interface QueryPorts {
  readonly watermarks: WatermarkReader;
  readonly state: CompactionStateReader;
  readonly counts: CountStore;
  readonly hints: DepthHints;
  readonly clock: Clock;
}

/** Settings that affect answers. Times are milliseconds. */
export interface QuerySettings {
  /** How far in the future of its arrival an event may be. */
  readonly acceptFutureMs: number;
  readonly retentions: Retentions;
  /** How long deltas and late rows are kept; undefined: forever. */
  readonly deltaRetentionMs?: number | undefined;
}

export interface ReadCounts {
  readonly answer: CountAnswer;
  readonly freshness: Freshness;
}

/** Concurrent requests to the table: enough to hide latency, few enough for a small table. */
const READS_MAX = 16;
/** An epoch of the hours takes minutes, a request milliseconds: two epochs in one request are rare, five are a fault. */
const ATTEMPTS = 5;
/** Clocks differ. */
const CLOCK_MARGIN_MS = 60_000;

/**
 * Answers queries: closed periods from the upper levels, open ones from the hours, each instant from one level only.
 * @returns an answer for each, or the reason why there is none
 * @throws StaleState when compaction overtook the request repeatedly
 */
export async function readCounts(
  queries: readonly CountQuery[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly (ReadCounts | InvalidQuery)[]> {
  // Read the watermark first: read after the counts, it could vouch for events that they do not include yet.
  const watermark = await ports.watermarks.readWatermark();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readAsOf(await ports.state.readState(), watermark, queries, ports, settings);
    } catch (error) {
      if (!(error instanceof StaleState) || attempt >= ATTEMPTS) throw error;
    }
  }
}

export type BatchAnswer = CountAnswer | { readonly error: string };

/** Answers a batch, in order. @param questions each query, or its error */
export async function readBatch(
  questions: readonly (CountQuery | InvalidQuery)[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly BatchAnswer[]> {
  const reads = (await readCounts(valid(questions), ports, settings)).values();
  return questions.map((question) => {
    const read = question instanceof InvalidQuery ? question : reads.next().value;
    if (read === undefined) throw new Error('a question of the batch was not read');
    return read instanceof InvalidQuery ? { error: read.message } : read.answer;
  });
}

/** A query, and the sums to read for it: of its own range, then of the preceding range if it is compared. */
interface Planned {
  readonly query: CountQuery;
  readonly sums: readonly [PointSums, ...PointSums[]];
}

async function readAsOf(
  state: CompactionState,
  watermark: Watermark,
  queries: readonly CountQuery[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly (ReadCounts | InvalidQuery)[]> {
  const nowMs = ports.clock.nowMs();
  // What an earlier, larger setting accepted is still there.
  const latestMs = Math.max(nowMs + settings.acceptFutureMs, watermark.acceptedToMs) + CLOCK_MARGIN_MS;
  const deletions = new Deletions(await ports.state.readDeletions(state.deletions), state.deleting);
  const goneBeforeMs = deltasGoneBeforeMs(watermark, settings.deltaRetentionMs, nowMs);
  const keptThroughMs = Math.min(watermark.throughMs, keptBeforeMs(state, goneBeforeMs));
  // While compaction stands still, deltas may have expired: what every level has is complete all the same.
  const levels = LEVELS.map((level) => state[level].covers.acceptedFromMs ?? 0);
  const settledBeforeMs =
    keptThroughMs < watermark.throughMs
      ? Math.min(watermark.acceptedFromMs, ...levels)
      : watermark.acceptedFromMs;
  const throughOf = ({ entity }: CountQuery) =>
    isDeletionStuck(deletions.deletingThroughMs(entity), nowMs) ? 0 : keptThroughMs;
  const kept = { retentions: retentionsKept(watermark, settings.retentions), nowMs };
  const reading = {
    ...{ ...kept, state, deletions, latestMs },
    ...{ store: ports.counts, hints: ports.hints, limit: pLimit(READS_MAX) },
  };
  const planAll = (closed: Closed) =>
    queries.map((query) => planOrRefuse(query, { ...kept, closed, throughMs: throughOf(query) }));
  let planned = planAll(forUpperLevels((level) => state[level].closedBeforeMs));
  const isEachByItself = valid(planned).some(({ sums }) =>
    sums.some(({ plan }) => isBeyondBlocks(plan, reading)),
  );
  // Finer blocks are gone, or too many, and the coarser levels have not closed their time: each can still answer alone.
  if (isEachByItself) planned = planAll(forUpperLevels(() => LATEST_INSTANT_MS));
  await readSums(valid(planned), { ...reading, isEachByItself });
  return planned.map((each) => {
    if (each instanceof InvalidQuery) return each;
    const { query, sums } = each;
    const settledMs = Math.min(throughOf(query), settledBeforeMs);
    const plans = sums.map(({ plan }) => plan);
    return {
      answer: countAnswer(query, sums, settledMs),
      freshness: freshnessOf(query, plans, settledMs, kept),
    };
  });
}

function valid<T>(all: readonly (T | InvalidQuery)[]): readonly T[] {
  return all.flatMap((each) => (each instanceof InvalidQuery ? [] : [each]));
}

/**
 * The arrival time before which nothing can have expired uncompacted; epoch milliseconds. While compaction keeps up, that is any
 * time. A level without an epoch lacks everything since the store began.
 */
function keptBeforeMs(state: CompactionState, goneBeforeMs: number): number {
  const floorsMs = LEVELS.map((level) => state[level].covers.floorMs).filter(
    (floorMs) => Math.max(floorMs, state.sinceMs) <= goneBeforeMs,
  );
  return Math.min(LATEST_INSTANT_MS, ...floorsMs);
}

/** A deletion takes minutes. After a crash, the entity is read from deltas only, which expire eventually. */
function isDeletionStuck(deletingMs: number | undefined, nowMs: number): boolean {
  return deletingMs !== undefined && nowMs - deletingMs > DAY_MS;
}

function planOrRefuse(query: CountQuery, known: Known): Planned | InvalidQuery {
  try {
    const plan = planCounts(query, known);
    const own = new PointSums(plan);
    if (query.previous === undefined) return { query, sums: [own] };
    const before = planCounts({ ...query, ...query.previous }, known);
    const cutOffMs = plan.nextMs ?? before.nextMs;
    if (cutOffMs === undefined) return { query, sums: [own, new PointSums(before)] };
    return new InvalidQuery(
      `a comparison is answered in one piece, which ends at ${isoSeconds(cutOffMs)}: ask for a shorter range`,
    );
  } catch (error) {
    if (error instanceof InvalidQuery) return error;
    throw error;
  }
}
