// The archive: what could not be counted, with reasons, and, if a stage enables it, every record as sent.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { Configuration } from './configuration.ts';

export const ARCHIVE_PREFIXES = {
  /** Events that can never be counted. */
  rejected: 'rejected/',
  /** Dead letters without rounds left. */
  parked: 'parked/',
  /** Rows past their retention. */
  expired: 'expired/',
  /** Rows that were repaired, as they were before. */
  repairs: 'repairs/',
  /** Every record as sent, by hour of arrival. */
  raw: 'raw/',
  /**
   * Batches that Lambda's event source mapping gave up. Lambda chooses the keys
   * (`aws/lambda/<mapping>/<shard>/<date>/…`, docs lambda/latest/dg/kinesis-on-failure-destination.html).
   */
  failedBatches: 'aws/lambda/',
} as const;

/** A private, versioned bucket that outlives the stack. */
export function archiveBucket(scope: Construct, c: Configuration): Bucket {
  const bucket = new Bucket(new Construct(scope, 'Archive'), 'Bucket', {
    encryption: BucketEncryption.S3_MANAGED,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    versioned: true,
    removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    lifecycleRules: [
      // After a failure, functions put the same object again, so an older version contains nothing new.
      {
        noncurrentVersionExpiration: Duration.days(30),
        abortIncompleteMultipartUploadAfter: Duration.days(7),
      },
      ...expirations(c),
      ...rawExpirations(c),
    ],
  });
  acknowledge(bucket, {
    'AwsSolutions-S1':
      'Only four functions of this stack write here, and each object names its origin; access logs would need a bucket that is itself without them.',
  });
  return bucket;
}

/** Raw records contain everything clients sent: they expire with their older versions, even if the archive is now off. */
function rawExpirations({ rawRetentionDays }: Configuration): LifecycleRule[] {
  if (rawRetentionDays === 'forever') return [];
  const prefix = ARCHIVE_PREFIXES.raw;
  return [
    {
      prefix,
      expiration: Duration.days(rawRetentionDays),
      noncurrentVersionExpiration: Duration.days(1),
    },
    // Expiry leaves delete markers, which S3 removes only by a separate rule.
    { prefix, expiredObjectDeleteMarker: true },
  ];
}

/** Objects kept only for inspection expire. Objects that may still be counted (parked, given up by the mapping) stay. */
function expirations({ archiveRetentionDays }: Configuration): LifecycleRule[] {
  if (archiveRetentionDays === 'forever') return [];
  return [ARCHIVE_PREFIXES.rejected, ARCHIVE_PREFIXES.expired, ARCHIVE_PREFIXES.repairs].map((prefix) => ({
    prefix,
    expiration: Duration.days(archiveRetentionDays),
  }));
}
