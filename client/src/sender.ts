// Sends batches until Tally has stored them: how many requests at once, what each answer means, when to stop.
import { type Verdict, verdictOf } from './answers.ts';
import { waitMs } from './backoff.ts';
import { BATCH_BYTES_MAX, type Batch, halvesOf, utf8Bytes } from './batch.ts';
import { type Http, reasonOf, type TallyError } from './http.ts';
import type { Settings } from './options.ts';
import { alarmOf, type Platform } from './platform.ts';
import { type Stats, tell } from './stats.ts';

export interface SenderParts {
  readonly http: Http;
  readonly platform: Platform;
  readonly settings: Settings;
  readonly stats: Stats;
  /** Called when there may be room for another batch. */
  readonly onRoom: () => void;
}

export interface SendOptions {
  /** How long to resend it after it may first have been stored; forever by default. */
  readonly giveUpAfterMs?: number | undefined;
  /** Whether an earlier process may have stored it: `giveUpAfterMs` then counts from now. */
  readonly mayBeStored?: boolean | undefined;
  /** Stops sending; the delivery then lists the remaining events. */
  readonly signal?: AbortSignal | undefined;
  /** Called for every attempt that did not store the batch and will be retried. */
  readonly onRetry?: ((reason: string) => void) | undefined;
}

/** An event that Tally refuses, now and always. */
export interface RejectedEvent {
  /** Its index in the batch, from 0. */
  readonly index: number;
  readonly reason: string;
}

/** An event that is not known to be stored and is no longer sent. */
export interface UndeliveredEvent extends RejectedEvent {
  /** Whether an attempt may have stored it nevertheless. */
  readonly mayBeCounted: boolean;
  /** Whether the server refuses everything: a wrong API key, address or route. */
  readonly hopeless: boolean;
}

/** The outcome of a batch: every event is in `accepted`, `rejected` or `undelivered`. */
export interface Delivery {
  readonly accepted: number;
  readonly rejected: readonly RejectedEvent[];
  readonly undelivered: readonly UndeliveredEvent[];
}

type Turn = 'go' | 'late' | 'stopped';
interface Waiter {
  readonly batch: Batch;
  readonly signal: AbortSignal | undefined;
  readonly end: (turn: Turn) => void;
}
type End =
  | Exclude<Verdict, { readonly kind: 'again' }>
  | { readonly kind: 'late' | 'stopped'; readonly reason: string };

/** Sends batches. While requests fail, only one is sent at a time, so that an outage leaves few batches uncertain. */
export class Sender {
  /** Batches that are being sent or waiting, halves included, and each one's `giveUpAfterMs`. */
  readonly #active = new Map<Batch, number>();
  readonly #parts: SenderParts;
  #waiting: Waiter[] = [];
  #onTheirWay = 0;
  /** Failed requests since the last one that stored its batch. */
  #failures = 0;
  #pausedUntilMs = 0;
  readonly #setAlarm: (atMs: number) => void;

  constructor(parts: SenderParts) {
    this.#parts = parts;
    this.#setAlarm = alarmOf(parts.platform, () => this.#wake(true));
  }

  /** From when another batch would be sent at once; Infinity while others come first, until `onRoom` is called. */
  get readyAtMs(): number {
    return this.#waiting.length === 0 && this.#onTheirWay < this.#capacity ? this.#pausedUntilMs : Infinity;
  }

  /** The batches that are being sent or waiting, without those that are about to be given up. */
  get resendable(): readonly Batch[] {
    const nowMs = this.#parts.platform.steadyMs();
    return [...this.#active.keys()].filter((batch) => nowMs <= this.#lateMs(batch));
  }

  /** Sends nothing for the next `forMs` milliseconds. */
  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#parts.platform.steadyMs() + forMs);
  }

  /**
   * Sends a batch, unchanged, until it is stored. Splits a refused batch until the refused event is found.
   * Never rejects.
   */
  async send(whole: Batch, options: SendOptions = {}): Promise<Delivery> {
    const { giveUpAfterMs = Infinity } = options;
    const sinceMs = options.mayBeStored === true ? this.#parts.platform.steadyMs() : undefined;
    let accepted = 0;
    const rejected: RejectedEvent[] = [];
    const undelivered: UndeliveredEvent[] = [];
    const left: Batch[] = [];
    const add = (...batches: readonly Batch[]) => {
      for (const batch of batches) {
        batch.mayBeStoredSinceMs ??= sinceMs;
        this.#active.set(batch, giveUpAfterMs);
        left.push(batch);
      }
    };
    add(whole);
    for (let batch = left.pop(); batch !== undefined; batch = left.pop()) {
      const { events, first } = batch;
      const end = await this.#deliver(batch, options);
      this.#active.delete(batch);
      if (end.kind === 'stored') accepted += events.length;
      else if (end.kind === 'invalid' || end.kind === 'tooLarge') {
        if (events.length === 1) rejected.push({ index: first, reason: end.reason });
        else add(...halvesOf(batch));
      } else {
        const { kind, reason } = end;
        const over = kind === 'late' ? [batch] : [batch, ...left.splice(0).reverse()];
        for (const each of over) {
          this.#active.delete(each);
          const mayBeCounted = each.mayBeStoredSinceMs !== undefined;
          const lost = { reason, mayBeCounted, hopeless: kind === 'hopeless' };
          for (const place of each.events.keys()) undelivered.push({ index: each.first + place, ...lost });
        }
      }
    }
    return { accepted, rejected, undelivered };
  }

  async #deliver(batch: Batch, { giveUpAfterMs, signal, onRetry }: SendOptions): Promise<End> {
    const { platform, settings, stats } = this.#parts;
    if (batch.events.length > 1 && utf8Bytes(batch.body) > BATCH_BYTES_MAX)
      return { kind: 'tooLarge', reason: 'too large' };
    try {
      for (let retry = false; ; retry = true) {
        const turn = await this.#turn(batch, signal, retry);
        if (turn === 'stopped') return { kind: turn, reason: reasonOf(signal?.reason) };
        if (turn === 'late') return { kind: turn, reason: `not confirmed within ${giveUpAfterMs} ms` };
        const verdict = await this.#attempt(batch, signal);
        if (verdict.kind === 'stored') this.#failures = 0;
        else stats.problem(verdict.reason);
        if (verdict.kind !== 'again') return verdict;
        // What left with the page may be lost for the same reason.
        batch.beaconed = false;
        this.#failures += 1;
        this.pause(waitMs(settings.backoff, this.#failures, platform.random(), verdict.retryAfterMs));
        if (onRetry !== undefined) tell(onRetry, verdict.reason);
      }
    } finally {
      this.#wake(true);
    }
  }

  /** Sends a batch once. */
  async #attempt(batch: Batch, signal: AbortSignal | undefined): Promise<Verdict> {
    const { http, platform, stats } = this.#parts;
    const { key, events, body } = batch;
    const isFirst = batch.mayBeStoredSinceMs === undefined;
    // Until an answer proves otherwise, this attempt may have stored it.
    batch.mayBeStoredSinceMs ??= platform.steadyMs();
    stats.requests += 1;
    const verdict = await http({ path: '/v1/events', body, signal }).then(
      (answer) => verdictOf(answer, key === undefined ? events.length : 1),
      ({ message: reason, neverSent }: TallyError) =>
        ({ kind: 'again', mayBeStored: !neverSent, reason, retryAfterMs: 0 }) as const,
    );
    this.#onTheirWay -= 1;
    const surelyNot = verdict.kind === 'again' ? !verdict.mayBeStored : verdict.kind !== 'stored';
    if (isFirst && surelyNot && !batch.carried) batch.mayBeStoredSinceMs = undefined;
    // A size limit may be a proxy's: splitting a batch that an earlier attempt may have stored could count its events twice.
    if (verdict.kind === 'tooLarge' && batch.mayBeStoredSinceMs !== undefined)
      return { ...verdict, kind: 'again', mayBeStored: true, retryAfterMs: 0 };
    return verdict;
  }

  /** Until when it may be sent again. A beacon may set it, while the batch waits. */
  #lateMs(batch: Batch): number {
    return (batch.mayBeStoredSinceMs ?? Infinity) + (this.#active.get(batch) ?? Infinity);
  }

  get #capacity(): number {
    return this.#failures > 0 ? 1 : this.#parts.settings.concurrency;
  }

  /** Waits until a request may be sent. Retries go before first attempts. */
  #turn(batch: Batch, signal: AbortSignal | undefined, retry: boolean): Promise<Turn> {
    return new Promise((resolve) => {
      const aborted = () => this.#wake(true);
      const end = (turn: Turn) => {
        signal?.removeEventListener('abort', aborted);
        resolve(turn);
      };
      signal?.addEventListener('abort', aborted);
      const waiter = { batch, signal, end };
      if (retry) this.#waiting.unshift(waiter);
      else this.#waiting.push(waiter);
      this.#wake(retry);
    });
  }

  /** Gives turns to waiting batches, and sets the timer for the next one. */
  #wake(mayHaveRoom: boolean): void {
    const { platform, onRoom } = this.#parts;
    const nowMs = platform.steadyMs();
    this.#waiting = this.#waiting.filter(({ batch, signal, end }) => {
      const ended = signal?.aborted === true ? 'stopped' : nowMs > this.#lateMs(batch) ? 'late' : undefined;
      if (ended !== undefined) end(ended);
      return ended === undefined;
    });
    while (nowMs >= this.#pausedUntilMs && this.#onTheirWay < this.#capacity) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#onTheirWay += 1;
      next.end('go');
    }
    const isNext = this.#waiting.length > 0 && this.#onTheirWay < this.#capacity;
    const nextMs = isNext ? this.#pausedUntilMs : Infinity;
    this.#setAlarm(
      this.#waiting.reduce((atMs, { batch }) => Math.min(atMs, this.#lateMs(batch) + 1), nextMs),
    );
    if (mayHaveRoom) onRoom();
  }
}
