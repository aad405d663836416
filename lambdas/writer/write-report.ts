// What the writer did with one batch: the source of its metrics.
import type { NewlyCounted } from '../counting/segment-entry.ts';

/** Counts of one batch. */
export interface WriteReport {
  readonly messages: number;
  /** UpdateItem calls on counter items. */
  updates: number;
  /** Rows that travelled in another row's update: each is an update less. */
  updatesCoalesced: number;
  rowsApplied: number;
  rowsAlreadyApplied: number;
  partsAcknowledged: number;
  /** Events of parts that nobody had acknowledged before: copies and repetitions count nothing. */
  eventsCounted: number;
  /** For each of these parts: from the arrival of its segment's oldest record until now, milliseconds. */
  readonly freshnessMs: number[];
  /** Events kept in the archive because their counter items may be deleted already. */
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
    updates: 0,
    updatesCoalesced: 0,
    rowsApplied: 0,
    rowsAlreadyApplied: 0,
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
