// The parameter an operator changes to retry more or less eagerly, without a deployment.
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';

/**
 * `/tally/<stage>/retries`. Writer and redriver read it at run time; a deployment overwrites an operator's value only
 * when the stage's own first values changed.
 */
export function retryParameter(scope: Construct, id: string, c: Configuration): StringParameter {
  return new StringParameter(scope, id, {
    // Named, because an operator types it.
    parameterName: `/tally/${c.stage}/retries`,
    description: `How often and how fast the writer retries and the redriver returns dead letters; attempts below ${c.queueReceivesMax}, where the queue itself gives up.`,
    stringValue: JSON.stringify({
      attempts: c.retryAttempts,
      backoffBaseSeconds: c.retryBackoffBaseSeconds,
      backoffCapSeconds: c.retryBackoffCapSeconds,
      backoffJitter: c.retryBackoffJitter,
      redrivePerSecond: c.redrivePerSecond,
      redriveDelaySeconds: c.redriveDelaySeconds,
      redriveDelayCapSeconds: c.redriveDelayCapSeconds,
      redriveDelayGrowth: c.redriveDelayGrowth,
      redriveRounds: c.redriveRounds,
    }),
  });
}
