// The outcomes of records: counted in the figures, and reported if it is not an event.
import type { FileRecord } from '../../formats/records.ts';
import type { Figures } from './figures.ts';

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

/** Counts a record's outcomes, except events. @returns a promise only if there is something to wait for */
export function noteRecord(
  { line, outcomes }: FileRecord,
  { figures, reporter }: { readonly figures: Figures; readonly reporter: Reporter },
): Promise<unknown> | undefined {
  figures.lines += 1;
  const waiting: (Promise<void> | void)[] = [];
  for (const outcome of outcomes) {
    if (outcome.kind === 'event') continue;
    figures[outcome.kind] += 1;
    if (outcome.kind !== 'malformed' && outcome.kind !== 'rejected') continue;
    const { kind, reason } = outcome;
    const { number: lineNumber, start: offset, bytes: raw } = line;
    waiting.push(reporter.rejected({ kind, lineNumber, offset, reason, raw }));
  }
  return waiting.length === 0 ? undefined : Promise.all(waiting);
}
