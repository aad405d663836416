// The compactor: merges deltas into blocks of hours, days, months and all time.
import { retentionEnvironment, secondsOf } from './environment.ts';
import { allow, HandlerFunction, type Platform } from './handler-function.ts';

/** Enough for most levels' epochs. A run that ends early is continued by the next. */
const TIMEOUT_SECONDS = 300;

export function compactor(platform: Platform): void {
  const { configuration: c, stream, counts, ledger } = platform;
  // Checks every minute, since size also makes a level due.
  new HandlerFunction(platform.stack, 'Compactor', platform, {
    noun: 'compactor',
    description: 'Merges deltas into the blocks of hours, days, months and all time.',
    timeoutSeconds: TIMEOUT_SECONDS,
    memoryMb: c.compactorMemoryMb,
    environment: {
      COUNTS_TABLE: counts.tableName,
      LEDGER_TABLE: ledger.tableName,
      STREAM_NAME: stream.streamName,
      STREAM_GENERATION: c.streamGeneration,
      HASH_SLOTS: String(c.hashSlots),
      COMPACTION_SECONDS: String(c.compactionSeconds),
      ...retentionEnvironment(c),
      DELTA_RETENTION_SECONDS: secondsOf(c.deltaRetentionDays),
      LEDGER_RETENTION_SECONDS: secondsOf(c.ledgerRetentionDays),
    },
    statements: [
      allow('dynamodb', ['BatchGetItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'], counts.tableArn),
      allow('dynamodb', ['BatchGetItem', 'GetItem', 'Query', 'UpdateItem'], ledger.tableArn),
      // Needed because a shard without records holds back a level's floor as well.
      allow('kinesis', ['ListShards'], stream.streamArn),
    ],
  }).runEveryMinute();
}
