// Services for contract tests: the embedded emulators, AWS in memory, or any named by the SDK's own endpoint variables.
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
  MergeShardsCommand,
  SplitShardCommand,
  waitUntilStreamExists,
} from '@aws-sdk/client-kinesis';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { CreateQueueCommand, DeleteQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { FakeAws } from '../../fake-aws/aws.ts';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { kinesis } from '../../lambdas/aws/clients/kinesis.ts';
import { s3 } from '../../lambdas/aws/clients/s3.ts';
import { sqs } from '../../lambdas/aws/clients/sqs.ts';
import { ssm } from '../../lambdas/aws/clients/ssm.ts';
import { type Endpoints, startEmulators } from '../../local/emulators/emulators.ts';
import { type ServiceFault, startFaultProxy } from '../../local/emulators/fault-proxy.ts';

/** The target: `given` means the SDK's own endpoint variables, or AWS itself with the usual credentials. */
export type Target = 'embedded' | 'fake' | 'moto' | 'given';

/**
 * Where targets differ from AWS: tests of these features are skipped there.
 * Each line is a feature of AWS, and the targets that lack it.
 */
const DEVIATIONS = {
  'the old item comes with a failed condition': ['embedded'],
  'a boolean is found among booleans': ['embedded'],
  'values that cannot be compared fulfil no comparison': ['moto'],
  'numbers have at most 38 digits': ['moto'],
  'wrong requests are refused': ['moto'],
  'a page of a query ends at 1 MB': [],
  'too many operators are refused': ['embedded', 'moto'],
  'capacity is charged': ['moto'],
  'batches have limits': ['moto'],
  'expressions end at 4 KB': ['embedded', 'moto'],
  'items end at 400 KB': ['moto'],
  'transactions are all or nothing': ['embedded'],
  'sequence numbers have 56 digits': ['moto'],
  'records stay in the shard that took them': ['moto'],
  'a delay beyond 15 minutes is refused': ['embedded', 'moto'],
  'a foreign receipt handle is refused': ['embedded', 'moto'],
  'messages received too often are dead letters': [],
  'versions of objects are listed': ['embedded'],
  'parameters are there': ['embedded'],
} as const satisfies Readonly<Record<string, readonly Target[]>>;

/** A feature of AWS that some targets lack. */
export type Behaviour = keyof typeof DEVIATIONS;

/**
 * Gives clients of the services, and ways to make resources. To be awaited at the top of a test file: what it starts is
 * stopped, and what it makes is deleted, after the file's tests. `TALLY_CONTRACT_ENDPOINTS` names the target; the emulators by default.
 */
export async function startServices() {
  // Every step is taken, also after one that fails: an emulator that runs on would keep the process.
  const undo = new AsyncDisposableStack();
  const target = (process.env['TALLY_CONTRACT_ENDPOINTS'] ?? 'embedded') as Target;
  const embedded = target === 'embedded';
  if (embedded) {
    const emulators = await startEmulators({
      onCrash: (error) => {
        throw error;
      },
    });
    undo.defer(() => emulators.stop());
    const { endpoints } = emulators;
    Object.assign(process.env, {
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'local',
      AWS_SECRET_ACCESS_KEY: 'local',
      AWS_ENDPOINT_URL_DYNAMODB: endpoints.dynamodb,
      AWS_ENDPOINT_URL_KINESIS: endpoints.kinesis,
      AWS_ENDPOINT_URL_SQS: endpoints.sqs,
      AWS_ENDPOINT_URL_S3: endpoints.s3,
    });
  }
  const clients =
    target === 'fake'
      ? new FakeAws({ clock: { nowMs: Date.now } }).clients()
      : { dynamoDb: dynamoDb(), kinesis: kinesis(), sqs: sqs(), s3: s3(), ssm: ssm() };
  undo.defer(() => {
    for (const client of Object.values(clients)) client.destroy();
  });
  after(() => undo.disposeAsync());
  const name = (kind: string) => `tally-test-${kind}-${randomUUID().slice(0, 8)}`;

  /** Puts faults in front of a service. @returns the endpoint */
  async function faulty(service: keyof Endpoints, fault: ServiceFault): Promise<string> {
    const target = process.env[`AWS_ENDPOINT_URL_${service.toUpperCase()}`] ?? '';
    const proxy = await startFaultProxy(service, target, { fault: () => fault });
    undo.defer(() => proxy.stop());
    return proxy.endpoint;
  }
  /** Embedded emulators take their resources with them; on a busy machine, deleting one may fail. */
  function deletedAfterwards(send: () => Promise<unknown>): void {
    if (!embedded) undo.defer(async () => void (await send()));
  }
  function closedAfterwards<Client extends { destroy(): void }>(client: Client): Client {
    undo.defer(() => client.destroy());
    return client;
  }

  const active = (StreamName: string) =>
    waitUntilStreamExists({ client: clients.kinesis, maxWaitTime: 60, minDelay: 1 }, { StreamName });

  return {
    ...clients,
    /** Whether the services are the embedded emulators, in front of which faults can be put. */
    embedded,

    /** Options of a test of such a feature: skipped, with the reason, on a target that lacks it. */
    where(behaviour: Behaviour): { readonly skip: string | false } {
      const deviating: readonly Target[] = DEVIATIONS[behaviour];
      return { skip: deviating.includes(target) && `on ${target} it is not so that ${behaviour}` };
    },

    /** A client of DynamoDB with faults in between: for answers that the emulator never gives. */
    async dynamoDbWith(fault: ServiceFault): Promise<DynamoDBClient> {
      return closedAfterwards(new DynamoDBClient({ endpoint: await faulty('dynamodb', fault) }));
    },

    /** A client of Kinesis with faults in between. */
    async kinesisWith(fault: ServiceFault): Promise<KinesisClient> {
      const endpoint = await faulty('kinesis', fault);
      return closedAfterwards(new KinesisClient({ endpoint, requestHandler: new NodeHttpHandler() }));
    },

    /** A client of SQS with faults in between. */
    async sqsWith(fault: ServiceFault): Promise<SQSClient> {
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
      deletedAfterwards(() => clients.dynamoDb.send(new DeleteTableCommand({ TableName })));
      return TableName;
    },

    /** A standard queue's URL. */
    async queue(Attributes?: Record<string, string>): Promise<string> {
      const create = new CreateQueueCommand({ QueueName: name('queue'), Attributes });
      const { QueueUrl = '' } = await clients.sqs.send(create);
      deletedAfterwards(() => clients.sqs.send(new DeleteQueueCommand({ QueueUrl })));
      return QueueUrl;
    },

    /** A stream. */
    async stream(ShardCount: number): Promise<string> {
      const StreamName = name('stream');
      await clients.kinesis.send(new CreateStreamCommand({ StreamName, ShardCount }));
      await active(StreamName);
      deletedAfterwards(() => clients.kinesis.send(new DeleteStreamCommand({ StreamName })));
      return StreamName;
    },

    /** Splits a shard, in the middle of all hash keys by default. */
    async split(StreamName: string, ShardToSplit: string | undefined, at = 2n ** 127n): Promise<void> {
      const split = { StreamName, ShardToSplit, NewStartingHashKey: String(at) };
      await clients.kinesis.send(new SplitShardCommand(split));
      await active(StreamName);
    },

    /** Merges two neighbours. */
    async merge(StreamName: string, low: string | undefined, high: string | undefined): Promise<void> {
      const merge = { StreamName, ShardToMerge: low, AdjacentShardToMerge: high };
      await clients.kinesis.send(new MergeShardsCommand(merge));
      await active(StreamName);
    },

    /** A bucket; its objects remain on a service that outlives the tests. */
    async bucket(): Promise<string> {
      const Bucket = name('bucket');
      await clients.s3.send(new CreateBucketCommand({ Bucket }));
      return Bucket;
    },
  };
}
