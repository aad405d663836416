// The figures of an import; plain numbers that add up.

/** `lines + several objects on one = ignored + malformed + skipped + rejected + already + abandoned + uncertain + accepted + unsent`. */
export interface Figures {
  /** Records read: lines, but for one that spans several. */
  lines: number;
  /** Headers, comments and blank lines. */
  ignored: number;
  /** Lines that are none of the format. */
  malformed: number;
  /** Valid lines that the filter leaves out. */
  skipped: number;
  /** Events that the API's rules do not allow. */
  rejected: number;
  /** Events that earlier runs have imported. */
  already: number;
  /** Events the user gave up as uncertain, now or in earlier runs. */
  abandoned: number;
  /** Events that may be stored or not; they wait for the user's decision. */
  uncertain: number;
  /** Events the service has accepted in this run. */
  accepted: number;
  /** Events this run has not got to, since it was stopped. */
  unsent: number;
  /** Events that were sent again after the service had forgotten their batch; perhaps counted twice. */
  repeated: number;
  requests: number;
  /** Requests that repeated an earlier one. */
  retries: number;
}

export function noFigures(): Figures {
  return {
    lines: 0,
    ignored: 0,
    malformed: 0,
    skipped: 0,
    rejected: 0,
    already: 0,
    abandoned: 0,
    uncertain: 0,
    accepted: 0,
    unsent: 0,
    repeated: 0,
    requests: 0,
    retries: 0,
  };
}

/** Adds some figures, or those of one file, to a total. */
export function addFigures(total: Figures, more: Partial<Figures>): void {
  for (const name of Object.keys(total) as (keyof Figures)[]) total[name] += more[name] ?? 0;
}
