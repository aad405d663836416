// Retentions as the handlers read them.
import type { Bounded } from './configuration.ts';

/** A retention in days as text in seconds, or `forever`. */
export function secondsOf(days: Bounded): string {
  return days === 'forever' ? days : String(days * 86_400);
}
