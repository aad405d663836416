// The parameter with the names of the stack's resources, for operators' commands.
import { Stack } from 'aws-cdk-lib';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Platform } from './handler-function.ts';

/**
 * `/tally/<stage>/resources`: names, and the settings that commands share with functions, so that a command needs only the stage.
 * @param objects the queue of announced log objects, if the stack collects logs
 */
export function resourcesParameter(
  scope: Construct,
  id: string,
  { configuration: c, stream, counts, ledger, queue, deadLetters, archive, retries }: Platform,
  objects: Queue | undefined,
): StringParameter {
  return new StringParameter(scope, id, {
    // An explicit name, because commands only know the stage.
    parameterName: `/tally/${c.stage}/resources`,
    description: "Names of the stack's resources, for an operator's commands. Written by each deployment.",
    stringValue: Stack.of(scope).toJsonString({
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
      },
    }),
  });
}
