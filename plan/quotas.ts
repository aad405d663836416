// Limits of AWS and of Tally's code, each with its source and what to do when it is reached.

/** Who can raise a limit, or take a load out of its way: another plan's settings, AWS on request, a code change, or no one. */
export type Mover = 'settings' | 'AWS, on request' | 'our code' | 'fixed';

export interface Quota {
  readonly name: string;
  readonly limit: number;
  readonly mover: Mover;
  readonly source: string;
}

const KINESIS = 'docs: streams/latest/dev/service-sizes-and-limits.html';
const DYNAMODB = 'docs: amazondynamodb/latest/developerguide/ServiceQuotas.html';

/** Every limit that the plan checks a load against; rates are per second. */
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
  tableWriteUnits: {
    name: 'write units/s of an on-demand table',
    limit: 40_000,
    mover: 'AWS, on request',
    source: DYNAMODB,
  },
  partitionWriteUnits: {
    name: 'write units/s of a partition',
    limit: 1_000,
    mover: 'fixed',
    source: 'docs: amazondynamodb/latest/developerguide/bp-partition-key-design.html',
  },
  compactorSeconds: {
    name: "seconds of the compactor's hour",
    limit: 3_600,
    mover: 'our code',
    source: 'lambdas/compactor: a second run helps little while the first one works',
  },
} as const satisfies Readonly<Record<string, Quota>>;

/** The SQS billing unit of one request. aws.amazon.com/sqs/pricing */
export const SQS_UNIT_BYTES = 64 * 1024;
/** The Kinesis PUT payload unit. aws.amazon.com/kinesis/data-streams/pricing */
export const PUT_UNIT_BYTES = 25 * 1024;
/** The memory at which a function has one full vCPU. docs: lambda/latest/dg/configuration-memory.html */
export const WHOLE_CPU_MB = 1769;
