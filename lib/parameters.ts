// The stack's parameters: the names of its resources, for operators' commands, and the retries, tuned without a deployment.
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import type { Platform } from './handler-function.ts';
import { QUEUE_RECEIVES_MAX } from './rollup-queue.ts';

/**
 * `/tally/<stage>/resources`: names, and the settings that commands share with functions, so that a command needs only the stage.
 * @param objects the queue of announced log objects, if the stack collects logs
 */
export function resourcesParameter(platform: Platform, objects: Queue | undefined): void {
  const { stack, configuration: c, stream, counts, ledger, queue, deadLetters, archive, retries } = platform;
  new StringParameter(stack, 'Resources', {
    // An explicit name, because commands only know the stage.
    parameterName: `/tally/${c.stage}/resources`,
    description: "Names of the stack's resources, for an operator's commands. Written by each deployment.",
    stringValue: stack.toJsonString({
      streamName: stream.streamName,
      rollupQueueUrl: queue.queueUrl,
      deadLetterQueueUrl: deadLetters.queueUrl,
      archiveBucket: archive.bucketName,
      countsTable: counts.tableName,
      ledgerTable: ledger.tableName,
      retryParameter: retries.parameterName,
      ...(objects && {
        collectorQueueUrl: objects.queueUrl,
        accessLogs: c.accessLogs.map(({ bucket, prefix }) => ({ bucket, prefix })),
      }),
      settings: {
        streamGeneration: c.streamGeneration,
        hashSlots: c.hashSlots,
        minuteRetentionDays: c.minuteRetentionDays,
        hourRetentionDays: c.hourRetentionDays,
        dayRetentionDays: c.dayRetentionDays,
        rawRetentionDays: c.rawRetentionDays,
        deltaRetentionDays: c.deltaRetentionDays,
        ledgerRetentionDays: c.ledgerRetentionDays,
      },
    }),
  });
}

/** The retry parameter's initial values, the same as the defaults in lambdas/core/retry-policy.ts. */
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
export function retryParameter(scope: Construct, c: Configuration): StringParameter {
  return new StringParameter(scope, 'Retries', {
    // An explicit name, because operators type it.
    parameterName: `/tally/${c.stage}/retries`,
    description: `How often and how fast the writer retries and the redriver returns dead letters; attempts below ${QUEUE_RECEIVES_MAX}, where the queue itself gives up.`,
    stringValue: JSON.stringify(FIRST_VALUES),
  });
}
