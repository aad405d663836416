// The client: counts events, sends batches, reads counts.

import { BATCH_EVENTS_MAX, type Batch, batchOf, KEY_CHARACTERS_MAX, utf8Bytes } from './batch.ts';
import { sendByBeacon } from './beacons.ts';
import { type EventDetails, eventOf, isInstant, type TallyEvent } from './event.ts';
import { httpOf } from './http.ts';
import { settingsOf, type TallyOptions } from './options.ts';
import { alarmOf, platform, TIMER_MS_MAX } from './platform.ts';
import { type Pending, Queue } from './queue.ts';
import { Reads } from './reads.ts';
import { Sender, type SenderParts, type SendOptions } from './sender.ts';
import { Stats, type TallyStats } from './stats.ts';

/** A time limit. */
export interface Deadline {
  /** By default, none: waits until everything is settled. */
  readonly deadlineMs?: number | undefined;
}

/** Sends events to a Tally service, in the background or in the caller's batches, and reads its counts. */
export class TallyClient extends Reads {
  readonly #parts: SenderParts;
  readonly #queue: Queue;
  readonly #sender: Sender;
  readonly #unsubscribe: (() => void) | undefined;
  readonly #waiting: { readonly pending: Pending; readonly admit: (taken: boolean) => void }[] = [];
  /** Callers that wait until every event up to this one is settled. */
  readonly #flushes = new Set<{ readonly upTo: number; readonly end: (settled: boolean) => void }>();
  /** Send events up to this one without waiting for more. */
  #hurryUpTo = -1;
  #stop = new AbortController();
  readonly #setAlarm: (atMs: number) => void;
  #closed = false;

  /** @throws RangeError naming the invalid option, and its allowed values */
  constructor(options: TallyOptions) {
    const at = { ...platform(), ...options?.platform };
    const settings = settingsOf(options ?? {}, at.page !== undefined);
    const http = httpOf(settings, at);
    super(http);
    const stats = new Stats(options, at.warn);
    this.#parts = { http, platform: at, settings, stats, onRoom: () => this.#poke() };
    this.#setAlarm = alarmOf(at, () => this.#poke());
    this.#queue = new Queue(settings);
    this.#sender = new Sender(this.#parts);
    // The process has nothing left to do. Sending keeps it alive; Node then calls this again.
    const exit = () =>
      void this.#settleWithin(settings.exitDeadlineMs, 'the process ended before it could be sent');
    this.#unsubscribe = at.page ? at.page.onLeave(() => this.#leave()) : at.exit?.onBeforeExit(exit);
  }

  /**
   * Counts something: it is sent with other events in the background, and counted exactly once, however many attempts it takes.
   * @param n the amount, a signed integer; an unlike is -1
   * @returns whether the event fits the buffer; if not, `onDropped` has been called. Never rejects. With
   *   `whenFull: 'wait'` it resolves when there is room
   * @throws InvalidEventError at once if the event breaks a rule of the front door
   */
  count(metric: string, entity: string, n = 1, { at, id }: EventDetails = {}): Promise<boolean> {
    const { settings, platform, stats } = this.#parts;
    const nowMs = platform.nowMs();
    // A device whose clock is not set yet cannot say when: the time of arrival counts.
    const stamp = settings.stampTime && isInstant(nowMs) ? nowMs : undefined;
    const event = eventOf(metric, entity, n, { at: at ?? stamp, id });
    const json = JSON.stringify(event);
    const order = stats.offered++;
    return this.#admit({ event, json, bytes: utf8Bytes(json), order, takenAtMs: platform.steadyMs() });
  }

  /**
   * Sends one batch under your key, bypassing the buffer, until Tally has stored it. It is always sent unchanged:
   * sending it again with the same key and events, from any process, counts nothing twice within Tally's dedup window.
   * A batch that Tally refuses is split into halves, whose keys are derived from its own, until the refused event is found.
   * `stats()` counts its requests, not its events.
   * @param key 1 to 100 characters that identify these events and no others; undefined: each event has an id, and is
   * deduplicated across requests
   * @param events 1 to 500; Tally checks them
   * @returns the outcome of each event. Never rejects
   * @throws RangeError at once for a key or a number of events outside these bounds
   */
  sendBatch(key: string | undefined, events: readonly TallyEvent[], options?: SendOptions) {
    if (key !== undefined && (key.length < 1 || key.length > KEY_CHARACTERS_MAX))
      throw new RangeError(`"key" must have 1 to ${KEY_CHARACTERS_MAX} characters`);
    if (events.length < 1 || events.length > BATCH_EVENTS_MAX)
      throw new RangeError(`"events" must hold 1 to ${BATCH_EVENTS_MAX} events`);
    const texts = events.map((event) => JSON.stringify(event));
    return this.#sender.send(batchOf(key, texts), options).finally(this.#hold());
  }

  /**
   * Sends everything counted so far without waiting for more events.
   * @returns whether all of it is settled: accepted, or reported to a listener
   */
  async flush({ deadlineMs }: Deadline = {}): Promise<boolean> {
    const upTo = this.#parts.stats.offered - 1;
    if (this.#isSettled(upTo)) return true;
    this.#hurryUpTo = upTo;
    this.#poke();
    return new Promise((resolve) => {
      const end = (isSettled: boolean) => {
        this.#flushes.delete(flush);
        release();
        resolve(isSettled);
      };
      const flush = { upTo, end };
      const release = this.#hold(deadlineMs, deadlineMs === undefined ? undefined : () => end(false));
      this.#flushes.add(flush);
    });
  }

  /**
   * Accepts no more events, sends the remaining ones, and gives up what is left at the deadline (10 s by default).
   * @returns the final statistics
   */
  async close({ deadlineMs = 10_000 }: Deadline = {}): Promise<TallyStats> {
    this.#closed = true;
    await this.#settleWithin(deadlineMs, 'the client was closed before it could be sent');
    this.#unsubscribe?.();
    return this.stats();
  }

  /** The current statistics. */
  stats(): TallyStats {
    return this.#parts.stats.now(this.#queue.events, this.#waiting.length);
  }

  async #admit(pending: Pending): Promise<boolean> {
    const { whenFull } = this.#parts.settings;
    if (this.#closed) return this.#drop(pending, 'the client is closed');
    const isFull = () => this.#waiting.length > 0 || !this.#queue.hasRoomFor(pending);
    if (isFull() && whenFull === 'wait') {
      return new Promise((admit) => {
        this.#waiting.push({ pending, admit });
      });
    }
    while (isFull() && whenFull === 'drop-oldest') {
      const oldest = this.#queue.removeOldestFresh();
      // Everything is in batches, and a batch is sent unchanged.
      if (oldest === undefined) break;
      this.#drop(oldest, 'the buffer is full of newer events');
    }
    if (isFull()) return this.#drop(pending, 'the buffer is full');
    this.#queue.add(pending);
    this.#poke();
    return true;
  }

  #drop({ event }: Pending, reason: string): false {
    this.#parts.stats.lose('dropped', { event, reason, mayBeCounted: false });
    return false;
  }

  /** Sends the batches that are due, and sets the timer for the next. Call it after every change. */
  #poke(): void {
    const nowMs = this.#parts.platform.steadyMs();
    while (nowMs >= this.#dueAtMs()) {
      const events = this.#queue.take();
      void this.#dispatch(events, this.#batchOf(events));
    }
    this.#setAlarm(this.#dueAtMs());
  }

  /** When to cut and send the next batch; Infinity if there is none, or other batches are in flight. */
  #dueAtMs(): number {
    const { firstFresh } = this.#queue;
    if (firstFresh === undefined) return Infinity;
    const isDue = firstFresh.order <= this.#hurryUpTo || this.#queue.fillsBatch;
    const dueAtMs = isDue ? 0 : firstFresh.takenAtMs + this.#parts.settings.batchDelayMs;
    return Math.max(dueAtMs, this.#sender.readyAtMs);
  }

  /** @param events the batch's events start at its `first` */
  async #dispatch(events: readonly Pending[], batch: Batch): Promise<void> {
    const { settings, stats } = this.#parts;
    const { giveUpAfterMs } = settings;
    const { signal } = this.#stop;
    const { accepted, rejected, undelivered } = await this.#sender.send(batch, { giveUpAfterMs, signal });
    const lost = [
      ...rejected.map((one) => ({ ...one, fate: 'rejected', mayBeCounted: false }) as const),
      ...undelivered.map((one) => ({ ...one, fate: 'givenUp' }) as const),
    ];
    // One after the other: the numbers add up whenever a listener looks.
    for (const { fate, index, reason, mayBeCounted } of lost) {
      const pending = events[index] as Pending;
      this.#queue.settle(pending);
      stats.lose(fate, { event: pending.event, reason, mayBeCounted });
    }
    for (const place of batch.events.keys()) this.#queue.settle(events[batch.first + place] as Pending);
    stats.accepted += accepted;
    this.#afterSettling();
  }

  #afterSettling(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#queue.hasRoomFor(next.pending)) break;
      this.#waiting.shift();
      this.#queue.add(next.pending);
      next.admit(true);
    }
    for (const { upTo, end } of this.#flushes) if (this.#isSettled(upTo)) end(true);
    this.#poke();
  }

  #isSettled(upTo: number): boolean {
    const { oldest = this.#waiting[0]?.pending } = this.#queue;
    return oldest === undefined || oldest.order > upTo;
  }

  async #settleWithin(deadlineMs: number, reason: string): Promise<void> {
    if (await this.flush({ deadlineMs })) return;
    for (const { pending, admit } of this.#waiting.splice(0)) {
      this.#drop(pending, reason);
      admit(false);
    }
    for (let next = this.#queue.removeOldestFresh(); next; next = this.#queue.removeOldestFresh())
      this.#parts.stats.lose('givenUp', { event: next.event, reason, mayBeCounted: false });
    const batchesEnd = this.flush();
    this.#stop.abort(new Error(reason));
    this.#stop = new AbortController();
    await batchesEnd;
    this.#poke();
  }

  /** The page is hidden or left. */
  #leave(): void {
    // A page that is hidden and then left reports both.
    for (const batch of this.#sender.resendable) if (!batch.beaconed) sendByBeacon(batch, this.#parts, false);
    // If the page survives, give requests in flight a moment to be answered before repeating them.
    this.#sender.pause(this.#parts.settings.batchDelayMs);
    while (this.#queue.firstFresh !== undefined) {
      const events = this.#queue.take();
      for (const batch of sendByBeacon(this.#batchOf(events), this.#parts, true))
        void this.#dispatch(events, batch);
    }
  }

  /** Events with an id may have duplicates in other requests. Under a key they would land on another shard and miss them. */
  #batchOf(events: readonly Pending[]): Batch {
    const key = events[0]?.event.id === undefined ? this.#parts.platform.newId() : undefined;
    const texts = events.map(({ json }) => json);
    return batchOf(key, texts);
  }

  /** Keeps the process alive until the returned function is called, or the time is over. */
  #hold(forMs = TIMER_MS_MAX, over = () => {}): () => void {
    return this.#parts.platform.setTimer(over, forMs, true);
  }
}
