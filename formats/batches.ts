// Cuts a file's events into batches. Cuts and keys depend only on the file's identity, the offset and the bytes before it, so
// reading the file again, from its beginning or from the start of any batch, makes the same batches.
import { hash } from 'node:crypto';
import { AT_NUMBER_MIN_MS } from '../lambdas/core/event.ts';
import { BEGINNING, type Position } from './lines.ts';
import type { EventReading } from './reading.ts';
import type { FileRecord } from './records.ts';

export interface BatchEvent {
  readonly metric: string;
  readonly entity: string;
  /** Epoch milliseconds; ISO 8601 before 2000, since the API would read such a number as seconds. */
  readonly at: number | string;
}

/** A contiguous range of a file and its events, which are sent under one key, and resent unchanged. */
export interface Batch {
  readonly from: Position;
  readonly to: Position;
  readonly key: string;
  /** How many events it has. */
  readonly count: number;
  /** Usually one request's events; more if a single record has more than a request may. */
  readonly parts: readonly (readonly BatchEvent[])[];
}

export interface BatchLimits {
  readonly events: number;
  /** Bytes of the events' JSON. */
  readonly bytes: number;
  /** A batch ends where a stretch of this many bytes of the file does: a reader may start there. */
  readonly stretchBytes: number;
}

export const BATCH_LIMITS: BatchLimits = { events: 500, bytes: 900_000, stretchBytes: 2 ** 20 };
/** JSON of an event around metric and entity. */
const EVENT_BYTES = '{"metric":"","entity":"","at":1793696402000},'.length;

/** 22 characters that identify a text, with bytes after it. */
export function digestOf(text: string, bytes: Buffer = Buffer.alloc(0)): string {
  return hash('sha256', Buffer.concat([Buffer.from(text), bytes]), 'base64url').slice(0, 22);
}

/** The key of a batch: at most 22 characters of identity, and some 20 more. */
export function batchKey(file: string, { offset, crc }: Position): string {
  return `${file}.${offset.toString(36)}.${crc.toString(36)}`;
}

/** The key of a request that carries a part of a batch. A point would make it the key that the client gives to a half. */
export function partKey(key: string, part: number): string {
  return part === 0 ? key : `${key}-${part}`;
}

/** Converts an event to the API's format. */
export function batchEvent({ metric, entity, at }: EventReading): BatchEvent {
  return { metric, entity, at: at < AT_NUMBER_MIN_MS ? new Date(at).toISOString() : at };
}

/** Adds a file's records in order, and returns completed batches. */
export class BatchCutter {
  readonly #file: string;
  readonly #limits: BatchLimits;
  #from: Position;
  #to: Position;
  #events: BatchEvent[] = [];
  #bytes = 0;

  /** @param file identifies this file, read this way */
  constructor(file: string, at: Position = BEGINNING, limits: BatchLimits = BATCH_LIMITS) {
    this.#file = file;
    this.#limits = limits;
    this.#from = at;
    this.#to = at;
  }

  /** Where the current batch begins: a cutter that begins there makes the same batches. */
  get from(): Position {
    return this.#from;
  }

  /** Where the last record ended. */
  get position(): Position {
    return this.#to;
  }

  /** Whether there are events that are in no batch yet. */
  get hasEvents(): boolean {
    return this.#events.length > 0;
  }

  /** Skips a record; the next one begins a batch. */
  skip({ end }: FileRecord): void {
    this.#to = end;
    this.#from = end;
  }

  /**
   * Adds a record.
   * @param mayCut false if the batch is known to continue, whatever its size
   * @returns the batch completed by the records before, if any
   */
  add({ line, end, outcomes }: FileRecord, mayCut = true): Batch | undefined {
    const { events: eventsMax, bytes: bytesMax, stretchBytes } = this.#limits;
    let batch: Batch | undefined;
    const crossed = Math.floor(line.start / stretchBytes) > Math.floor(this.#from.offset / stretchBytes);
    if (crossed && mayCut) batch = this.cut();
    for (const outcome of outcomes) {
      if (outcome.kind !== 'event') continue;
      const bytes = EVENT_BYTES + outcome.metric.length + Buffer.byteLength(outcome.entity);
      const full = mayCut && (this.#events.length >= eventsMax || this.#bytes + bytes > bytesMax);
      // A record is never split: journals track bytes of the file, not events.
      if (full && this.#to.offset > this.#from.offset && this.#to.offset === line.start) batch ??= this.cut();
      this.#events.push(batchEvent(outcome));
      this.#bytes += bytes;
    }
    this.#to = end;
    return batch;
  }

  /** Ends the batch here. @returns undefined if it has no events */
  cut(): Batch | undefined {
    const [from, to, events] = [this.#from, this.#to, this.#events];
    this.#from = to;
    this.#events = [];
    this.#bytes = 0;
    if (events.length === 0) return undefined;
    const parts: BatchEvent[][] = [];
    for (let i = 0; i < events.length; i += this.#limits.events)
      parts.push(events.slice(i, i + this.#limits.events));
    return { from, to, key: batchKey(this.#file, from), count: events.length, parts };
  }
}
