// The query's use case: answer how often something happened, and how complete the answer is.
import pLimit from 'p-limit';
import { acceptPastOf, type Claim, retentionsKept } from '../core/claim.ts';
import { type CompactionState, forUpperLevels } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import { LEVELS, type Retentions } from '../core/level.ts';
import { DAY_MS, isoSeconds, LATEST_INSTANT_MS } from '../core/time.ts';
import type { Clock, Freshness } from '../ports.ts';
import type { CompactionStateReader } from '../store/ports.ts';
import { type CountAnswer, countAnswer, countsOfStretch } from './count-answer.ts';
import { freshnessOf } from './count-freshness.ts';
import { type Closed, type CountPlan, planCounts } from './count-plan.ts';
import { type CountQuery, InvalidCountQuery } from './count-query.ts';
import type { PointSums } from './point-sums.ts';
import { type DepthHints, StaleState } from './read-blocks.ts';
import { type CountStore, isBeyondBlocks, readSums } from './read-sums.ts';

/** The published claim. */
export interface ClaimReader {
  readClaim(): Promise<Claim>;
}

/** The ports of the query. */
export interface QueryPorts {
  readonly claims: ClaimReader;
  readonly state: CompactionStateReader;
  readonly counts: CountStore;
  readonly hints: DepthHints;
  readonly clock: Clock;
}

/** What answers depend on besides the counts. Times are milliseconds. */
export interface QuerySettings {
  /** How long after its arrival an event may say that it happened. */
  readonly acceptFutureMs: number;
  readonly retentions: Retentions;
  /** How long deltas and late rows are kept; undefined: for ever. */
  readonly deltaRetentionMs?: number | undefined;
}

/** An answer, and for how long it may be used again. */
export interface ReadCounts {
  readonly answer: CountAnswer;
  readonly freshness: Freshness;
}

/** Requests to the table at once: enough to hide their time, few enough to leave a small table some air. */
const READS_MAX = 16;
/** An epoch of the hours takes minutes, and a request milliseconds: two in one request are rare, five are a fault. */
const ATTEMPTS = 5;
/** Clocks differ. */
const CLOCK_MARGIN_MS = 60_000;

/**
 * Answers questions: closed periods from the upper levels, what is open from the hours, and no instant from two of them.
 * @returns an answer for each, or why there is none
 * @throws StaleState when compaction overtook the request again and again
 */
export async function readCounts(
  queries: readonly CountQuery[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly (ReadCounts | InvalidCountQuery)[]> {
  // The claim first: read after the counts it would vouch for events that those did not have yet.
  const claim = await ports.claims.readClaim();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await readAsOf(await ports.state.readState(), claim, queries, ports, settings);
    } catch (error) {
      if (!(error instanceof StaleState) || attempt >= ATTEMPTS) throw error;
    }
  }
}

/** One answer of a batch, or why there is none. */
export type BatchAnswer = CountAnswer | { readonly error: string };

/** Answers a batch, in its order. @param questions each question, or what is wrong with it */
export async function readBatch(
  questions: readonly (CountQuery | InvalidCountQuery)[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly BatchAnswer[]> {
  const queries = questions.flatMap((each) => (each instanceof InvalidCountQuery ? [] : [each]));
  const reads = (await readCounts(queries, ports, settings)).values();
  return questions.map((question) => {
    const read = question instanceof InvalidCountQuery ? question : reads.next().value;
    if (read === undefined) throw new Error('a question of the batch was not read');
    return read instanceof InvalidCountQuery ? { error: read.message } : read.answer;
  });
}

/** A question, and what is read for it: its own range, then the stretch before, if it is compared with that. */
interface Planned {
  readonly query: CountQuery;
  readonly plans: readonly CountPlan[];
}

async function readAsOf(
  state: CompactionState,
  claim: Claim,
  queries: readonly CountQuery[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly (ReadCounts | InvalidCountQuery)[]> {
  const nowMs = ports.clock.nowMs();
  const latestMs = nowMs + settings.acceptFutureMs + CLOCK_MARGIN_MS;
  const deletions = new Deletions(await ports.state.readDeletions(state.deletions), state.deleting);
  const keptThroughMs = Math.min(claim.throughMs, keptBeforeMs(state, nowMs, settings.deltaRetentionMs));
  const throughOf = ({ entity }: CountQuery) =>
    isDeletionStuck(deletions.deletingThroughMs(entity), nowMs) ? 0 : keptThroughMs;
  const retentions = retentionsKept(claim, settings.retentions);
  const answering = { acceptPastMs: acceptPastOf(claim), retentions };
  const reading = {
    state,
    deletions,
    store: ports.counts,
    hints: ports.hints,
    limit: pLimit(READS_MAX),
    retentions,
    nowMs,
    latestMs,
  };
  const planAll = (closed: Closed) =>
    queries.map((query) => planOrRefuse(query, closed, throughOf(query), retentions, nowMs));
  let planned = planAll(forUpperLevels((level) => state[level].closedBeforeMs));
  const isEachByItself = planned.some((each) => plansOf(each).some((plan) => isBeyondBlocks(plan, reading)));
  // Finer blocks are gone, or too many, and the coarser levels have not closed their time: each can still answer by itself.
  if (isEachByItself) planned = planAll(forUpperLevels(() => LATEST_INSTANT_MS));
  const wanted = planned.flatMap((each) =>
    each instanceof InvalidCountQuery ? [] : each.plans.map((plan) => ({ ...each.query, plan })),
  );
  const sums = (await readSums(wanted, { ...reading, isEachByItself })).values();
  return planned.map((each) =>
    each instanceof InvalidCountQuery
      ? each
      : answerOf(
          each,
          each.plans.map(() => sums.next().value as PointSums),
          answering,
          nowMs,
        ),
  );
}

function plansOf(planned: Planned | InvalidCountQuery): readonly CountPlan[] {
  return planned instanceof InvalidCountQuery ? [] : planned.plans;
}

/**
 * The arrival time before which nothing can have expired before compaction took it; epoch milliseconds. While compaction keeps up
 * that is any time.
 */
function keptBeforeMs(state: CompactionState, nowMs: number, deltaRetentionMs: number | undefined): number {
  const floorsMs = LEVELS.map((level) => state[level].covers.floorMs).filter((floorMs) => floorMs > 0);
  const floorMs = Math.min(...floorsMs);
  return deltaRetentionMs !== undefined && nowMs - floorMs > deltaRetentionMs ? floorMs : LATEST_INSTANT_MS;
}

/** A deletion takes minutes. One that died leaves an entity to be read from deltas, which expire one day. */
function isDeletionStuck(deletingMs: number | undefined, nowMs: number): boolean {
  return deletingMs !== undefined && nowMs - deletingMs > DAY_MS;
}

function planOrRefuse(
  query: CountQuery,
  closed: Closed,
  throughMs: number,
  retentions: Retentions,
  nowMs: number,
): Planned | InvalidCountQuery {
  const planOf = (each: CountQuery) => planCounts(each, closed, throughMs, retentions, nowMs);
  try {
    const plan = planOf(query);
    if (query.previous === undefined) return { query, plans: [plan] };
    const before = planOf({ ...query, ...query.previous });
    const cutOffMs = plan.nextMs ?? before.nextMs;
    if (cutOffMs === undefined) return { query, plans: [plan, before] };
    return new InvalidCountQuery(
      `a comparison is answered in one piece, which ends at ${isoSeconds(cutOffMs)}: ask for a shorter range`,
    );
  } catch (error) {
    if (error instanceof InvalidCountQuery) return error;
    throw error;
  }
}

/** What answers say besides counts, as the ledger remembers it. */
interface Answering {
  readonly acceptPastMs: number | undefined;
  readonly retentions: Retentions;
}

function answerOf(
  { query, plans }: Planned,
  [sums, sumsBefore]: readonly PointSums[],
  { acceptPastMs, retentions }: Answering,
  nowMs: number,
): ReadCounts {
  const [plan, before] = plans;
  if (plan === undefined || sums === undefined) throw new Error('a question was not read');
  const answer = countAnswer(query, plan, sums, acceptPastMs);
  const previous =
    before &&
    sumsBefore &&
    countsOfStretch({ ...query, ...query.previous }, before, sumsBefore, acceptPastMs);
  return {
    answer: previous === undefined ? answer : { ...answer, previous },
    freshness: freshnessOf(query, plans, acceptPastMs, retentions, nowMs),
  };
}
