// What the writer did with one batch: the source of its metrics.

/** Counts of one batch. */
export interface WriteReport {
  readonly messages: number;
  /** UpdateItem calls on counter items. */
  updates: number;
  rowsApplied: number;
  rowsAlreadyApplied: number;
  partsAcknowledged: number;
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
    rowsApplied: 0,
    rowsAlreadyApplied: 0,
    partsAcknowledged: 0,
    expired: 0,
    delayed: 0,
    delayFailed: 0,
    dead: 0,
    failures: [],
  };
}
