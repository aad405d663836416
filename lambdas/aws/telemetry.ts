// Structured logs and metrics of a function. Dimensions are the stage and the function; an entity is never one.
import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import type { Clock } from '../ports.ts';
import { type Environment, text } from './environment.ts';

/** A function's logger and metrics. */
export interface Telemetry {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Emits counts, 0 included: for metrics that are always emitted. */
  count(counts: Readonly<Record<string, number>>): void;
  /** Emits counts that are not 0: a custom metric costs for each hour in which it is emitted. */
  countAny(counts: Readonly<Record<string, number>>): void;
  /** Reports every single value of a duration, so that any percentile of them can be asked for. */
  measureMs(name: string, values: readonly number[]): void;
}

/** Sets up logs and metrics from the environment's `POWERTOOLS_*` variables and its stage. */
export function telemetry(environment: Environment): Telemetry {
  const metrics = new Metrics({
    defaultDimensions: { stage: text(environment, 'STAGE') },
    // Powertools warns in each invocation that emits nothing, which is most of them.
    logger: { ...console, warn: () => {} },
  });
  const emit = (counts: Readonly<Record<string, number>>) => {
    for (const [name, value] of Object.entries(counts)) metrics.addMetric(name, MetricUnit.Count, value);
  };
  return {
    logger: new Logger(),
    metrics,
    count: emit,
    countAny: (counts) => emit(Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0))),
    measureMs(name, values) {
      // Powertools makes an array of a name's values, and starts another blob at CloudWatch's limit of 100.
      for (const value of values) metrics.addMetric(name, MetricUnit.Milliseconds, value);
    },
  };
}

/** The machine's clock. */
export const systemClock: Clock = { nowMs: () => Date.now() };

/** Whether a function has more than `reserveMs` left. */
export function timeLeft(context: { getRemainingTimeInMillis(): number }, reserveMs: number): () => boolean {
  return () => context.getRemainingTimeInMillis() > reserveMs;
}
