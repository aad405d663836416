// Retentions in the handlers' format.
import type { Bounded, Configuration } from './configuration.ts';

/** A retention in days as text in seconds, or `forever`. */
export function secondsOf(days: Bounded): string {
  return days === 'forever' ? days : String(days * 86_400);
}

/** How long the blocks of each level are kept, as environment variables. */
export function retentionEnvironment(c: Configuration): Record<string, string> {
  return {
    MINUTE_RETENTION_SECONDS: secondsOf(c.minuteRetentionDays),
    HOUR_RETENTION_SECONDS: secondsOf(c.hourRetentionDays),
    DAY_RETENTION_SECONDS: secondsOf(c.dayRetentionDays),
  };
}
