// Groups a file's events into batches, around what earlier runs have finished or started; pure.
import { BATCH_LIMITS, type Batch, BatchCutter, type BatchLimits } from '../../formats/batches.ts';
import { BEGINNING } from '../../formats/lines.ts';
import type { FileRecord } from '../../formats/records.ts';
import { batchName, type ImportState, type OpenBatch } from '../source/state.ts';

/** A batch, and what an earlier run did with it. */
export interface PlannedBatch extends Batch {
  /** See `OpenBatch.since`. */
  readonly since: number | undefined;
  /** The file ends within a batch that an earlier run started. Neither it nor its rest could be sent under the same key. */
  readonly isPart: boolean;
}

/** Where a record's events belong. */
export type Place = 'to-send' | 'already' | 'abandoned';

/**
 * Takes the file's records in order. A batch that an earlier run started is recreated exactly; new batches never overlap it, or
 * finished ranges.
 */
export class BatchPlanner {
  readonly #cutter: BatchCutter;
  readonly #state: ImportState;
  /** What earlier runs have finished or started, in the order of the file; without ranges that were left. */
  readonly #ranges: OpenBatch[];
  readonly #ready: PlannedBatch[] = [];

  constructor(state: ImportState, limits: BatchLimits = BATCH_LIMITS) {
    this.#cutter = new BatchCutter(batchName(state.key), BEGINNING, limits);
    this.#state = state;
    this.#ranges = [...state.done, ...state.open].toSorted((a, b) => a.from - b.from);
  }

  /** Adds the next record. An incomplete line that is not an event yet is left out: it is read again when it is complete. */
  add(record: FileRecord): Place {
    const { start } = record.line;
    if (!record.terminated && !record.outcomes.some(({ kind }) => kind === 'event')) return 'to-send';
    const range = this.#rangeAt(start);
    if (range === undefined) {
      this.#push(this.#cutter.add(record));
      return 'to-send';
    }
    const isOpen = this.#state.open.includes(range);
    if (isOpen) this.#cutter.add(record, false);
    else this.#cutter.skip(record);
    this.#leaveRange(record.end.offset);
    if (isOpen) return 'to-send';
    const isAbandoned = this.#state.abandoned.some(({ from, to }) => start >= from && start < to);
    return isAbandoned ? 'abandoned' : 'already';
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Whether there are events that are in no batch yet. */
  get hasEvents(): boolean {
    return this.#cutter.hasEvents;
  }

  /** The completed batches; returns each once. */
  take(): PlannedBatch[] {
    return this.#ready.splice(0);
  }

  /** Completes the current batch, unless an earlier run started it and it continues. */
  flush(): void {
    if (this.#ranges.length === 0) this.#push(this.#cutter.cut());
  }

  /** Completes the last batch. */
  end(): void {
    const [range] = this.#ranges;
    const isWithin = range !== undefined && this.#cutter.position.offset > range.from;
    this.#push(this.#cutter.cut(), isWithin ? range : undefined, isWithin);
  }

  #rangeAt(offset: number): OpenBatch | undefined {
    for (;;) {
      const [range] = this.#ranges;
      if (range === undefined || offset < range.from) return undefined;
      if (this.#cutter.position.offset <= range.from) this.#push(this.#cutter.cut());
      if (offset < range.to) return range;
      this.#leaveRange(offset);
    }
  }

  /** Leaves a range that is read to its end; a started batch is then complete. */
  #leaveRange(offset: number): void {
    const [range] = this.#ranges;
    if (range === undefined || offset < range.to) return;
    this.#push(this.#cutter.cut(), range);
    this.#ranges.shift();
  }

  #push(batch: Batch | undefined, range?: OpenBatch, isPart = false): void {
    if (batch !== undefined) this.#ready.push({ ...batch, since: range?.since, isPart });
  }
}
