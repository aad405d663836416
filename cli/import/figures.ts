// The figures of an import, which must add up.

/** `lines + several objects on one = ignored + malformed + skipped + rejected + already + abandoned + uncertain + accepted + unsent`. */
export class Figures {
  /** Records read: lines, except that a record may span several. */
  lines = 0;
  /** Headers, comments and blank lines. */
  ignored = 0;
  /** Lines that are not in the format. */
  malformed = 0;
  /** Valid lines that the filter excludes. */
  skipped = 0;
  /** Events that the API's rules do not allow. */
  rejected = 0;
  /** Events that earlier runs have imported. */
  already = 0;
  /** Events the user gave up as uncertain, now or in earlier runs. */
  abandoned = 0;
  /** Events that may or may not be stored, and wait for the user's decision. */
  uncertain = 0;
  /** Events accepted by the service in this run. */
  accepted = 0;
  /** Events that this run did not reach because it was stopped. */
  unsent = 0;
  /** Events resent after the service had forgotten their batch; possibly counted twice. */
  repeated = 0;
  requests = 0;
  /** Requests that were retries. */
  retries = 0;
}

/** Adds some figures, or those of one file, to a total. */
export function addFigures(total: Figures, more: Partial<Figures>): void {
  for (const name of Object.keys(total) as (keyof Figures)[]) total[name] += more[name] ?? 0;
}
