// All services together: one AWS in memory.
import { type Clock, Crossings, type Transport } from './call.ts';
import { type DynamoDbOptions, FakeDynamoDb } from './dynamodb/service.ts';
import { FakeKinesis } from './kinesis.ts';
import type { SqsOptions } from './queue.ts';
import { FakeS3, type S3Options } from './s3.ts';
import { FakeSqs } from './sqs.ts';
import { FakeSsm } from './ssm.ts';
import type { KinesisOptions } from './stream.ts';

type Own<Options> = Omit<Options, 'clock' | 'crossings'>;

/** How the services behave; by default as on AWS, and without faults. */
export interface FakeAwsOptions {
  readonly clock: Clock;
  readonly dynamoDb?: Own<DynamoDbOptions>;
  readonly kinesis?: Own<KinesisOptions>;
  readonly sqs?: Own<SqsOptions>;
  readonly s3?: Own<S3Options>;
}

/** One AWS in memory. It has no clock or randomness of its own. */
export class FakeAws {
  readonly crossings = new Crossings();
  readonly dynamoDb: FakeDynamoDb;
  readonly kinesis: FakeKinesis;
  readonly sqs: FakeSqs;
  readonly s3: FakeS3;
  readonly ssm = new FakeSsm();

  constructor({ clock, ...services }: FakeAwsOptions) {
    const { crossings } = this;
    this.dynamoDb = new FakeDynamoDb({ ...services.dynamoDb, clock, crossings });
    this.kinesis = new FakeKinesis({ ...services.kinesis, clock, crossings });
    this.sqs = new FakeSqs({ ...services.sqs, clock, crossings });
    this.s3 = new FakeS3({ ...services.s3, clock, crossings });
  }

  /** Clients of all services, whose calls go through a transport. */
  clients(transport?: Transport) {
    return {
      dynamoDb: this.dynamoDb.client(transport),
      kinesis: this.kinesis.client(transport),
      sqs: this.sqs.client(transport),
      s3: this.s3.client(transport),
      ssm: this.ssm.client(transport),
    };
  }
}
