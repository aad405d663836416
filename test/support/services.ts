// Real services for contract tests: the embedded emulators, or any others named by the SDK's own endpoint variables.
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DeleteTableCommand,
  DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import {
  CreateStreamCommand,
  DeleteStreamCommand,
  KinesisClient,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { kinesis } from '../../lambdas/aws/clients/kinesis.ts';
import { s3 } from '../../lambdas/aws/clients/s3.ts';
import { sqs } from '../../lambdas/aws/clients/sqs.ts';
import { type Endpoints, startEmulators } from '../../local/emulators/emulators.ts';
import { type FunctionFault, startFaultProxy } from '../../local/emulators/fault-proxy.ts';

/**
 * Gives clients of the services, and ways to make resources. To be awaited at the top of a test file: what it starts is
 * stopped, and what it makes is deleted, after the file's tests. With `TALLY_CONTRACT_ENDPOINTS=given` nothing is started:
 * `AWS_ENDPOINT_URL_DYNAMODB` and its like, or AWS itself with the usual credentials, are what is tested.
 */
export async function startServices() {
  const undo: (() => Promise<unknown>)[] = [];
  const embedded = process.env['TALLY_CONTRACT_ENDPOINTS'] !== 'given';
  if (embedded) {
    const emulators = await startEmulators(undefined, (error) => {
      throw error;
    });
    undo.push(() => emulators.stop());
    const { dynamodb, kinesis, sqsAndS3 } = emulators;
    Object.assign(process.env, {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
      AWS_ENDPOINT_URL_KINESIS: kinesis.endpoint,
      AWS_ENDPOINT_URL_SQS: sqsAndS3.endpoint,
      AWS_ENDPOINT_URL_S3: sqsAndS3.endpoint,
    });
  }
  const clients = { dynamoDb: dynamoDb(), kinesis: kinesis(), sqs: sqs(), s3: s3() };
  after(async () => {
    for (const step of undo.reverse()) await step();
    for (const client of Object.values(clients)) client.destroy();
  });
  const name = (kind: string) => `tally-test-${kind}-${randomUUID().slice(0, 8)}`;

  /** Puts faults in front of a service. @returns the endpoint */
  async function faulty(service: keyof Endpoints, fault: FunctionFault): Promise<string> {
    const target = process.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? '';
    const proxy = await startFaultProxy(service, target, () => fault);
    undo.push(() => proxy.stop());
    return proxy.endpoint;
  }
  function closedAfterwards<Client extends { destroy(): void }>(client: Client): Client {
    undo.push(async () => client.destroy());
    return client;
  }

  return {
    ...clients,
    /** Whether the services are the embedded emulators, in front of which faults can be put. */
    embedded,

    /** A client of DynamoDB with faults on the way: for answers that the emulator never gives. */
    async dynamoDbWith(fault: FunctionFault): Promise<DynamoDBClient> {
      return closedAfterwards(new DynamoDBClient({ endpoint: await faulty('dynamodb', fault) }));
    },

    /** A client of Kinesis with faults on the way. */
    async kinesisWith(fault: FunctionFault): Promise<KinesisClient> {
      const endpoint = await faulty('kinesis', fault);
      return closedAfterwards(new KinesisClient({ endpoint, requestHandler: new NodeHttpHandler() }));
    },

    /** A client of SQS with faults on the way. */
    async sqsWith(fault: FunctionFault): Promise<SQSClient> {
      const endpoint = await faulty('sqs', fault);
      return closedAfterwards(new SQSClient({ endpoint, useQueueUrlAsEndpoint: false }));
    },

    /** A table with `pk` and `sk`, as both of Tally's are; with indexes where a template's table has some. */
    async table(indexed: Partial<CreateTableCommandInput> = {}): Promise<string> {
      const TableName = name('table');
      await clients.dynamoDb.send(
        new CreateTableCommand({
          TableName,
          BillingMode: 'PAY_PER_REQUEST',
          AttributeDefinitions: [
            { AttributeName: 'pk', AttributeType: 'S' },
            { AttributeName: 'sk', AttributeType: 'S' },
          ],
          KeySchema: [
            { AttributeName: 'pk', KeyType: 'HASH' },
            { AttributeName: 'sk', KeyType: 'RANGE' },
          ],
          ...indexed,
        }),
      );
      await waitUntilTableExists({ client: clients.dynamoDb, maxWaitTime: 60, minDelay: 1 }, { TableName });
      undo.push(() => clients.dynamoDb.send(new DeleteTableCommand({ TableName })));
      return TableName;
    },

    /** A standard queue's URL. */
    async queue(): Promise<string> {
      const { QueueUrl = '' } = await clients.sqs.send(new CreateQueueCommand({ QueueName: name('queue') }));
      undo.push(() => clients.sqs.send(new DeleteQueueCommand({ QueueUrl })));
      return QueueUrl;
    },

    /** A stream. */
    async stream(ShardCount: number): Promise<string> {
      const StreamName = name('stream');
      await clients.kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
      await waitUntilStreamExists({ client: clients.kinesis, maxWaitTime: 60, minDelay: 1 }, { StreamName });
      undo.push(() => clients.kinesis.send(new DeleteStreamCommand({ StreamName })));
      return StreamName;
    },

    /** A bucket; what is in it stays behind on a service that outlives the tests. */
    async bucket(): Promise<string> {
      const Bucket = name('bucket');
      await clients.s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
  };
}
