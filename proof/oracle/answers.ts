// Answers about a counter: each point, and their sum, must be within bounds.
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { type Arrived, type Bounds, type Kind, minuteOf } from './truth.ts';
import { type PromiseName, Violation } from './violation.ts';

/**
 * Checks an answer's sum and its points.
 * @param boundsOf the bounds of a range, epoch milliseconds
 * @param broken the promises broken by a count that is too low or too high
 */
export function checkAnswer(
  answer: CountAnswer,
  boundsOf: (fromMs: number, toMs: number) => Bounds,
  [whenTooLow, whenTooHigh]: readonly [PromiseName, PromiseName],
): void {
  const check = (where: string, n: bigint, fromMs: number, toMs: number) => {
    const { least, most } = boundsOf(fromMs, toMs);
    if (n >= least && n <= most) return;
    const { metric, entity, by, tz, from, to, completeThrough } = answer;
    throw new Violation(
      n > most ? whenTooHigh : whenTooLow,
      `${metric} of ${entity} by ${by} from ${from} to ${to} ${tz} is ${n} ${where}, complete through ${completeThrough}, and must be ${least} to ${most}`,
    );
  };
  const [startMs, endMs] = [Date.parse(answer.from), Date.parse(answer.to)];
  check('in all', answer.total, startMs, endMs);
  for (const [index, { at, n }] of answer.points.entries()) {
    const next = answer.points[index + 1]?.at;
    // Points without events are omitted: between two points, the count is 0.
    check(`at ${at}`, n, Math.max(Date.parse(at), startMs), next === undefined ? endMs : Date.parse(next));
  }
}

/** An occurrence, and what is known about it. */
export interface Known extends Arrived {
  readonly kind: Kind;
}

/**
 * The bounds of a count while the pipeline runs.
 * @param known every occurrence of the counter that has arrived by now
 * @param throughMs arrivals before this are counted, unless deleted; 0: nothing is certain
 * @param deletedMs arrivals up to this may be deleted already, or not yet
 */
export function boundsWithin(known: readonly Known[], throughMs: number, deletedMs = 0) {
  return (fromMs: number, toMs: number): Bounds => {
    let [least, most] = [0, 0];
    for (const { occurrence, arrivalMs, reachedMs, kind } of known) {
      const minuteMs = minuteOf(occurrence.atMs ?? arrivalMs);
      if (kind === 'none' || minuteMs < fromMs || minuteMs >= toMs) continue;
      const isCertain = kind === 'certain' && reachedMs < throughMs && arrivalMs > deletedMs;
      if (isCertain || occurrence.n > 0) most += occurrence.n;
      if (isCertain || occurrence.n <= 0) least += occurrence.n;
    }
    return { least, most };
  };
}
