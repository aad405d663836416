// Structured logs and metrics of a function. Stage and function are the only dimensions.
import { Logger } from '@aws-lambda-powertools/logger';
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import type { Context } from 'aws-lambda';
import type { Clock } from '../ports.ts';
import { type Environment, text } from './environment.ts';

type Run<Event, Result> = (event: Event, context: Context) => Promise<Result>;

/** Sets up logs and metrics from the environment's `POWERTOOLS_*` variables and its stage. */
export function telemetry(environment: Environment) {
  const metrics = new Metrics({
    defaultDimensions: { stage: text(environment, 'STAGE') },
    // Powertools warns in every invocation that emits nothing.
    logger: { ...console, warn: () => {} },
  });
  const emit = (counts: Readonly<Record<string, number>>) => {
    for (const [name, value] of Object.entries(counts)) metrics.addMetric(name, MetricUnit.Count, value);
  };
  const logger = new Logger();
  return {
    logger,
    metrics,
    /** Emits counts, 0 included: for metrics that are always emitted. */
    count: emit,
    /** Emits counts other than 0: a custom metric costs for each hour in which it is emitted. */
    countAny: (counts: Readonly<Record<string, number>>) =>
      emit(Object.fromEntries(Object.entries(counts).filter(([, value]) => value !== 0))),
    /** Emits a count before the end of the invocation: for an alarm on what is not reported again if the rest fails or is killed. */
    countNow: (name: string, value: number) =>
      metrics.singleMetric().addMetric(name, MetricUnit.Count, value),
    /** Reports each duration, so that percentiles are exact. */
    measureMs(name: string, values: readonly number[]) {
      // Powertools collects a name's values, and starts a new blob at CloudWatch's limit of 100.
      for (const value of values) metrics.addMetric(name, MetricUnit.Milliseconds, value);
    },
    handlerOf: <Event, Result>(run: Run<Event, Result>) =>
      middy<Event, Result>(run).use(injectLambdaContext(logger)).use(logMetrics(metrics)),
  };
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** Whether a function has more than `reserveMs` left. */
export function timeLeft(context: { getRemainingTimeInMillis(): number }, reserveMs: number): () => boolean {
  return () => context.getRemainingTimeInMillis() > reserveMs;
}
