// Answers while everything goes on: never more than has arrived, never less than what their claim vouches for.
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import type { Arrived, Kind } from './truth.ts';
import { Violation } from './violation.ts';

/** An occurrence, and what is known about it. */
export interface Known {
  readonly arrived: Arrived;
  readonly kind: Kind;
}

/**
 * Checks an answer about one counter.
 * @param known every occurrence of the counter that has arrived by now
 * @param isWhole whether nothing was lost or given up: else anything may be missing
 * @param deletedMs what arrived up to then may be gone, or still be there
 */
export function checkAnswer(
  answer: CountAnswer,
  known: readonly Known[],
  isWhole: boolean,
  deletedMs = 0,
): void {
  const [startMs, endMs] = [Date.parse(answer.from), Date.parse(answer.to)];
  const throughMs = isWhole ? Date.parse(answer.completeThrough ?? '1970-01-01T00:00:00Z') : 0;
  const check = (where: string, n: bigint, fromMs: number, toMs: number) => {
    let [least, most] = [0, 0];
    for (const { arrived, kind } of known) {
      const { occurrence, arrivalMs, reachedMs } = arrived;
      const minuteMs = Math.floor((occurrence.atMs ?? arrivalMs) / 60_000) * 60_000;
      if (kind === 'none' || minuteMs < fromMs || minuteMs >= toMs) continue;
      const isCertain = kind === 'certain' && reachedMs < throughMs && arrivalMs > deletedMs;
      if (isCertain || occurrence.n > 0) most += occurrence.n;
      if (isCertain || occurrence.n <= 0) least += occurrence.n;
    }
    if (n >= least && n <= most) return;
    const { metric, entity, by, from, to, completeThrough } = answer;
    throw new Violation(
      n > most ? 'nothing counts twice' : 'answers are right',
      `${metric} of ${entity} by ${by} from ${from} to ${to} is ${n} ${where}, complete through ${completeThrough}, and must be ${least} to ${most}`,
    );
  };
  check('in all', answer.total, startMs, endMs);
  for (const [index, { at, n }] of answer.points.entries()) {
    const next = answer.points[index + 1]?.at ?? answer.to;
    // Points without events are left out: what is between two of them is 0.
    check(`at ${at}`, n, Math.max(Date.parse(at), startMs), Date.parse(next));
  }
}
