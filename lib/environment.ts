// Environment variables that several functions have.
import { type Bounded, type Configuration, LOCAL_STAGE } from './configuration.ts';
import type { Platform } from './handler-function.ts';
import { DAY_SECONDS } from './settings.ts';

/** A retention in days as text in seconds, or `forever`. */
export function secondsOf(days: Bounded): string {
  return days === 'forever' ? days : String(days * DAY_SECONDS);
}

/** How long the blocks of each level are kept, as environment variables. */
export function retentionEnvironment(c: Configuration): Record<string, string> {
  return {
    MINUTE_RETENTION_SECONDS: secondsOf(c.minuteRetentionDays),
    HOUR_RETENTION_SECONDS: secondsOf(c.hourRetentionDays),
    DAY_RETENTION_SECONDS: secondsOf(c.dayRetentionDays),
  };
}

/** The variables of the functions that store deltas: the writer, and the redriver. */
export function storingEnvironment(platform: Platform): Record<string, string> {
  const { configuration: c, counts, ledger, queue, deadLetters, archive, retries } = platform;
  return {
    COUNTS_TABLE: counts.tableName,
    LEDGER_TABLE: ledger.tableName,
    ROLLUP_QUEUE_URL: queue.queueUrl,
    DEAD_LETTER_QUEUE_URL: deadLetters.queueUrl,
    ARCHIVE_BUCKET: archive.bucketName,
    ...retentionEnvironment(c),
    DELTA_RETENTION_SECONDS: secondsOf(c.deltaRetentionDays),
    RETRY_PARAMETER: retries.parameterName,
    // How long a value is cached. Shorter on the local stack, where a minute's wait would be a nuisance.
    RETRY_REREAD_SECONDS: c.stage === LOCAL_STAGE ? '3' : '60',
  };
}
