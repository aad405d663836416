// The canary: sends a known number of events to every shard each minute, and checks through the API that they are counted.
import { acknowledge, logicalIdOf } from './acknowledge.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

/** Less than two requests at API Gateway's limit of 29 seconds, and within the minute in which a run's events must arrive. */
const TIMEOUT_SECONDS = 50;
/** The IAM-protected route of counts. */
const COUNTS_PATH = '/v1/admin/counts/*';

/** The canary, which runs every minute. It is a client of the API. */
export function canary(platform: Platform): void {
  const { configuration: c, frontDoor, stream } = platform;
  const { api } = frontDoor;
  const handler = new HandlerFunction(platform.stack, 'Canary', platform, {
    noun: 'canary',
    description: 'Sends a known number of events a minute, on every shard, and checks that they are counted.',
    timeoutSeconds: TIMEOUT_SECONDS,
    memoryMb: 256,
    environment: { API_URL: api.url, STREAM_NAME: stream.streamName },
    statements: [
      allow('kinesis', ['ListShards', 'PutRecords'], stream.streamArn),
      allow('execute-api', ['Invoke'], api.arnForExecuteApi('GET', COUNTS_PATH, c.stage)),
    ],
  });
  handler.runEveryMinute();

  const arn = `arn:<AWS::Partition>:execute-api:<AWS::Region>:<AWS::AccountId>:<${logicalIdOf(api)}>`;
  acknowledge(handler.policy, {
    [`AwsSolutions-IAM5[Resource::${arn}/${c.stage}/GET${COUNTS_PATH}]`]:
      'The wildcard stands for the path parameters of one route.',
  });
}
