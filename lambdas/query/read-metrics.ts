// The use case of the list of metrics.
import { type Period, periodAt } from '../core/level.ts';
import { DAY_MS, HOUR_MS } from '../counting/time.ts';
import type { Clock } from '../ports.ts';

/** Which metrics there are. */
export interface MetricDirectory {
  /** The metrics that have a top list of a period. */
  metricsOf(period: Period): Promise<readonly string[]>;
}

/** The answer: names in the order of code units. */
export interface MetricsAnswer {
  readonly metrics: readonly string[];
}

/** All metrics that have been compacted: a new one is in an hour's list minutes after its first event, and in that of all time a day later. */
export async function readMetrics(directory: MetricDirectory, clock: Clock): Promise<MetricsAnswer> {
  const nowMs = clock.nowMs();
  const periods = [
    periodAt('all', nowMs),
    ...[nowMs, nowMs - DAY_MS].map((atMs) => periodAt('days', atMs)),
    // Events of the last hour may be compacted in this one.
    ...[nowMs, nowMs - HOUR_MS].map((atMs) => periodAt('hours', atMs)),
  ];
  const found = await Promise.all(periods.map((period) => directory.metricsOf(period)));
  return { metrics: [...new Set(found.flat())].sort() };
}
