// What an operator does by the AWS command line, done on the local stack: the same service calls where there is an emulator.
import { createAwsJsonClient, type JsonService } from '../../local/emulators/aws-json.ts';
import type { JsonObject } from '../../local/json.ts';
import { s3Request } from '../../local/provision.ts';
import type { LocalStack } from '../../local/stack.ts';

/** The service calls that the runbook's commands make. */
export interface AwsCommands {
  /** One call of a service in AWS's JSON protocol: what `aws <service> <operation>` sends. */
  call(service: JsonService, action: string, input: JsonObject): Promise<JsonObject>;
  /** `aws s3 ls --recursive s3://bucket/prefix`: the keys. */
  list(bucket: string, prefix: string): Promise<string[]>;
  /** `aws s3 cp s3://bucket/key -`: the object. */
  read(bucket: string, key: string): Promise<string>;
  close(): void;
}

/** Commands against a local stack. */
export function awsCommands({ endpoints }: LocalStack): AwsCommands {
  const clients = {
    dynamodb: createAwsJsonClient('dynamodb', endpoints.dynamodb),
    kinesis: createAwsJsonClient('kinesis', endpoints.kinesis),
    sqs: createAwsJsonClient('sqs', endpoints.sqs),
    ssm: createAwsJsonClient('ssm', endpoints.ssm),
  };
  return {
    call: (service, action, input) => clients[service].call(action, input),
    list: async (bucket, prefix) => {
      const { body } = await s3Request(
        endpoints.s3,
        'GET',
        `/${bucket}?list-type=2&prefix=${encodeURIComponent(prefix)}`,
      );
      return [...body.matchAll(/<Key>([^<]+)<\/Key>/g)].map((match) => match[1] ?? '');
    },
    read: async (bucket, key) => (await s3Request(endpoints.s3, 'GET', `/${bucket}/${key}`)).body,
    close: () => {
      for (const client of Object.values(clients)) client.close();
    },
  };
}
