// The queue of rollup messages between aggregator and writer, and its dead-letter queue.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { Configuration } from './configuration.ts';
import { DEAD_LETTER_RETENTION_DAYS, WRITER_TIMEOUT_SECONDS } from './configuration-rules.ts';
import { REDRIVER_TIMEOUT_SECONDS } from './redriver.ts';

/** Receives after which the queue itself gives a message up: a backstop above the writer's own attempts. */
export const QUEUE_RECEIVES_MAX = 20;

/** Both queues outlive the stack: their messages are not counted yet. */
export function rollupQueue(scope: Construct, c: Configuration) {
  const both = new Construct(scope, 'Rollups');
  const deadLetters = new Queue(both, 'DeadLetters', {
    ...secured,
    retentionPeriod: Duration.days(DEAD_LETTER_RETENTION_DAYS),
    // A run of the redriver sends and deletes what it received well within this time.
    visibilityTimeout: Duration.seconds(2 * REDRIVER_TIMEOUT_SECONDS),
  });
  const queue = new Queue(both, 'Messages', {
    ...secured,
    retentionPeriod: Duration.days(c.queueRetentionDays),
    // Lambda's recommendation: six times the function's timeout, plus the batching window.
    visibilityTimeout: Duration.seconds(6 * WRITER_TIMEOUT_SECONDS),
    // The writer moves failed messages itself, with a reason; this is for messages that never reach its code.
    deadLetterQueue: { queue: deadLetters, maxReceiveCount: QUEUE_RECEIVES_MAX },
  });
  acknowledge(deadLetters, {
    'AwsSolutions-SQS3': 'This is the dead-letter queue itself.',
    'Serverless-SQSRedrivePolicy': 'This is the dead-letter queue itself; the redriver empties it.',
  });
  return { queue, deadLetters };
}

const secured: QueueProps = {
  encryption: QueueEncryption.SQS_MANAGED,
  enforceSSL: true,
  maxMessageSizeBytes: 1_048_576,
  removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
};
