// Reads a file's records: lines from bytes, records from lines (one may span several), and the meaning of each.
import { BEGINNING, type Line, LineSplitter, type Position } from './lines.ts';
import { parserOf, type ReadingPlan } from './plan.ts';
import { type Entry, type LineParser, malformed, type Outcome } from './reading.ts';
import { selectorOf } from './select.ts';

/** One record of the file: usually a line. */
export interface FileRecord {
  /** Its first line. */
  readonly line: Line;
  readonly end: Position;
  readonly terminated: boolean;
  /** Its meaning; several outcomes if it has several objects. */
  readonly outcomes: readonly Outcome[];
}

/** Maximum lines of a record; beyond that, the quote was a stray one. */
const JOINED_LINES_MAX = 100;

const TOO_LONG = [malformed('it is longer than 1 MiB')];
const NEVER_CLOSED = [malformed('a quote in it is never closed, or its rest is missing')];

export class RecordReader {
  readonly #splitter: LineSplitter;
  readonly #parser: LineParser;
  readonly #select: (entry: Entry) => Outcome;
  #held: Line[] = [];

  constructor(plan: ReadingPlan, metric: string, at: Position = BEGINNING) {
    this.#splitter = new LineSplitter(at);
    this.#parser = parserOf(plan, at.header);
    this.#select = selectorOf(plan, metric);
  }

  /** The records that these bytes complete. */
  push(chunk: Buffer): FileRecord[] {
    return this.#takeAll(this.#splitter.push(chunk));
  }

  /** The remaining records at the end of the file. */
  end(): FileRecord[] {
    const records = this.#takeAll(this.#splitter.end());
    while (this.#held.length > 0) this.#release(this.#held, records);
    return records;
  }

  #takeAll(lines: Iterable<Line>): FileRecord[] {
    const records: FileRecord[] = [];
    for (const line of lines) this.#take(line, records);
    return records;
  }

  #take(line: Line, out: FileRecord[]): void {
    if (line.tooLong) {
      while (this.#held.length > 0) this.#release(this.#held, out);
      out.push(this.#recordOf(line, line, TOO_LONG));
      return;
    }
    const lines = this.#held.length === 0 ? [line] : [...this.#held, line];
    const parsed = this.#parser.parse(joined(lines));
    const [first = line] = lines;
    if (parsed.kind === 'more') {
      this.#held = lines;
      if (lines.length >= JOINED_LINES_MAX) this.#release(lines, out);
      return;
    }
    const outcomes = parsed.kind === 'entries' ? parsed.entries.map(this.#select) : [parsed];
    // Two quotes that did not belong together: the first line had a stray one.
    if (lines.length > 1 && outcomes.some(isBad)) this.#release(lines, out);
    else {
      this.#held = [];
      out.push(this.#recordOf(first, line, outcomes));
    }
  }

  /** Drops the first line and reparses the others. */
  #release(lines: readonly Line[], out: FileRecord[]): void {
    const [stray, ...others] = lines;
    this.#held = [];
    if (stray) out.push(this.#recordOf(stray, stray, NEVER_CLOSED));
    for (const line of others) this.#take(line, out);
  }

  #recordOf(line: Line, last: Line, outcomes: readonly Outcome[]): FileRecord {
    const { end: offset, crc, number: lines, terminated } = last;
    return { line, end: { offset, crc, lines, header: this.#parser.header }, terminated, outcomes };
  }
}

/** Whether it cannot be counted, and should be. */
export function isBad({ kind }: Outcome): boolean {
  return kind === 'malformed' || kind === 'rejected';
}

function joined(lines: readonly Line[]): Buffer {
  const [first] = lines;
  if (lines.length === 1 && first) return first.bytes;
  const lineFeed = Buffer.from('\n');
  return Buffer.concat(lines.flatMap(({ bytes }, i) => (i === 0 ? [bytes] : [lineFeed, bytes])));
}
