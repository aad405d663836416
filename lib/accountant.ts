// The accountant: advances each shard's checkpoint, and publishes the figures as metrics.
import { retentionEnvironment, secondsOf } from './environment.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

export function accountant(platform: Platform): void {
  const { configuration: c, stream, ledger } = platform;
  new HandlerFunction(platform.stack, 'Accountant', platform, {
    noun: 'accountant',
    description:
      "Moves each shard's checkpoint forward, says up to when counts are complete, emits both as metrics.",
    timeoutSeconds: 60,
    memoryMb: 256,
    environment: {
      LEDGER_TABLE: ledger.tableName,
      STREAM_NAME: stream.streamName,
      STREAM_GENERATION: c.streamGeneration,
      ACCEPT_FUTURE_SECONDS: String(c.acceptFutureSeconds),
      DELTA_RETENTION_SECONDS: secondsOf(c.deltaRetentionDays),
      ...retentionEnvironment(c),
    },
    statements: [
      allow('dynamodb', ['BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'], ledger.tableArn),
      // Needed because a shard without records holds back completeThrough as well.
      allow('kinesis', ['ListShards'], stream.streamArn),
    ],
  }).runEveryMinute();
}
