// The query's use case: answer how often something happened, and how complete the answer is.
import pLimit, { type LimitFunction } from 'p-limit';
import { type CountAnswer, countAnswer, countsOfStretch } from '../counting/count-answer.ts';
import { type Freshness, freshnessOf } from '../counting/count-freshness.ts';
import { type CountPlan, type Piece, planCounts } from '../counting/count-plan.ts';
import { type CountQuery, InvalidCountQuery } from '../counting/count-query.ts';
import { readsOf } from '../counting/count-reads.ts';
import { type Claims, itemStartMs, type RetentionsMs } from '../counting/levels.ts';
import { PointSums } from '../counting/point-sums.ts';
import { isoSeconds } from '../counting/time.ts';
import type { ClaimReader, LevelReader } from '../level-ports.ts';
import type { Clock, CounterReader } from '../ports.ts';

/** What the query needs. */
export interface QueryPorts {
  readonly counters: CounterReader;
  readonly levels: LevelReader;
  readonly claims: ClaimReader;
  readonly clock: Clock;
}

/** What answers depend on besides the counts. Times are milliseconds. */
export interface QuerySettings {
  /** How long before its arrival an event may have happened; undefined: any time. */
  readonly acceptPastMs: number | undefined;
  readonly retentionsMs: RetentionsMs;
}

/** An answer, and for how long it may be used again. */
export interface ReadCounts {
  readonly answer: CountAnswer;
  readonly freshness: Freshness;
}

/** Requests to the table at once: enough to hide their time, few enough to leave a small table some air. */
const READS_MAX = 16;

/**
 * Answers questions: closed periods from the levels, what is open from the counter items, and no time from two places.
 * @returns an answer for each, or why there is none
 */
export async function readCounts(
  queries: readonly CountQuery[],
  ports: QueryPorts,
  settings: QuerySettings,
): Promise<readonly (ReadCounts | InvalidCountQuery)[]> {
  // The claims first: read after the counts they would vouch for events that those did not have yet.
  const claims = await ports.claims.readClaims();
  const asking = { ...settings, claims, nowMs: ports.clock.nowMs(), ports, limit: pLimit(READS_MAX) };
  return Promise.all(
    queries.map(async (query) => {
      try {
        return await readOne(query, asking);
      } catch (error) {
        if (error instanceof InvalidCountQuery) return error;
        throw error;
      }
    }),
  );
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

/** What all questions of a request share. */
interface Asking extends QuerySettings {
  readonly claims: Claims;
  readonly nowMs: number;
  readonly ports: QueryPorts;
  readonly limit: LimitFunction;
}

async function readOne(query: CountQuery, asking: Asking): Promise<ReadCounts> {
  const { acceptPastMs, retentionsMs, claims, nowMs } = asking;
  const plan = planCounts(query, claims, retentionsMs, nowMs);
  const before: CountQuery | undefined = query.previous && { ...query, ...query.previous };
  const planBefore = before && planCounts(before, claims, retentionsMs, nowMs);
  const cutOffMs = planBefore && (plan.nextMs ?? planBefore.nextMs);
  if (cutOffMs !== undefined)
    throw new InvalidCountQuery(
      `a comparison is answered in one piece, which ends at ${isoSeconds(cutOffMs)}: ask for a shorter range`,
    );
  const [answer, previous] = await Promise.all([
    readPlan(query, plan, asking).then((sums) => countAnswer(query, plan, sums, acceptPastMs)),
    before &&
      planBefore &&
      readPlan(before, planBefore, asking).then((sums) =>
        countsOfStretch(before, planBefore, sums, acceptPastMs),
      ),
  ]);
  const plans = planBefore === undefined ? [plan] : [plan, planBefore];
  return {
    answer: previous === undefined ? answer : { ...answer, previous },
    freshness: freshnessOf(query, plans, acceptPastMs, retentionsMs, nowMs),
  };
}

async function readPlan(
  query: CountQuery,
  plan: CountPlan,
  { ports, nowMs, limit }: Asking,
): Promise<PointSums> {
  const sums = new PointSums(plan, nowMs);
  await Promise.all(readsOf(plan.pieces).map((read) => limit(() => addRead(query, read, ports, sums))));
  return sums;
}

async function addRead(
  { metric, entity }: CountQuery,
  { source, fromMs, toMs }: Piece,
  { counters, levels }: QueryPorts,
  sums: PointSums,
): Promise<void> {
  if (source === 'counters') {
    for await (const item of counters.items(metric, entity, fromMs, toMs)) sums.addCounter(item);
  } else if (source === 'total') {
    const item = await levels.readLevel({ level: source, metric, entity, startMs: 0 });
    if (item !== undefined) sums.addLevel(source, item);
  } else {
    const items = levels.levelItems({ level: source, metric, entity }, itemStartMs(source, fromMs), toMs);
    for await (const item of items) sums.addLevel(source, item);
  }
}
