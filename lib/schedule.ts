// What runs every minute.
import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';

/** Runs a function every minute. A run that fails is not repeated: the next one does the same work. */
export function everyMinute(scope: Construct, id: string, handler: LambdaFunction): Rule {
  handler.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
  const rule = new Rule(scope, id, {
    schedule: Schedule.rate(Duration.minutes(1)),
    targets: [new LambdaTarget(handler, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
  });
  acknowledge(rule, {
    'Serverless-EventBusDLQ': 'A missed run leaves nothing undone: the next minute does the same work.',
  });
  return rule;
}
