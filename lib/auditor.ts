// The auditor: counter items are compared with what segments emitted, and repaired on request.
import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Stream } from 'aws-cdk-lib/aws-kinesis';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ARCHIVE_PREFIXES } from './archive.ts';
import type { FrontDoor } from './front-door.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';
import { secondsOf } from './seconds.ts';

/** What the auditor reads, and the archive for what it sets aside. */
export interface AuditorProps extends Platform {
  readonly frontDoor: FrontDoor;
  readonly stream: Stream;
  readonly counters: Table;
  readonly ledger: Table;
  readonly archive: Bucket;
}

/** API Gateway waits this long for an answer, and no longer. */
const TIMEOUT_SECONDS = 29;

/** `GET /v1/audit` and `POST /v1/admin/repair`. */
export class Auditor extends HandlerFunction {
  constructor(scope: Construct, id: string, props: AuditorProps) {
    const { configuration: c, frontDoor, stream, counters, ledger, archive } = props;
    super(scope, id, props, {
      noun: 'auditor',
      description: 'Holds counter items against what segments emitted, and repairs what differs on request.',
      timeoutSeconds: TIMEOUT_SECONDS,
      // A page holds one spill or 8 MiB of lines as objects, dedup windows, and directories of spills: far less.
      memoryMb: 2048,
      environment: {
        COUNTER_TABLE: counters.tableName,
        LEDGER_TABLE: ledger.tableName,
        STREAM_NAME: stream.streamName,
        ARCHIVE_BUCKET: archive.bucketName,
        ARCHIVE_RAW_EVENTS: String(c.archiveRawEvents),
        RAW_RETENTION_SECONDS: secondsOf(c.rawRetentionDays),
        COUNTER_RETENTION_SECONDS: secondsOf(c.minuteRetentionDays),
        HOUR_RETENTION_SECONDS: secondsOf(c.hourRetentionDays),
        DAY_RETENTION_SECONDS: secondsOf(c.dayRetentionDays),
      },
      statements: [
        allow(
          [
            'dynamodb:BatchGetItem',
            'dynamodb:GetItem',
            'dynamodb:Query',
            'dynamodb:Scan',
            'dynamodb:UpdateItem',
          ],
          [counters.tableArn],
        ),
        allow(
          ['dynamodb:BatchGetItem', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:Query'],
          [ledger.tableArn],
        ),
        allow(['kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'], [stream.streamArn]),
        // Without it S3 answers 403 for an object that is not there, and a cursor that is too old looks like a failure.
        allow(['s3:ListBucket'], [archive.bucketArn]),
      ],
      archived: {
        bucket: archive,
        prefixes: [ARCHIVE_PREFIXES.repairs, ARCHIVE_PREFIXES.audits],
        readable: [ARCHIVE_PREFIXES.audits, ...(c.archiveRawEvents ? [ARCHIVE_PREFIXES.raw] : [])],
      },
      withoutDestination:
        'Only the front door invokes it, synchronously, and hands failures to the operator.',
    });
    frontDoor.addSigned('GET', 'audit', this.function);
    frontDoor.addAdmin('repair', this.function);
  }
}
