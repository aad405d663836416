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

interface Region {
  readonly from: number;
  readonly to: number;
  readonly open: OpenBatch | undefined;
}

/**
 * Takes the file's records in order. A batch that an earlier run started is recreated exactly; new batches never overlap it, or
 * finished ranges.
 */
export class BatchPlanner {
  readonly #cutter: BatchCutter;
  readonly #regions: readonly Region[];
  readonly #abandoned: ImportState['abandoned'];
  #region = 0;
  readonly #ready: PlannedBatch[] = [];

  constructor(state: ImportState, limits: BatchLimits = BATCH_LIMITS) {
    this.#cutter = new BatchCutter(batchName(state.key), BEGINNING, limits);
    this.#abandoned = state.abandoned;
    const done = state.done.map(({ from, to }) => ({ from, to, open: undefined }));
    const open = state.open.map((batch) => ({ from: batch.from, to: batch.to, open: batch }));
    this.#regions = [...done, ...open].toSorted((a, b) => a.from - b.from);
  }

  /** Adds the next record. An incomplete line that is not an event yet is left out: it is read again when it is complete. */
  add(record: FileRecord): Place {
    const { start } = record.line;
    if (!record.terminated && !record.outcomes.some(({ kind }) => kind === 'event')) return 'to-send';
    const region = this.#regionAt(start);
    if (region === undefined) {
      this.#push(this.#cutter.add(record), undefined);
      return 'to-send';
    }
    if (region.open) {
      this.#cutter.add(record, false);
      this.#leaveRegion(record.end);
      return 'to-send';
    }
    this.#cutter.skip(record);
    this.#leaveRegion(record.end);
    return this.#abandoned.some(({ from, to }) => start >= from && start < to) ? 'abandoned' : 'already';
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
    if (this.#region >= this.#regions.length) this.#push(this.#cutter.cut(), undefined);
  }

  /** Completes the last batch. */
  end(): void {
    const region = this.#regions[this.#region];
    const entered = region !== undefined && this.#cutter.position.offset > region.from;
    this.#push(this.#cutter.cut(), entered ? region.open : undefined, true);
  }

  #regionAt(offset: number): Region | undefined {
    for (;;) {
      const region = this.#regions[this.#region];
      if (region === undefined || offset < region.from) return undefined;
      if (this.#cutter.position.offset <= region.from) this.#push(this.#cutter.cut(), undefined);
      if (offset < region.to) return region;
      this.#leaveRegion(offset);
    }
  }

  /** Leaves a region that is read to its end; a started batch is then complete. */
  #leaveRegion(offset: number): void {
    const region = this.#regions[this.#region];
    if (region === undefined || offset < region.to) return;
    this.#push(this.#cutter.cut(), region.open);
    this.#region += 1;
  }

  #push(batch: Batch | undefined, open: OpenBatch | undefined, isLast = false): void {
    const isPart = isLast && open !== undefined;
    if (batch !== undefined) this.#ready.push({ ...batch, since: open?.since, isPart });
  }
}
