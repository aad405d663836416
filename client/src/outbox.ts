// The bounded buffer: every event that is not settled yet, whether it waits, waits again, or is on its way.
import type { TallyEvent } from './event.ts';

/** An event that is not settled. Times are of the steady clock, in milliseconds. */
export interface Pending {
  readonly event: TallyEvent;
  /** The event as it is sent, and its bytes in UTF-8. */
  readonly json: string;
  readonly bytes: number;
  /** Its place among all events of this client, rising. */
  readonly order: number;
  readonly takenAtMs: number;
  /** When the first attempt began that may have stored it; undefined: surely none has. */
  maybeSinceMs: number | undefined;
  /** Whether a beacon carries it: beacons have no answer. */
  beaconed: boolean;
}

/** How much a request, or the buffer, may hold. */
export interface Limits {
  readonly events: number;
  readonly bytes: number;
}

/** Bytes of a body around its events; each event brings a comma. */
export const ENVELOPE_BYTES = '{"events":[]}'.length;

/** Cuts events into runs that each fit into one request. */
export function cut(events: readonly Pending[], limits: Limits): Pending[][] {
  const parts: Pending[][] = [];
  for (let rest = events; rest.length > 0; ) {
    const count = fitting(rest, limits);
    parts.push(rest.slice(0, count));
    rest = rest.slice(count);
  }
  return parts;
}

/** How many of the first events fit into one request; one at least. */
function fitting(events: readonly Pending[], limits: Limits): number {
  let bytes = ENVELOPE_BYTES;
  let count = 0;
  for (const event of events) {
    bytes += event.bytes + 1;
    if (count > 0 && (count >= limits.events || bytes > limits.bytes)) break;
    count += 1;
  }
  return count;
}

/** A batch that is to be sent again, as it is. */
interface Again {
  readonly events: readonly Pending[];
  /** Since when one of its events may be stored; Infinity if surely none is. */
  readonly maybeSinceMs: number;
}

/** The buffer. It never holds more than its bounds; who wants to add asks for room before. */
export class Outbox {
  readonly #bounds: Limits;
  readonly #batch: Limits;
  /** In the order of `count()`. */
  readonly #unsettled = new Set<Pending>();
  #bytes = 0;
  /** Never sent: surely none of them is stored. */
  #fresh: Pending[] = [];
  #freshBytes = 0;
  #again: Again[] = [];

  constructor(bounds: Limits, batch: Limits) {
    this.#bounds = bounds;
    this.#batch = batch;
  }

  get events(): number {
    return this.#unsettled.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** All events that are not settled, oldest first. */
  get unsettled(): ReadonlySet<Pending> {
    return this.#unsettled;
  }

  /** The oldest event that was never sent. */
  get firstFresh(): Pending | undefined {
    return this.#fresh[0];
  }

  /** Whether something is to be sent again. */
  get hasAgain(): boolean {
    return this.#again.length > 0;
  }

  /** Whether the events that were never sent fill a request. */
  get fillsBatch(): boolean {
    const { events, bytes } = this.#batch;
    return this.#fresh.length >= events || ENVELOPE_BYTES + this.#freshBytes + this.#fresh.length >= bytes;
  }

  /** Since when, of all that is to be sent again, an event may be stored; Infinity if surely none is. */
  get maybeSinceMs(): number {
    return this.#again.reduce((earliest, { maybeSinceMs }) => Math.min(earliest, maybeSinceMs), Infinity);
  }

  hasRoomFor({ bytes }: Pending): boolean {
    return this.#unsettled.size < this.#bounds.events && this.#bytes + bytes <= this.#bounds.bytes;
  }

  add(pending: Pending): void {
    this.#unsettled.add(pending);
    this.#bytes += pending.bytes;
    this.#fresh.push(pending);
    this.#freshBytes += pending.bytes;
  }

  /** Takes the next batch to send again, or the next one of fresh events; it is on its way then. */
  take(): readonly Pending[] {
    const again = this.#again.shift();
    if (again !== undefined) return again.events;
    const batch = this.#fresh.splice(0, fitting(this.#fresh, this.#batch));
    for (const { bytes } of batch) this.#freshBytes -= bytes;
    return batch;
  }

  /** Takes a batch back that is to be sent again before everything else; what was settled meanwhile is left out. */
  giveBack(batch: readonly Pending[]): void {
    const events = batch.filter((pending) => this.#unsettled.has(pending));
    if (events.length > 0) this.#again.unshift(againOf(events));
  }

  /** What was never sent counts as sent: it left in a way that has no answer. */
  moveFreshToAgain(): void {
    this.#again.push(...cut(this.#fresh, this.#batch).map(againOf));
    this.#fresh = [];
    this.#freshBytes = 0;
  }

  /** An event is settled. Returns false if it had been before. Only for what is on its way. */
  settle(pending: Pending): boolean {
    if (!this.#unsettled.delete(pending)) return false;
    this.#bytes -= pending.bytes;
    return true;
  }

  /** Removes the oldest event that is not on its way; fresh ones first, since surely none of them is stored. */
  removeOldest(): Pending | undefined {
    const oldest = this.#fresh[0] ?? this.#again[0]?.events[0];
    if (oldest !== undefined) this.#remove([oldest]);
    return oldest;
  }

  /** Removes the events to be sent again that may be stored since before `sinceMs`. */
  removeLate(sinceMs: number): readonly Pending[] {
    if (this.maybeSinceMs >= sinceMs) return [];
    const late = this.#again.flatMap(({ events }) =>
      events.filter(({ maybeSinceMs }) => maybeSinceMs !== undefined && maybeSinceMs < sinceMs),
    );
    this.#remove(late);
    return late;
  }

  /** Removes everything, also what is on its way. */
  removeAll(): readonly Pending[] {
    const all = [...this.#unsettled];
    this.#remove(all);
    return all;
  }

  #remove(gone: readonly Pending[]): void {
    for (const pending of gone) this.settle(pending);
    const [first] = gone;
    // The usual case, of 'drop-oldest': not to look through the whole buffer for each event.
    if (gone.length === 1 && first !== undefined && first === this.#fresh[0]) {
      this.#fresh.shift();
      this.#freshBytes -= first.bytes;
      return;
    }
    const stays = (pending: Pending) => this.#unsettled.has(pending);
    this.#fresh = this.#fresh.filter(stays);
    this.#freshBytes = this.#fresh.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#again = this.#again
      .map(({ events }) => againOf(events.filter(stays)))
      .filter(({ events }) => events.length > 0);
  }
}

function againOf(events: readonly Pending[]): Again {
  const since = events.map(({ maybeSinceMs }) => maybeSinceMs ?? Infinity);
  return { events, maybeSinceMs: Math.min(Infinity, ...since) };
}
