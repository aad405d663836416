// The stream of all accepted events, which can be reread for days.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Stream, StreamEncryption, StreamMode } from 'aws-cdk-lib/aws-kinesis';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { Configuration } from './configuration.ts';

/** The Kinesis stream. It outlives the stack, since it holds uncounted events. */
export function eventStream(scope: Construct, c: Configuration): Stream {
  const stream = new Stream(new Construct(scope, 'Events'), 'Stream', {
    ...(c.streamMode === 'provisioned'
      ? { streamMode: StreamMode.PROVISIONED, shardCount: c.streamShards }
      : { streamMode: StreamMode.ON_DEMAND }),
    retentionPeriod: Duration.hours(c.streamRetentionHours),
    encryption: StreamEncryption.MANAGED,
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
  });
  acknowledge(stream, {
    'AwsSolutions-KDS3':
      "The account's own aws/kinesis key encrypts it; a customer key would add a charge for each PutRecords and a second thing whose loss loses events.",
  });
  return stream;
}
