// Groups a file's events into batches, around what earlier runs have finished or begun; pure.

import type { OutgoingEvent } from './event.ts';
import type { ByteRange } from './ranges.ts';
import type { FileRecord } from './records.ts';
import type { ImportState, OpenBatch } from './state.ts';

/** A contiguous range of the file and the events in it that are to be sent. */
export interface Batch extends ByteRange {
  readonly events: readonly OutgoingEvent[];
  /** See `OpenBatch.since`. */
  readonly since: number | undefined;
}

export interface BatchLimits {
  readonly eventsMax: number;
  /** Bytes of a request's body. */
  readonly bytesMax: number;
}

/** What is known of an event before this run sends anything. */
export type Place = 'to-send' | 'already' | 'rejected' | 'abandoned';

/** Bytes of a body around its events, and between two of them. */
const envelopeBytes = '{"events":[]}'.length;

interface Region {
  readonly from: number;
  readonly to: number;
  readonly open: OpenBatch | undefined;
}

/**
 * Takes the file's records in order. A batch that an earlier run began is made again exactly as it was, so that its
 * ids meet their twins; new batches never reach into it, or into what is done.
 */
export class BatchPlanner {
  readonly #limits: BatchLimits;
  readonly #regions: readonly Region[];
  readonly #rejected: ReadonlySet<number>;
  readonly #abandoned: ReadonlySet<number>;
  #region = 0;
  #from = 0;
  #to = 0;
  #crc = 0;
  #events: OutgoingEvent[] = [];
  #bytes = envelopeBytes;
  #ready: Batch[] = [];

  constructor(state: ImportState, limits: BatchLimits) {
    this.#limits = limits;
    this.#rejected = new Set(state.rejected);
    this.#abandoned = new Set(state.abandoned);
    const done = state.done.map(({ from, to }) => ({ from, to, open: undefined }));
    const open = [...state.open.values()].map((batch) => ({ from: batch.from, to: batch.to, open: batch }));
    this.#regions = [...done, ...open].toSorted((a, b) => a.from - b.from);
  }

  /** Where the event of this record belongs; `event` is asked for only if it is to be sent. */
  place(record: FileRecord, event: () => OutgoingEvent): Place {
    const offset = record.line.start;
    const region = this.#regionAt(offset);
    if (this.#rejected.has(offset)) return 'rejected';
    if (this.#abandoned.has(offset)) return 'abandoned';
    if (region && (!region.open || region.open.left?.includes(offset) === false)) return 'already';
    this.#add(record, event(), region?.open);
    return 'to-send';
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** The batches that are complete; they are given once. */
  take(): Batch[] {
    const ready = this.#ready;
    this.#ready = [];
    return ready;
  }

  /** No more records: the last batch is complete. */
  end(): void {
    const region = this.#regions[this.#region];
    this.#flush(region && this.#from >= region.from ? region.open : undefined);
  }

  #regionAt(offset: number): Region | undefined {
    for (;;) {
      const region = this.#regions[this.#region];
      if (!region || offset < region.from) return undefined;
      // Events before the region, not sent yet, are a batch of their own.
      if (this.#from < region.from) {
        this.#flush(undefined);
        this.#from = region.from;
      }
      if (offset < region.to) return region;
      this.#flush(region.open);
      this.#from = region.to;
      this.#region += 1;
    }
  }

  #add(record: FileRecord, event: OutgoingEvent, open: OpenBatch | undefined): void {
    const bytes = Buffer.byteLength(event.json) + 1;
    const full = this.#events.length >= this.#limits.eventsMax || this.#bytes + bytes > this.#limits.bytesMax;
    if (full && !open && this.#events.length > 0) this.#flush(undefined);
    this.#events.push(event);
    this.#bytes += bytes;
    this.#to = record.end;
    this.#crc = record.crc;
  }

  #flush(open: OpenBatch | undefined): void {
    const events = this.#events;
    if (open) {
      const { from, to, crc, since } = open;
      this.#ready.push({ from, to, crc, since, events });
    } else if (events.length > 0) {
      this.#ready.push({ from: this.#from, to: this.#to, crc: this.#crc, since: undefined, events });
      this.#from = this.#to;
    }
    this.#events = [];
    this.#bytes = envelopeBytes;
  }
}
