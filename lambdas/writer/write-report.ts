// What the writer did with one batch: the source of its metrics.
import type { NewlyCounted } from '../core/segment-entry.ts';

/** Counts of one batch. */
export interface WriteReport {
  readonly messages: number;
  /** Deltas that the table has now, whoever put them. */
  deltas: number;
  partsAcknowledged: number;
  /** Events of parts that were not acknowledged before: copies and repetitions count nothing. */
  eventsCounted: number;
  /** For each of these parts: from the arrival of its segment's oldest record until now, milliseconds. */
  readonly freshnessMs: number[];
  /** Events whose minutes aren't kept any more: their rows are in the archive, too. */
  expired: number;
  delayed: number;
  delayFailed: number;
  dead: number;
  /** Names and messages of what failed; no payload. */
  readonly failures: string[];
}

/** A report of nothing done yet. */
export function emptyReport(messages: number): WriteReport {
  return {
    messages,
    deltas: 0,
    partsAcknowledged: 0,
    eventsCounted: 0,
    freshnessMs: [],
    expired: 0,
    delayed: 0,
    delayFailed: 0,
    dead: 0,
    failures: [],
  };
}

/** Adds what an acknowledgement has changed. */
export function noteCounted(
  report: WriteReport,
  { parts, events, oldestArrivalMs }: NewlyCounted,
  nowMs: number,
): void {
  report.eventsCounted += events;
  // The stream's clock and ours differ by a little.
  const ageMs = Math.max(0, nowMs - oldestArrivalMs);
  for (let part = 0; part < parts; part += 1) report.freshnessMs.push(ageMs);
}
