// What AWS, and our own code, allow: one table of limits, each with its source and what to do at it.

/** Who can move a limit, or get a load out of its way: another plan's settings, AWS on request, a change of our code, nobody. */
export type Mover = 'settings' | 'AWS, on request' | 'our code' | 'nobody';

/** A limit. */
export interface Quota {
  readonly name: string;
  readonly limit: number;
  readonly mover: Mover;
  readonly source: string;
}

const KINESIS = 'docs: streams/latest/dev/service-sizes-and-limits.html';
const DYNAMODB = 'docs: amazondynamodb/latest/developerguide/ServiceQuotas.html';
const LAMBDA = 'docs: lambda/latest/dg/gettingstarted-limits.html';

/** Every limit that the plan holds a load against; rates are per second. */
export const QUOTAS = {
  gatewayRequests: {
    name: 'requests/s of API Gateway in an account',
    limit: 10_000,
    mover: 'AWS, on request',
    source: 'docs: apigateway/latest/developerguide/limits.html',
  },
  shards: { name: 'Kinesis shards in an account', limit: 20_000, mover: 'AWS, on request', source: KINESIS },
  shardRecords: { name: 'records/s of a shard', limit: 1_000, mover: 'settings', source: KINESIS },
  shardBytes: { name: 'bytes/s into a shard', limit: 1_048_576, mover: 'settings', source: KINESIS },
  lambdaConcurrency: {
    name: 'concurrent Lambda executions in an account',
    limit: 1_000,
    mover: 'AWS, on request',
    source: LAMBDA,
  },
  inFlightMessages: {
    name: 'SQS messages in flight',
    limit: 120_000,
    mover: 'nobody',
    source: 'docs: AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html',
  },
  tableWriteUnits: {
    name: 'write units/s of an on-demand table',
    limit: 40_000,
    mover: 'AWS, on request',
    source: DYNAMODB,
  },
  tableReadUnits: {
    name: 'read units/s of an on-demand table',
    limit: 40_000,
    mover: 'AWS, on request',
    source: DYNAMODB,
  },
  partitionWriteUnits: {
    name: 'write units/s of a partition',
    limit: 1_000,
    mover: 'nobody',
    source: 'docs: amazondynamodb/latest/developerguide/bp-partition-key-design.html',
  },
  partitionReadUnits: {
    name: 'read units/s of a partition',
    limit: 3_000,
    mover: 'nobody',
    source: 'docs: amazondynamodb/latest/developerguide/bp-partition-key-design.html',
  },
  oneBatchAShard: {
    name: "aggregator's time on a shard's batches",
    limit: 1,
    mover: 'settings',
    source: 'ParallelizationFactor 1: docs/architecture.md',
  },
  compactorSeconds: {
    name: "seconds of the compactor's hour",
    // Runs of 280 s less a reserve of 20 s, twelve an hour.
    limit: 260 * 12,
    mover: 'our code',
    source: 'lambdas/compactor/handler.ts: one run at a time, every five minutes',
  },
  accountantSeconds: {
    name: "seconds of the accountant's minute",
    limit: 60,
    mover: 'our code',
    source: 'lambdas/accountant/keep-books.ts: one shard after the other, every minute',
  },
} as const satisfies Readonly<Record<string, Quota>>;

/** Payload of one invocation of Lambda: a batch ends there. docs: lambda/latest/dg/gettingstarted-limits.html */
export const INVOCATION_BYTES_MAX = 6 * 1024 * 1024;
/** What SQS takes for one request. aws.amazon.com/sqs/pricing */
export const SQS_UNIT_BYTES = 64 * 1024;
/** What Kinesis takes for one PUT payload unit. aws.amazon.com/kinesis/data-streams/pricing */
export const PUT_UNIT_BYTES = 25 * 1024;
/** What DynamoDB takes for a write unit and a read unit, and adds to an item's size for storing it. DynamoDB's pricing page. */
export const WRITE_UNIT_BYTES = 1024;
export const READ_UNIT_BYTES = 4096;
export const STORED_ITEM_BYTES = 100;
/** Memory with which a function has one whole processor. docs: lambda/latest/dg/configuration-memory.html */
export const WHOLE_CPU_MB = 1769;
/** Batches that Lambda gathers from a standard queue at once, even when there is little. docs: lambda/latest/dg/services-sqs-scaling.html */
export const QUEUE_POLLERS = 5;
/** Messages of one ReceiveMessage, SendMessageBatch or DeleteMessageBatch. */
export const SQS_BATCH_MESSAGES = 10;
/** How long a long poll of an empty queue takes, seconds. */
export const LONG_POLL_SECONDS = 20;
