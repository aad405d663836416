// The parameter with which operators tune retries without a deployment.
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import { QUEUE_RECEIVES_MAX } from './rollup-queue.ts';

/** Its initial values, the same as the defaults in lambdas/core/retry-policy.ts. */
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

/** `/tally/<stage>/retries`. Writer and redriver read it at run time; a deployment keeps an operator's value. */
export function retryParameter(scope: Construct, id: string, c: Configuration): StringParameter {
  return new StringParameter(scope, id, {
    // An explicit name, because operators type it.
    parameterName: `/tally/${c.stage}/retries`,
    description: `How often and how fast the writer retries and the redriver returns dead letters; attempts below ${QUEUE_RECEIVES_MAX}, where the queue itself gives up.`,
    stringValue: JSON.stringify(FIRST_VALUES),
  });
}
