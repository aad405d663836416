// Sends what is in the outbox: when a batch is due, how many requests at a time, what each answer means, when to stop trying.
import { type Outcome, outcomeOf } from './answers.ts';
import { waitMs } from './backoff.ts';
import type { Books, Fate } from './books.ts';
import { type Http, TallyError } from './http.ts';
import type { Settings } from './options.ts';
import type { Outbox, Pending } from './outbox.ts';
import { Packing } from './packing.ts';
import type { Surroundings } from './surroundings.ts';

/** What the courier works with. */
export interface CourierParts {
  readonly outbox: Outbox;
  readonly books: Books;
  readonly http: Http;
  readonly settings: Settings;
  readonly surroundings: Surroundings;
  /** Called when events were settled: there may be room again. */
  readonly onSettled: () => void;
}

/** Sends in the background. */
export class Courier {
  readonly #parts: CourierParts;
  readonly #packing: Packing<Pending>;
  #onTheirWay = 0;
  /** Requests that failed since the last one that stored everything. */
  #failures = 0;
  #pausedUntilMs = 0;
  /** Events up to this one wait for no others. */
  #hurryUpTo = -1;
  /** How many wait for an end, so that the process must stay. */
  #holders = 0;
  #stop = new AbortController();
  #alarm: { readonly atMs: number; readonly holds: boolean; readonly cancel: () => void } | undefined;

  constructor(parts: CourierParts) {
    this.#parts = parts;
    const { settings, surroundings } = parts;
    // A page has few events at a time, and its last words are beacons, which hear no answer.
    const mayPack = settings.packed && surroundings.page === undefined;
    const digest = mayPack ? surroundings.md5 : undefined;
    this.#packing = new Packing({ digest, idOf: ({ event }) => event.id });
  }

  /** Does what is to be done now, and sets the alarm for what is to be done later. To be called after every change. */
  poke(): void {
    const { outbox, surroundings } = this.#parts;
    const nowMs = surroundings.steadyMs();
    this.giveUpLate();
    while (this.#mayRequest && nowMs >= this.#pausedUntilMs && nowMs >= this.#dueAtMs()) {
      void this.#deliver(outbox.take(), nowMs);
    }
    this.#setAlarm(nowMs);
  }

  /** Events up to this one are sent as soon as may be. */
  hurry(upToOrder: number): void {
    this.#hurryUpTo = Math.max(this.#hurryUpTo, upToOrder);
    this.poke();
  }

  /** The process stays until the returned function is called. */
  hold(): () => void {
    this.#holders += 1;
    this.poke();
    return () => {
      this.#holders -= 1;
      this.poke();
    };
  }

  /** Sends nothing before so many milliseconds have passed. */
  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#parts.surroundings.steadyMs() + forMs);
  }

  /**
   * Gives up what may be stored for too long: a later attempt could reach Tally when it no longer knows the id, and count
   * twice. What is surely not stored has no such limit, and stays in the buffer through an outage of any length.
   */
  giveUpLate(): void {
    const { outbox, settings, surroundings } = this.#parts;
    const late = outbox.removeLate(surroundings.steadyMs() - settings.giveUpAfterMs);
    if (late.length === 0) return;
    const reason = `not confirmed within ${settings.giveUpAfterMs} ms`;
    for (const pending of late) this.#lose('givenUp', pending, reason);
    this.#parts.onSettled();
  }

  /** Gives up everything, also what is on its way. */
  giveUpAll(reason: string): void {
    const gone = this.#parts.outbox.removeAll();
    this.#stop.abort(new Error(reason));
    this.#stop = new AbortController();
    for (const pending of gone) this.#lose('givenUp', pending, reason);
    this.poke();
  }

  /** While requests fail, one at a time finds out whether they do no longer. */
  get #mayRequest(): boolean {
    return this.#onTheirWay < (this.#failures > 0 ? 1 : this.#parts.settings.concurrency);
  }

  /** When the next batch is due, pauses aside; Infinity if there is none. */
  #dueAtMs(): number {
    const { outbox, settings } = this.#parts;
    const { firstFresh } = outbox;
    if (outbox.hasAgain) return 0;
    if (firstFresh === undefined) return Infinity;
    if (firstFresh.order <= this.#hurryUpTo || outbox.fillsBatch) return 0;
    return firstFresh.takenAtMs + settings.batchDelayMs;
  }

  #setAlarm(nowMs: number): void {
    const { outbox, settings, surroundings } = this.#parts;
    const sendAtMs = this.#mayRequest ? Math.max(this.#dueAtMs(), this.#pausedUntilMs) : Infinity;
    const atMs = Math.min(sendAtMs, outbox.maybeSinceMs + settings.giveUpAfterMs + 1);
    const holds = this.#holders > 0;
    if (this.#alarm?.atMs === atMs && this.#alarm.holds === holds) return;
    this.#alarm?.cancel();
    this.#alarm = undefined;
    if (atMs === Infinity) return;
    const ring = () => {
      this.#alarm = undefined;
      this.poke();
    };
    // Timers may fire a fraction early.
    const cancel = surroundings.setTimer(ring, Math.max(0, Math.ceil(atMs - nowMs)), holds);
    this.#alarm = { atMs, holds, cancel };
  }

  /** Sends a batch once. Never throws. */
  async #deliver(batch: readonly Pending[], nowMs: number): Promise<void> {
    const { books } = this.#parts;
    // Until the answer says otherwise, this attempt may have stored them.
    const first = batch.filter(({ maybeSinceMs }) => maybeSinceMs === undefined);
    for (const pending of first) pending.maybeSinceMs = nowMs;
    this.#onTheirWay += 1;
    books.requests += 1;
    const outcome = await this.#post(batch);
    this.#onTheirWay -= 1;
    const surelyNot = notStoredBy(outcome, batch);
    for (const pending of first) {
      if (surelyNot.has(pending) && !pending.beaconed) pending.maybeSinceMs = undefined;
    }
    this.#conclude(batch, outcome);
    this.#parts.onSettled();
    this.poke();
  }

  async #post(batch: readonly Pending[]): Promise<Outcome<Pending>> {
    const { signal } = this.#stop;
    try {
      const wrapped = this.#packing.wrap(batch);
      const { path, body, records } = wrapped;
      const answer = await this.#parts.http.request({ method: 'POST', path, body, signal });
      const reason = this.#packing.learn(wrapped, answer);
      return reason === undefined ? outcomeOf(answer, records) : { kind: 'refused', reason, retryAfterMs: 0 };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const neverSent = error instanceof TallyError && error.neverSent;
      return { kind: neverSent ? 'refused' : 'unknown', reason, retryAfterMs: 0 };
    }
  }

  #conclude(batch: readonly Pending[], outcome: Outcome<Pending>): void {
    const { outbox, books } = this.#parts;
    if (outcome.kind === 'stored') {
      this.#failures = 0;
      for (const pending of batch) this.#accept(pending);
      return;
    }
    books.problem(outcome.reason);
    switch (outcome.kind) {
      case 'partly':
        for (const pending of batch) if (!outcome.left.has(pending)) this.#accept(pending);
        this.#backOff(outcome.retryAfterMs);
        outbox.giveBack(batch.filter((pending) => outcome.left.has(pending)));
        break;
      case 'refused':
      case 'unknown':
        this.#backOff(outcome.retryAfterMs);
        outbox.giveBack(batch);
        break;
      case 'invalid':
      case 'tooLarge':
        this.#split(batch, outcome.reason);
        break;
      case 'forbidden':
        for (const pending of batch)
          if (outbox.settle(pending)) this.#lose('givenUp', pending, outcome.reason);
    }
  }

  /** Finds the event that Tally does not take by sending halves: its neighbours are not to suffer. */
  #split(batch: readonly Pending[], reason: string): void {
    const { outbox } = this.#parts;
    const [only] = batch;
    if (batch.length === 1 && only !== undefined) {
      if (outbox.settle(only)) this.#lose('rejected', only, reason);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    outbox.giveBack(batch.slice(half));
    outbox.giveBack(batch.slice(0, half));
  }

  #backOff(retryAfterMs: number): void {
    const { settings, surroundings } = this.#parts;
    this.#failures += 1;
    this.pause(waitMs(settings.backoff, this.#failures, surroundings.random(), retryAfterMs));
  }

  #accept(pending: Pending): void {
    if (this.#parts.outbox.settle(pending)) this.#parts.books.accept();
  }

  #lose(fate: Exclude<Fate, 'accepted'>, { event, maybeSinceMs }: Pending, reason: string): void {
    this.#parts.books.lose(fate, { event, reason, mayBeCounted: maybeSinceMs !== undefined });
  }
}

/** The events that this answer says are surely not stored by this attempt. */
function notStoredBy(outcome: Outcome<Pending>, batch: readonly Pending[]): ReadonlySet<Pending> {
  switch (outcome.kind) {
    case 'stored':
    case 'unknown':
      return new Set();
    case 'partly':
      return new Set(batch.filter((pending) => outcome.left.has(pending) && !outcome.unsure.has(pending)));
    default:
      return new Set(batch);
  }
}
