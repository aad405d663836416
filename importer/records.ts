// Reads a whole file: lines from bytes, records from lines (a CSV record may span several), and what each means.

import { lineReader, type ReadingPlan } from './formats/index.ts';
import { type LineReader, malformed, type WholeReading } from './formats/reading.ts';
import { type Line, LineSplitter } from './lines.ts';

/** One record of the file: usually a line. */
export interface FileRecord {
  readonly line: Line;
  /** Offset after the record's last byte, and the checksum of all bytes before it. */
  readonly end: number;
  readonly crc: number;
  readonly terminated: boolean;
  readonly reading: WholeReading;
}

/** Lines a quoted field may span; beyond that the quote is taken for a stray one. */
const joinedLinesMax = 100;

const tooLong = malformed('it is longer than 1 MiB');
const neverClosed = malformed('a quote in it is never closed');

/** Every line of the bytes, with the numbers and offsets of the uncompressed file. */
export async function* linesOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Line> {
  const splitter = new LineSplitter();
  for await (const chunk of chunks) yield* splitter.push(chunk);
  yield* splitter.end();
}

/** Every record of the bytes and its meaning under the plan; batched by chunk, so that reading stays fast. */
export async function* recordsOf(
  chunks: AsyncIterable<Buffer>,
  plan: ReadingPlan,
): AsyncGenerator<FileRecord[]> {
  const splitter = new LineSplitter();
  const joiner = new RecordJoiner(lineReader(plan));
  for await (const chunk of chunks) {
    const records: FileRecord[] = [];
    for (const line of splitter.push(chunk)) joiner.take(line, records);
    if (records.length > 0) yield records;
  }
  const last: FileRecord[] = [];
  for (const line of splitter.end()) joiner.take(line, last);
  joiner.end(last);
  if (last.length > 0) yield last;
}

class RecordJoiner {
  readonly #reader: LineReader;
  #held: Line[] = [];

  constructor(reader: LineReader) {
    this.#reader = reader;
  }

  take(line: Line, out: FileRecord[]): void {
    if (line.tooLong) {
      this.end(out);
      out.push(recordOf(line, line, tooLong));
      return;
    }
    const lines = this.#held.length === 0 ? [line] : [...this.#held, line];
    const reading = this.#reader.read(joined(lines));
    const [first = line] = lines;
    if (reading.kind !== 'more') {
      this.#held = [];
      out.push(recordOf(first, line, reading));
    } else if (lines.length < joinedLinesMax) {
      this.#held = lines;
    } else {
      this.#release(lines, out);
    }
  }

  /** No more lines: what is held began with a quote that is never closed. */
  end(out: FileRecord[]): void {
    while (this.#held.length > 0) this.#release(this.#held, out);
  }

  /** Gives up the first line, which had the stray quote, and reads the others anew. */
  #release(lines: readonly Line[], out: FileRecord[]): void {
    const [stray, ...others] = lines;
    this.#held = [];
    if (stray) out.push(recordOf(stray, stray, neverClosed));
    for (const line of others) this.take(line, out);
  }
}

function joined(lines: readonly Line[]): Buffer {
  const [first] = lines;
  if (lines.length === 1 && first) return first.bytes;
  return Buffer.concat(
    lines.flatMap((line, i) => (i === 0 ? [line.bytes] : [Buffer.from('\n'), line.bytes])),
  );
}

function recordOf(first: Line, last: Line, reading: FileRecord['reading']): FileRecord {
  return { line: first, end: last.end, crc: last.crc, terminated: last.terminated, reading };
}
