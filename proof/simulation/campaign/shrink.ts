// Shrinks a failing history: removes faults and records as long as the same promise breaks in the same way.
import type { Violation } from '../../oracle/violation.ts';
import { NOTHING_OMITTED, type Omitted, planHistory } from '../plan/history-plan.ts';
import { runHistory } from '../run-history.ts';

/** The shrunk history. */
export interface Shrunk {
  readonly omitted: Omitted;
  /** Histories run on the way. */
  readonly tried: number;
}

/**
 * Shrinks a failing history by leaving out ever smaller groups of its faults, then of its records.
 * @param triesMax how many histories it may take
 */
export async function shrink(seed: number, violation: Violation, triesMax = 400): Promise<Shrunk> {
  let omitted: Omitted = NOTHING_OMITTED;
  let tried = 0;
  const kind = kindOf(violation);
  const stillFails = async (candidate: Omitted) => {
    tried += 1;
    // A history that cannot be played at all fails in another way.
    const verdict = await runHistory(planHistory(seed, candidate)).catch(() => undefined);
    return verdict !== undefined && kindOf(verdict.violation) === kind;
  };
  const full = planHistory(seed);
  for (const [what, length] of [
    ['faults', full.faults.length],
    ['puts', full.puts.length],
    ['faults', full.faults.length],
  ] as const) {
    let size = length;
    do {
      size = Math.ceil(size / 2);
      for (let from = 0; from < length && tried < triesMax; from += size) {
        const group = Array.from({ length: Math.min(size, length - from) }, (_, place) => from + place);
        if (group.every((place) => omitted[what].has(place))) continue;
        const candidate = { ...omitted, [what]: new Set([...omitted[what], ...group]) };
        if (await stillFails(candidate)) omitted = candidate;
      }
    } while (size > 1);
  }
  return { omitted, tried };
}

/** A violation without its numbers and names. */
function kindOf(violation: Violation | undefined): string {
  if (violation === undefined) return '';
  return `${violation.promise}: ${violation.message.replace(/[\d:.TZ-]+/g, '#').slice(0, 60)}`;
}
