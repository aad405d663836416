// The query's use case: answer how often something happened, and how complete the answer is.
import { answerCountQuery, type CountAnswer, type CountQuery } from '../counting/count-query.ts';
import type { ClaimReader, Clock, CounterReader } from '../ports.ts';

/** What the query needs. */
export interface QueryPorts {
  readonly counters: CounterReader;
  readonly claim: ClaimReader;
  readonly clock: Clock;
}

/**
 * Answers a question from the counter items.
 * @param acceptPastMs how long before its arrival an event may have happened; undefined: any time
 */
export async function readCounts(
  query: CountQuery,
  { counters, claim, clock }: QueryPorts,
  acceptPastMs: number | undefined,
): Promise<CountAnswer> {
  // The claim first: read after the counters it would vouch for events that those did not have yet.
  const { throughMs } = await claim.readClaims();
  const items = counters.items(query.metric, query.entity, query.fromMs, query.toMs);
  return answerCountQuery(query, items, { throughMs, acceptPastMs }, clock.nowMs());
}
