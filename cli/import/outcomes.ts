// The outcomes of records: counted in the figures, and reported if it is not an event.
import type { FileRecord } from '../../formats/records.ts';
import type { Figures } from './figures.ts';
import type { Place } from './planner.ts';

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
