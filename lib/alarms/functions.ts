// Errors and throttles: the same two alarms for each function, in the group that says what its standing still means.
import { sums } from '../tally-metric.ts';
import type { Watched } from '../watched.ts';
import type { AlarmPlan } from './alarm-plan.ts';

/** Both alarms of each of these functions. */
export function alarmsOfFunctions(
  { functions }: Watched,
  nouns: readonly (keyof Watched['functions'])[],
): AlarmPlan[] {
  return nouns.flatMap((noun) => {
    const name = `${noun[0]?.toUpperCase()}${noun.slice(1)}`;
    const watched = functions[noun];
    const twice = { threshold: { above: 0 }, datapoints: 2, periods: 3 };
    return [
      {
        id: `${name}Errors`,
        metric: watched.metricErrors(sums),
        ...twice,
        description: `The ${noun} failed in two of three spans of five minutes: one failure is repeated and forgotten, a second one is a cause.`,
        runbook: 'function-errors',
      },
      {
        id: `${name}Throttles`,
        metric: watched.metricThrottles(sums),
        ...twice,
        description: `The ${noun} was throttled in two of three spans of five minutes: the account's concurrency is used up.`,
        runbook: 'function-throttles',
      },
    ];
  });
}
