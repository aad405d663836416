// For how long an answer may be kept by whoever asked: what cannot change any more for days, what is open for seconds.
import type { Retentions } from '../core/level.ts';
import type { Freshness } from '../ports.ts';
import { isFinal } from './count-answer.ts';
import type { CountPlan } from './count-plan.ts';
import type { CountQuery } from './count-query.ts';
import { keptUntilMs } from './kept-grain.ts';

/** Counts are seconds old anyway: as long again is not noticed. */
const OPEN_SECONDS = 5;
/**
 * What is final changes by an operator's hand only: a repair, an entity deleted on request. A week bounds how long somebody
 * may still hold the answer from before.
 */
const FINAL_SECONDS = 7 * 86_400;

/** For how long an answer may be used again that the next event may change. */
export const OPEN_FRESHNESS: Freshness = { maxAgeSeconds: OPEN_SECONDS, isImmutable: false };

/** For how long an answer may be used again that no event can change. @param untilMs when it is not kept as it is any more, or `Infinity` */
export function finalFreshness(untilMs: number, nowMs: number): Freshness {
  const maxAgeSeconds = Math.min(FINAL_SECONDS, Math.floor((untilMs - nowMs) / 1000));
  return maxAgeSeconds > OPEN_SECONDS ? { maxAgeSeconds, isImmutable: true } : OPEN_FRESHNESS;
}

/**
 * For how long an answer about counts may be used again.
 * @param plans what was read for it: the range, and the stretch before
 */
export function freshnessOf(
  { isEndGiven }: Pick<CountQuery, 'isEndGiven'>,
  plans: readonly CountPlan[],
  acceptPastMs: number | undefined,
  retentions: Retentions,
  nowMs: number,
): Freshness {
  // Without an end the next request is another question.
  if (!isEndGiven || !plans.every((plan) => isFinal(plan, acceptPastMs))) return OPEN_FRESHNESS;
  // When a finer grain expires, the answer changes its grain.
  return finalFreshness(Math.min(...plans.map((plan) => keptUntilMs(plan, retentions, nowMs))), nowMs);
}
