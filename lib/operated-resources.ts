// What the writer, the redriver and operators' commands share.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import type { StringParameter } from 'aws-cdk-lib/aws-ssm';
import type { Configuration } from './configuration.ts';
import { retryRereadSeconds } from './retry-parameter.ts';
import { retentionEnvironment, secondsOf } from './seconds.ts';

export interface OperatedResources {
  readonly counts: Table;
  readonly ledger: Table;
  readonly queue: Queue;
  readonly deadLetters: Queue;
  readonly archive: Bucket;
  readonly retries: StringParameter;
}

/** The environment of the functions that store deltas. */
export function storingEnvironment(c: Configuration, resources: OperatedResources): Record<string, string> {
  const { counts, ledger, queue, deadLetters, archive, retries } = resources;
  return {
    COUNTS_TABLE: counts.tableName,
    LEDGER_TABLE: ledger.tableName,
    ROLLUP_QUEUE_URL: queue.queueUrl,
    DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl,
    ARCHIVE_BUCKET: archive.bucketName,
    ...retentionEnvironment(c),
    DELTA_RETENTION_SECONDS: secondsOf(c.deltaRetentionDays),
    RETRY_PARAMETER: retries.parameterName,
    RETRY_REREAD_SECONDS: String(retryRereadSeconds(c)),
  };
}
