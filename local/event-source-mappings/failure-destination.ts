// The S3 bucket that takes batches a stream's mapping has given up, payload and all.
import { randomUUID } from 'node:crypto';
import { LocalStackError } from '../errors.ts';
import { s3Request } from '../provision.ts';
import type { StreamRecord } from './kinesis-records.ts';

/** What is given up, and why. */
export interface GivenUp {
  readonly shardId: string;
  readonly records: readonly StreamRecord[];
  readonly attempts: number;
  readonly error: object;
}

/** Writes what is given up. */
export type FailureDestination = (givenUp: GivenUp) => Promise<void>;

/** What the invocation record says about mapping and function. */
export interface FailureOrigin {
  readonly mappingId: string;
  readonly functionArn: string;
  readonly streamArn: string;
}

/**
 * A destination for a bucket's ARN. Key and document follow AWS's.
 * (docs lambda/latest/dg/kinesis-on-failure-destination.html)
 */
export function s3FailureDestination(
  bucketArn: string,
  origin: FailureOrigin,
  s3Endpoint: string,
): FailureDestination {
  const bucket = bucketArn.startsWith('arn:aws:s3:::') ? bucketArn.slice('arn:aws:s3:::'.length) : undefined;
  if (bucket === undefined) {
    throw new LocalStackError(
      `The on-failure destination ${bucketArn} is not a bucket, and the local stack delivers to no other.`,
    );
  }
  return async ({ shardId, records, attempts, error }) => {
    const now = new Date();
    const [day = '', time = ''] = now.toISOString().split('T');
    const folder = `aws/lambda/${origin.mappingId}/${shardId}/${day.replaceAll('-', '/')}`;
    const key = `${folder}/${day}T${time.slice(0, 8).replaceAll(':', '.')}-${randomUUID()}`;
    const document = {
      requestContext: {
        requestId: randomUUID(),
        functionArn: origin.functionArn,
        condition: 'RetryAttemptsExhausted',
        approximateInvokeCount: attempts,
      },
      responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
      version: '1.0',
      timestamp: now.toISOString(),
      KinesisBatchInfo: {
        shardId,
        startSequenceNumber: records[0]?.sequenceNumber,
        endSequenceNumber: records.at(-1)?.sequenceNumber,
        approximateArrivalOfFirstRecord: arrivalText(records[0]),
        approximateArrivalOfLastRecord: arrivalText(records.at(-1)),
        batchSize: records.length,
        streamArn: origin.streamArn,
      },
      payload: JSON.stringify({ error, Records: records }),
    };
    await s3Request(s3Endpoint, 'PUT', `/${bucket}/${key}`, JSON.stringify(document));
  };
}

function arrivalText(record: StreamRecord | undefined): string | undefined {
  return record === undefined ? undefined : new Date(record.arrival * 1_000).toISOString();
}
