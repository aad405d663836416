// Answers while everything goes on: never more than has arrived, never less than what their claim vouches for.
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { iso } from './ceiling.ts';
import type { Arrived, Kind } from './truth.ts';
import { Violation } from './violation.ts';

/** An occurrence, and what is known about it. */
export interface Known {
  readonly arrived: Arrived;
  readonly kind: Kind;
}

/** What a stretch may hold. */
interface Bounds {
  least: number;
  most: number;
}

/**
 * Checks an answer about one counter.
 * @param known every occurrence of the counter that has arrived by now
 * @param isWhole whether nothing was lost or given up: else only the upper bound is certain
 * @param deletedMs what arrived up to then may be gone, or still be there
 */
export function checkAnswer(
  answer: CountAnswer,
  known: readonly Known[],
  isWhole: boolean,
  deletedMs = 0,
): void {
  const throughMs = Date.parse(answer.completeThrough ?? '1970-01-01T00:00:00Z');
  check(
    answer,
    'in all',
    answer.total,
    boundsOf(known, Date.parse(answer.from), Date.parse(answer.to), throughMs, deletedMs),
    isWhole,
  );
  for (const [index, { at, n }] of answer.points.entries()) {
    const fromMs = Math.max(Date.parse(at), Date.parse(answer.from));
    const next = answer.points[index + 1]?.at ?? answer.to;
    // Points without events are left out: what is between two of them is 0.
    const bounds = boundsOf(known, fromMs, Date.parse(next), throughMs, deletedMs);
    check(answer, `at ${at}`, n, bounds, isWhole);
  }
}

function check(
  { metric, entity, by, completeThrough }: CountAnswer,
  where: string,
  n: bigint,
  { least, most }: Bounds,
  isWhole: boolean,
): void {
  if (n > most || (isWhole && n < least)) {
    throw new Violation(
      n > most ? 'nothing counts twice' : 'answers are right',
      `${metric} of ${entity} by ${by} is ${n} ${where}, complete through ${completeThrough}, and must be ${least} to ${most}`,
    );
  }
}

function boundsOf(
  known: readonly Known[],
  fromMs: number,
  toMs: number,
  throughMs: number,
  deletedMs: number,
): Bounds {
  const bounds = { least: 0, most: 0 };
  for (const { arrived, kind } of known) {
    const { occurrence, arrivalMs, reachedMs } = arrived;
    const minuteMs = Math.floor((occurrence.atMs ?? arrivalMs) / 60_000) * 60_000;
    if (kind === 'none' || minuteMs < fromMs || minuteMs >= toMs) continue;
    const { n } = occurrence;
    if (kind === 'certain' && reachedMs < throughMs && arrivalMs > deletedMs) {
      bounds.least += n;
      bounds.most += n;
    } else if (n > 0) bounds.most += n;
    else bounds.least += n;
  }
  return bounds;
}

/** What was asked, in one line. */
export function described({ metric, entity, by, from, to }: CountAnswer): string {
  return `${metric} of ${entity} by ${by} from ${iso(Date.parse(from))} to ${iso(Date.parse(to))}`;
}
