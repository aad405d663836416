// The client: events in, batches out, counts back.
import { sendBeacons } from './beacons.ts';
import { Books, type TallyStats } from './books.ts';
import { Courier } from './courier.ts';
import { type EventDetails, eventOf } from './event.ts';
import { httpOf } from './http.ts';
import { type Settings, settingsOf, type TallyOptions } from './options.ts';
import { Outbox, type Pending } from './outbox.ts';
import {
  type CountsAnswer,
  type CountsBatchAnswer,
  type CountsBatchQuestion,
  type CountsQuestion,
  type ReadOptions,
  type Reads,
  readsOf,
  type StatusAnswer,
  type TopAnswer,
  type TopQuestion,
} from './reads.ts';
import { platform, type Surroundings } from './surroundings.ts';

/** How long to wait for an end. */
export interface Deadline {
  /** Without it, until everything is settled. */
  readonly deadlineMs?: number | undefined;
}

interface Waiting {
  readonly pending: Pending;
  readonly admit: (taken: boolean) => void;
}
interface Flush {
  /** The last event it is about. */
  readonly upTo: number;
  readonly done: (settled: boolean) => void;
}

const TAKEN = Promise.resolve(true);
const NOT_TAKEN = Promise.resolve(false);
const CLOSE_MS = 10_000;

/** Sends events to one Tally, in the background, and reads its counts. */
export class TallyClient {
  readonly #settings: Settings;
  readonly #surroundings: Surroundings;
  readonly #books: Books;
  readonly #outbox: Outbox;
  readonly #courier: Courier;
  readonly #reads: Reads;
  readonly #endings: (() => void)[] = [];
  readonly #waiting: Waiting[] = [];
  #flushes: Flush[] = [];
  #closed = false;

  /** @throws RangeError naming the option that can not be so */
  constructor(options: TallyOptions) {
    const settings = settingsOf(options);
    const surroundings = { ...platform(), ...options.surroundings };
    this.#settings = settings;
    this.#surroundings = surroundings;
    this.#books = new Books(options);
    this.#outbox = new Outbox(
      { events: settings.bufferEvents, bytes: settings.bufferBytes },
      { events: settings.batchEvents, bytes: settings.batchBytes },
    );
    const http = httpOf(settings, surroundings);
    this.#reads = readsOf(http);
    const parts = { outbox: this.#outbox, books: this.#books, http, settings, surroundings };
    this.#courier = new Courier({ ...parts, onSettled: () => this.#afterSettling() });
    const { page, exit } = surroundings;
    if (page !== undefined) {
      const leave = () => {
        this.#courier.giveUpLate();
        sendBeacons(parts);
        // If the page lives on, its requests have a moment to be answered before they are repeated.
        this.#courier.pause(settings.batchDelayMs);
        this.#courier.poke();
      };
      this.#endings.push(page.onLeave(leave));
    } else if (exit !== undefined) this.#endings.push(exit.onBeforeExit(() => void this.#exit()));
  }

  /**
   * Counts something: it is sent with others in the background, exactly once however often it takes.
   * @param n how much it counts, a signed integer; an unlike is -1
   * @returns whether the event has a place in the buffer; false: `onDropped` has been told. Never rejects. With
   *   `whenFull: 'wait'` it resolves when there is room
   * @throws InvalidEventError at once if the event breaks a rule of the front door
   */
  count(metric: string, entity: string, n = 1, { at, id }: EventDetails = {}): Promise<boolean> {
    const { stampTime } = this.#settings;
    const stamped = at ?? (stampTime ? this.#surroundings.nowMs() : undefined);
    const event = eventOf(metric, entity, n, id ?? this.#surroundings.newId(), stamped);
    const json = JSON.stringify(event);
    const order = this.#books.offered;
    this.#books.offered += 1;
    return this.#admit({
      event,
      json,
      bytes: utf8Bytes(json),
      order,
      takenAtMs: this.#surroundings.steadyMs(),
      maybeSinceMs: undefined,
      beaconed: false,
    });
  }

  /**
   * Sends everything counted so far without waiting for more.
   * @returns whether all of it is settled: accepted, or reported to a listener
   */
  flush({ deadlineMs }: Deadline = {}): Promise<boolean> {
    const upTo = this.#books.offered - 1;
    if (this.#isSettled(upTo)) return TAKEN;
    return new Promise((resolve) => {
      const release = this.#courier.hold();
      const late = () => flush.done(false);
      const cancel =
        deadlineMs === undefined ? () => {} : this.#surroundings.setTimer(late, deadlineMs, true);
      const flush: Flush = {
        upTo,
        done: (settled) => {
          this.#flushes = this.#flushes.filter((other) => other !== flush);
          cancel();
          release();
          resolve(settled);
        },
      };
      this.#flushes.push(flush);
      this.#courier.hurry(upTo);
    });
  }

  /**
   * Takes no more events, sends what there is, and gives up what is left at the deadline (10 s unless given).
   * @returns the final numbers
   */
  async close({ deadlineMs = CLOSE_MS }: Deadline = {}): Promise<TallyStats> {
    this.#closed = true;
    await this.#settleWithin(deadlineMs, 'the client was closed before it could be sent');
    for (const end of this.#endings.splice(0)) end();
    return this.stats();
  }

  /** Numbers of now. */
  stats(): TallyStats {
    return this.#books.stats(this.#outbox.events, this.#waiting.length);
  }

  /** How often it happened. @throws TallyError for an answer other than 200, and for none */
  counts(
    metric: string,
    entity: string,
    question?: CountsQuestion,
    options?: ReadOptions,
  ): Promise<CountsAnswer> {
    return this.#reads.counts(metric, entity, question, options);
  }

  /** Which entities had most in an hour, day or month. @throws TallyError for an answer other than 200, and for none */
  top(metric: string, question?: TopQuestion, options?: ReadOptions): Promise<TopAnswer> {
    return this.#reads.top(metric, question, options);
  }

  /** Asks up to 100 questions at once. @returns an answer or an error for each, in their order */
  countsBatch(
    questions: readonly CountsBatchQuestion[],
    options?: ReadOptions,
  ): Promise<readonly CountsBatchAnswer[]> {
    return this.#reads.countsBatch(questions, options);
  }

  /** Where every event is that Tally has received. @throws TallyError for an answer other than 200, and for none */
  status(options?: ReadOptions): Promise<StatusAnswer> {
    return this.#reads.status(options);
  }

  #admit(pending: Pending): Promise<boolean> {
    const { whenFull } = this.#settings;
    if (this.#closed) return this.#drop(pending, 'the client is closed');
    if (this.#waiting.length === 0 && this.#outbox.hasRoomFor(pending)) return this.#add(pending);
    if (whenFull === 'wait') {
      return new Promise((admit) => {
        this.#waiting.push({ pending, admit });
      });
    }
    if (whenFull === 'drop-oldest') {
      while (!this.#outbox.hasRoomFor(pending)) {
        const oldest = this.#outbox.removeOldest();
        // Everything is on its way: what is older can not be called back.
        if (oldest === undefined) break;
        void this.#drop(oldest, 'the buffer is full of newer events');
      }
      if (this.#outbox.hasRoomFor(pending)) return this.#add(pending);
    }
    return this.#drop(pending, 'the buffer is full');
  }

  #add(pending: Pending): Promise<boolean> {
    this.#outbox.add(pending);
    this.#courier.poke();
    return TAKEN;
  }

  #drop({ event, maybeSinceMs }: Pending, reason: string): Promise<boolean> {
    this.#books.lose('dropped', { event, reason, mayBeCounted: maybeSinceMs !== undefined });
    return NOT_TAKEN;
  }

  #afterSettling(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || !this.#outbox.hasRoomFor(next.pending)) break;
      this.#waiting.shift();
      this.#outbox.add(next.pending);
      next.admit(true);
    }
    for (const flush of this.#flushes) if (this.#isSettled(flush.upTo)) flush.done(true);
  }

  #isSettled(upTo: number): boolean {
    const [oldest = this.#waiting[0]?.pending] = this.#outbox.unsettled;
    return oldest === undefined || oldest.order > upTo;
  }

  async #settleWithin(deadlineMs: number, reason: string): Promise<void> {
    if (await this.flush({ deadlineMs })) return;
    this.#courier.giveUpAll(reason);
    for (const { pending, admit } of this.#waiting.splice(0)) {
      void this.#drop(pending, reason);
      admit(false);
    }
    this.#afterSettling();
  }

  /** The process has nothing left to do. What is done here keeps it for a moment, and then it asks again. */
  async #exit(): Promise<void> {
    const { exitDeadlineMs } = this.#settings;
    await this.#settleWithin(exitDeadlineMs, 'the process ended before it could be sent');
  }
}

const encoder = new TextEncoder();

function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}
