// The figures of an import, which must add up.

/** `lines + several objects on one = ignored + malformed + skipped + rejected + already + abandoned + uncertain + accepted + unsent`. */
export interface Figures {
  /** Records read: lines, except that a record may span several. */
  lines: number;
  /** Headers, comments and blank lines. */
  ignored: number;
  /** Lines that are not in the format. */
  malformed: number;
  /** Valid lines that the filter excludes. */
  skipped: number;
  /** Events that the API's rules do not allow. */
  rejected: number;
  /** Events that earlier runs have imported. */
  already: number;
  /** Events the user gave up as uncertain, now or in earlier runs. */
  abandoned: number;
  /** Events that may or may not be stored, and wait for the user's decision. */
  uncertain: number;
  /** Events accepted by the service in this run. */
  accepted: number;
  /** Events that this run did not reach because it was stopped. */
  unsent: number;
  /** Events resent after the service had forgotten their batch; possibly counted twice. */
  repeated: number;
  requests: number;
  /** Requests that were retries. */
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
