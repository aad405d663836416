// The result of one batch of the writer: the source of its metrics.
import type { NewlyCounted } from '../core/segment-entry.ts';

export interface WriteReport {
  readonly messages: number;
  /** Deltas that are in the table now, whether or not this run stored them. */
  deltas: number;
  partsAcknowledged: number;
  /** Events of newly acknowledged parts: copies and repeats count nothing. */
  eventsCounted: number;
  /** For each of these parts: from the arrival of its segment's oldest record until now, milliseconds. */
  readonly freshnessMs: number[];
  /** Events whose minutes are no longer kept: the archive has their rows, too. */
  expired: number;
  delayed: number;
  delayFailed: number;
  dead: number;
  /** Names and messages of errors; no payload. */
  readonly failures: string[];
}

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

/** Adds what an acknowledgement changed. */
export function noteCounted(
  report: WriteReport,
  { parts, events, oldestArrivalMs }: NewlyCounted,
  nowMs: number,
): void {
  report.eventsCounted += events;
  // The stream's clock and ours differ slightly.
  const ageMs = Math.max(0, nowMs - oldestArrivalMs);
  for (let part = 0; part < parts; part += 1) report.freshnessMs.push(ageMs);
}
