// The parameter an operator changes to retry more or less eagerly, without a deployment.
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { type Configuration, LOCAL_STAGE } from './configuration.ts';
import { QUEUE_RECEIVES_MAX } from './rollup-queue.ts';

/** Its first values: lambdas/core/retry-policy.ts has the same defaults. */
const FIRST_VALUES = {
  attempts: 3,
  backoffBaseSeconds: 5,
  backoffCapSeconds: 300,
  backoffJitter: 0.5,
  redrivePerSecond: 50,
  redriveDelaySeconds: 60,
  redriveDelayCapSeconds: 900,
  redriveDelayGrowth: 2,
  redriveRounds: 5,
} as const;

/** `/tally/<stage>/retries`. Writer and redriver read it at run time; a deployment leaves an operator's value alone. */
export function retryParameter(scope: Construct, id: string, c: Configuration): StringParameter {
  return new StringParameter(scope, id, {
    // Named, because an operator types it.
    parameterName: `/tally/${c.stage}/retries`,
    description: `How often and how fast the writer retries and the redriver returns dead letters; attempts below ${QUEUE_RECEIVES_MAX}, where the queue itself gives up.`,
    stringValue: JSON.stringify(FIRST_VALUES),
  });
}

/** How long writer and redriver use a value before they read it again. On one machine nobody waits a minute for a change. */
export function retryRereadSeconds({ stage }: Configuration): number {
  return stage === LOCAL_STAGE ? 3 : 60;
}
