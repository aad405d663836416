// The figures of an import, which must add up, and what is reported of records that are not sent.
import type { FileRecord } from '../../formats/records.ts';
import type { Place } from './planner.ts';

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

export interface Reporter {
  note(text: string): void;
  /** A line that is not an event, or an invalid event. */
  rejected(reject: Reject): Promise<void> | void;
  /** A request failed, and is sent again. */
  trouble(reason: string): void;
  progress(figures: Readonly<Figures>): void;
}

export interface Reject {
  readonly kind: 'malformed' | 'rejected';
  readonly lineNumber: number;
  readonly offset: number;
  readonly reason: string;
  /** The line in the file, or the event itself. */
  readonly raw: Buffer | string;
}

/**
 * Counts a record's outcomes, except events that are sent.
 * @param place where its events belong
 * @returns a promise only if there is something to wait for
 */
export function noteRecord(
  { line, outcomes }: FileRecord,
  place: Place,
  { figures, reporter }: { readonly figures: Figures; readonly reporter: Reporter },
): Promise<unknown> | undefined {
  figures.lines += 1;
  const waiting: (Promise<void> | void)[] = [];
  for (const outcome of outcomes) {
    const kind = outcome.kind === 'event' ? place : outcome.kind;
    if (kind !== 'to-send') figures[kind] += 1;
    if (outcome.kind !== 'malformed' && outcome.kind !== 'rejected') continue;
    const { number: lineNumber, start: offset, bytes: raw } = line;
    waiting.push(reporter.rejected({ ...outcome, lineNumber, offset, raw }));
  }
  return waiting.length === 0 ? undefined : Promise.all(waiting);
}
