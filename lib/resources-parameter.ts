// The parameter that tells an operator's commands what the stack's resources are called.
import { Stack } from 'aws-cdk-lib';
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';

/** What an operator's commands work on. */
export interface OperatedResources {
  readonly stream: Stream;
  readonly counts: Table;
  readonly ledger: Table;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly archive: Bucket;
  readonly retries: StringParameter;
  /** Where objects of access logs are announced, in a stack that collects some. */
  readonly objects?: Queue | undefined;
}

/** `/tally/<stage>/resources`: names, and the settings that commands share with functions: a command needs no more than a stage. */
export function resourcesParameter(
  scope: Construct,
  id: string,
  c: Configuration,
  { stream, counts, ledger, queue, deadLetters, archive, retries, objects }: OperatedResources,
): StringParameter {
  return new StringParameter(scope, id, {
    // Named, because the commands know nothing but the stage.
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
      ...(objects && { collectorQueueUrl: objects.queueUrl, accessLogs: c.accessLogs }),
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
