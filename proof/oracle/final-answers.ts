// Final answers: what was once final never changes, even if settings change.
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { valueIn } from '../simulation/value-in.ts';
import { iso, Violation } from './violation.ts';

/** Remembers final answers, by minute and by hour. */
export class FinalAnswers {
  /** Sums by counter and grain, then by the start of the minute or hour. */
  readonly #sums = new Map<string, Map<number, bigint>>();
  /** The number of final minutes and hours. */
  count = 0;

  /** Compares an answer, whose range is whole hours, with earlier final answers. */
  answered({ metric, entity, points, from, to, grain }: CountAnswer): void {
    if (grain !== 'minute' && grain !== 'hour') return;
    const counter = `${metric} of ${entity} by ${grain}`;
    const known = valueIn(this.#sums, counter, () => new Map<number, bigint>());
    const said = new Map(points.map(({ at, n }) => [Date.parse(at), n]));
    for (const [atMs, n] of known) {
      const now = said.get(atMs) ?? 0n;
      if (now !== n && atMs >= Date.parse(from) && atMs < Date.parse(to))
        throw new Violation(
          'final answers never change',
          `${counter} was ${n} at ${iso(atMs)} and final, and now is ${now}`,
        );
    }
    for (const { at, n, state } of points) {
      if (state !== 'final') continue;
      known.set(Date.parse(at), n);
      this.count += 1;
    }
  }
}
