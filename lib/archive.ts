// The archive: what could not be counted, each with its reason; and, where a stage asks for it, every record as it was sent.
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { BlockPublicAccess, Bucket, BucketEncryption, type LifecycleRule } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledge } from './acknowledge.ts';
import type { Configuration } from './configuration.ts';

/** Where in the archive each kind lies. */
export const ARCHIVE_PREFIXES = {
  /** Events that can never be counted. */
  rejected: 'rejected/',
  /** Dead letters whose rounds are used up. */
  parked: 'parked/',
  /** Dead letters that an operator gave up. */
  discarded: 'discarded/',
  /** Rows for counters past their expiry. */
  expired: 'expired/',
  /** Counter items that were repaired, as they were before. */
  repairs: 'repairs/',
  /** Records of deletions on request; only operators write here. */
  deletions: 'deletions/',
  /** Every record as it was sent, by hour of arrival. */
  raw: 'raw/',
  /**
   * Batches the stream's mapping gave up. Lambda itself chooses these keys
   * (`aws/lambda/<mapping>/<shard>/<date>/…`, docs lambda/latest/dg/kinesis-on-failure-destination.html).
   */
  failedBatches: 'aws/lambda/',
} as const;

/** A private, versioned bucket that outlives the stack. */
export class Archive extends Construct {
  readonly bucket: Bucket;

  constructor(scope: Construct, id: string, c: Configuration) {
    super(scope, id);
    this.bucket = new Bucket(this, 'Bucket', {
      encryption: BucketEncryption.S3_MANAGED,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      versioned: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
      lifecycleRules: [
        // Writers put the same object again after a failure, so an older version says nothing new.
        {
          noncurrentVersionExpiration: Duration.days(30),
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
        ...expirations(c),
        ...rawExpirations(c),
      ],
    });
    acknowledge(this.bucket, {
      'AwsSolutions-S1':
        'Only four functions of this stack write here, and each object names its origin; access logs would need a bucket that is itself without them.',
    });
  }
}

/** Raw records are what clients sent, whole: they go with their older versions, and whether or not more are archived. */
function rawExpirations({ rawRetentionDays }: Configuration): LifecycleRule[] {
  if (rawRetentionDays === 'forever') return [];
  const prefix = ARCHIVE_PREFIXES.raw;
  return [
    {
      prefix,
      expiration: Duration.days(rawRetentionDays),
      noncurrentVersionExpiration: Duration.days(1),
    },
    // The expiry leaves markers, which S3 removes by a rule of their own only.
    { prefix, expiredObjectDeleteMarker: true },
  ];
}

/** What was only kept to be looked at goes after a while. What may still be counted (parked, given up by the mapping) stays. */
function expirations({ archiveRetentionDays }: Configuration): LifecycleRule[] {
  if (archiveRetentionDays === 'forever') return [];
  return [ARCHIVE_PREFIXES.rejected, ARCHIVE_PREFIXES.expired, ARCHIVE_PREFIXES.repairs].map((prefix) => ({
    prefix,
    expiration: Duration.days(archiveRetentionDays),
  }));
}
