// The bounded buffer: all unsettled events, including those that are in no batch yet.
import type { TallyEvent } from './event.ts';
import type { Settings } from './options.ts';

/** An event that is not settled. */
export interface Pending {
  readonly event: TallyEvent;
  /** The event as it is sent, and its bytes in UTF-8. */
  readonly json: string;
  readonly bytes: number;
  /** Its ascending number among all events of this client. */
  readonly order: number;
  /** On the steady clock. */
  readonly takenAtMs: number;
}

/** Bytes of a body around its events; each event adds a comma. */
const ENVELOPE_BYTES = '{"batch":"01234567-89ab-cdef-0123-456789abcdef","events":[]}'.length;

/** The buffer. It never exceeds its limits: check for room before adding. */
export class Queue {
  readonly #settings: Settings;
  /** In order of `count()`. */
  readonly #unsettled = new Set<Pending>();
  #bytes = 0;
  /** In no batch yet. */
  #fresh: Pending[] = [];
  #freshBytes = 0;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  get events(): number {
    return this.#unsettled.size;
  }

  /** The oldest unsettled event. */
  get oldest(): Pending | undefined {
    const [oldest] = this.#unsettled;
    return oldest;
  }

  /** The oldest event that is in no batch yet. */
  get firstFresh(): Pending | undefined {
    return this.#fresh[0];
  }

  /** Whether the events that are in no batch yet fill one. */
  get fillsBatch(): boolean {
    const { batchEvents, batchBytes } = this.#settings;
    const bytes = ENVELOPE_BYTES + this.#freshBytes + this.#fresh.length;
    return this.#fresh.length >= batchEvents || bytes >= batchBytes;
  }

  hasRoomFor({ bytes }: Pending): boolean {
    const { bufferEvents, bufferBytes } = this.#settings;
    return this.#unsettled.size < bufferEvents && this.#bytes + bytes <= bufferBytes;
  }

  add(pending: Pending): void {
    this.#unsettled.add(pending);
    this.#bytes += pending.bytes;
    this.#fresh.push(pending);
    this.#freshBytes += pending.bytes;
  }

  /** Cuts the next batch: as many of the oldest events as fit, at least one, either all with an id or all without. */
  take(): readonly Pending[] {
    const { batchEvents, batchBytes } = this.#settings;
    const hasId = this.#fresh[0]?.event.id !== undefined;
    const batch: Pending[] = [];
    const left: Pending[] = [];
    let bytes = ENVELOPE_BYTES;
    for (const pending of this.#fresh) {
      const isAlike = (pending.event.id !== undefined) === hasId;
      bytes += isAlike ? pending.bytes + 1 : 0;
      const fits = batch.length === 0 || (batch.length < batchEvents && bytes <= batchBytes);
      if (isAlike && fits) batch.push(pending);
      else left.push(pending);
    }
    this.#fresh = left;
    for (const pending of batch) this.#freshBytes -= pending.bytes;
    return batch;
  }

  settle(pending: Pending): void {
    if (this.#unsettled.delete(pending)) this.#bytes -= pending.bytes;
  }

  /** Removes the oldest event that is in no batch yet. */
  removeOldestFresh(): Pending | undefined {
    const oldest = this.#fresh.shift();
    if (oldest === undefined) return undefined;
    this.#freshBytes -= oldest.bytes;
    this.settle(oldest);
    return oldest;
  }
}
