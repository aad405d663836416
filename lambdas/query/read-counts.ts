// The query's use case: answer how often something happened, and how complete the answer is.
import { type CountAnswer, countAnswer, PointSums } from '../counting/count-answer.ts';
import { type Piece, planCounts } from '../counting/count-plan.ts';
import type { CountQuery } from '../counting/count-query.ts';
import { itemStartMs, type RetentionsMs } from '../counting/levels.ts';
import type { ClaimReader, Clock, CounterReader, LevelReader } from '../ports.ts';

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

/** Answers a question: closed periods from the levels, what is open from the counter items, and no time from two places. */
export async function readCounts(
  query: CountQuery,
  ports: QueryPorts,
  { acceptPastMs, retentionsMs }: QuerySettings,
): Promise<CountAnswer> {
  // The claims first: read after the counts they would vouch for events that those did not have yet.
  const claims = await ports.claims.readClaims();
  const nowMs = ports.clock.nowMs();
  const plan = planCounts(query, claims, retentionsMs, nowMs);
  const sums = new PointSums(plan, nowMs);
  await Promise.all(plan.pieces.map((piece) => addPiece(query, piece, ports, sums)));
  return countAnswer(query, plan, sums, acceptPastMs);
}

async function addPiece(
  { metric, entity }: CountQuery,
  piece: Piece,
  { counters, levels }: QueryPorts,
  sums: PointSums,
): Promise<void> {
  const { source, fromMs, toMs } = piece;
  if (source === 'counters') {
    for await (const item of counters.items(metric, entity, fromMs, toMs)) sums.addCounter(item, piece);
  } else if (source === 'total') {
    const item = await levels.readLevel({ level: source, metric, entity, startMs: 0 });
    if (item !== undefined) sums.addLevel(item, piece);
  } else {
    const items = levels.levelItems({ level: source, metric, entity }, itemStartMs(source, fromMs), toMs);
    for await (const item of items) sums.addLevel(item, piece);
  }
}
