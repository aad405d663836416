// The query's use case: answer how often something happened.
import { answerCountQuery, type CountAnswer, type CountQuery } from '../counting/count-query.ts';
import type { Clock, CounterReader } from '../ports.ts';

/** Answers a question from the counter items. */
export function readCounts(query: CountQuery, counters: CounterReader, clock: Clock): Promise<CountAnswer> {
  const items = counters.items(query.metric, query.entity, query.fromMs, query.toMs);
  return answerCountQuery(query, items, clock.nowMs());
}
