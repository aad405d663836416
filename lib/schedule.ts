// Schedules.
import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** How long a throttled run is retried before Lambda drops it. */
const THROTTLED_MAX_AGE = Duration.minutes(5);

/** Runs a function every minute. A failed run is not retried: the next one does the same work. */
export function everyMinute(scope: Construct, id: string, handler: LambdaFunction): void {
  handler.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: THROTTLED_MAX_AGE });
  const rule = new Rule(scope, id, {
    schedule: Schedule.rate(Duration.minutes(1)),
    targets: [new LambdaTarget(handler, { retryAttempts: 2, maxEventAge: THROTTLED_MAX_AGE })],
  });
  acknowledge(rule, {
    'Serverless-EventBusDLQ': 'A missed run leaves nothing undone: the next one does the same work.',
  });
}
