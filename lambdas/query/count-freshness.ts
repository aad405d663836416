// How long clients may cache an answer: days if it is final, seconds if it is open.
import type { Freshness } from '../ports.ts';
import { isFinal } from './count-answer.ts';
import type { CountPlan } from './count-plan.ts';
import type { CountQuery } from './count-query.ts';
import { type Kept, keptUntilMs } from './kept-grain.ts';

/** Counts are seconds old anyway, so as many more go unnoticed. */
const OPEN_SECONDS = 5;
/**
 * Only operators change final counts: by a repair, or by deleting an entity on request. A week bounds how long a client
 * may keep the old answer.
 */
const FINAL_SECONDS = 7 * 86_400;

/** How long an answer may be reused that the next event may change. */
export const OPEN_FRESHNESS: Freshness = { maxAgeSeconds: OPEN_SECONDS, isImmutable: false };

/** How long an answer may be reused that no event can change. @param untilMs when retention changes it, or `Infinity` */
export function finalFreshness(untilMs: number, nowMs: number): Freshness {
  const maxAgeSeconds = Math.min(FINAL_SECONDS, Math.floor((untilMs - nowMs) / 1000));
  return maxAgeSeconds > OPEN_SECONDS ? { maxAgeSeconds, isImmutable: true } : OPEN_FRESHNESS;
}

/**
 * How long a count answer may be reused.
 * @param plans what was read for it: the range, and the preceding range
 */
export function freshnessOf(
  { isEndGiven }: Pick<CountQuery, 'isEndGiven'>,
  plans: readonly CountPlan[],
  settledMs: number,
  kept: Kept,
): Freshness {
  // Without an end, the next request is another query.
  if (!isEndGiven || !plans.every(({ toMs }) => isFinal(toMs, settledMs))) return OPEN_FRESHNESS;
  // When a finer grain expires, the answer's grain changes.
  return finalFreshness(Math.min(...plans.map((plan) => keptUntilMs(plan, kept))), kept.nowMs);
}
