// Sends batches until Tally has stored them: how many requests at once, what each answer means, when to stop.
import { type Verdict, verdictOf } from './answers.ts';
import { waitMs } from './backoff.ts';
import { BATCH_BYTES_MAX, type Batch, halvesOf, utf8Bytes } from './batch.ts';
import { type Http, reasonOf, type TallyError } from './http.ts';
import type { Settings } from './options.ts';
import { alarmOf, type Platform } from './platform.ts';
import type { Stats } from './stats.ts';

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
  readonly lateMs: number;
  readonly signal: AbortSignal | undefined;
  readonly end: (turn: Turn) => void;
}
type End =
  | Exclude<Verdict, { readonly kind: 'again' }>
  | { readonly kind: 'late' | 'stopped'; readonly reason: string };

/** Sends batches. While requests fail, only one is sent at a time, so that an outage leaves few batches uncertain. */
export class Sender {
  /** Batches that are being sent or waiting. */
  readonly active = new Set<Batch>();
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

  /** Sends nothing for the next `forMs` milliseconds. */
  pause(forMs: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#parts.platform.steadyMs() + forMs);
  }

  /**
   * Sends a batch, unchanged, until it is stored. Splits a refused batch until the refused event is found.
   * Never rejects.
   */
  async send(whole: Batch, options: SendOptions = {}): Promise<Delivery> {
    let accepted = 0;
    const sinceMs = options.mayBeStored === true ? this.#parts.platform.steadyMs() : undefined;
    const rejected: RejectedEvent[] = [];
    const undelivered: UndeliveredEvent[] = [];
    const left = [whole];
    for (let batch = left.pop(); batch !== undefined; batch = left.pop()) {
      const { events, first } = batch;
      const end = await this.#deliver(batch, options, sinceMs);
      if (end.kind === 'stored') accepted += events.length;
      else if (end.kind === 'invalid' || end.kind === 'tooLarge') {
        if (events.length === 1) rejected.push({ index: first, reason: end.reason });
        else left.push(...halvesOf(batch));
      } else {
        const { kind, reason } = end;
        const over = kind === 'late' ? [batch] : [batch, ...left.splice(0).reverse()];
        for (const { mayBeStoredSinceMs, ...each } of over) {
          const mayBeCounted = (sinceMs ?? mayBeStoredSinceMs) !== undefined;
          const lost = { reason, mayBeCounted, hopeless: kind === 'hopeless' };
          for (const place of each.events.keys()) undelivered.push({ index: each.first + place, ...lost });
        }
      }
    }
    return { accepted, rejected, undelivered };
  }

  async #deliver(batch: Batch, options: SendOptions, sinceMs: number | undefined): Promise<End> {
    const { giveUpAfterMs = Infinity, signal, onRetry } = options;
    const { platform, settings, stats } = this.#parts;
    if (batch.events.length > 1 && utf8Bytes(batch.body) > BATCH_BYTES_MAX)
      return { kind: 'tooLarge', reason: 'too large' };
    this.active.add(batch);
    try {
      for (let retry = false; ; retry = true) {
        const lateMs = (sinceMs ?? batch.mayBeStoredSinceMs ?? Infinity) + giveUpAfterMs;
        const turn = await this.#turn(lateMs, signal, retry);
        if (turn === 'stopped') return { kind: turn, reason: reasonOf(signal?.reason) };
        if (turn === 'late') return { kind: turn, reason: `not confirmed within ${giveUpAfterMs} ms` };
        const verdict = await this.#attempt(batch, signal, sinceMs);
        if (verdict.kind === 'stored') this.#failures = 0;
        else stats.problem(verdict.reason);
        if (verdict.kind !== 'again') {
          this.#wake(true);
          return verdict;
        }
        this.#failures += 1;
        this.pause(waitMs(settings.backoff, this.#failures, platform.random(), verdict.retryAfterMs));
        onRetry?.(verdict.reason);
      }
    } finally {
      this.active.delete(batch);
    }
  }

  /** Sends a batch once. */
  async #attempt(
    batch: Batch,
    signal: AbortSignal | undefined,
    sinceMs: number | undefined,
  ): Promise<Verdict> {
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
    if (isFirst && surelyNot && !batch.beaconed) batch.mayBeStoredSinceMs = undefined;
    // A size limit may be a proxy's: splitting a batch that an earlier attempt may have stored could count its events twice.
    if (verdict.kind === 'tooLarge' && (sinceMs ?? batch.mayBeStoredSinceMs) !== undefined)
      return { ...verdict, kind: 'again', mayBeStored: true, retryAfterMs: 0 };
    return verdict;
  }

  get #capacity(): number {
    return this.#failures > 0 ? 1 : this.#parts.settings.concurrency;
  }

  /** Waits until a request may be sent. Retries go before first attempts. */
  #turn(lateMs: number, signal: AbortSignal | undefined, retry: boolean): Promise<Turn> {
    return new Promise((resolve) => {
      const aborted = () => this.#wake(true);
      const end = (turn: Turn) => {
        signal?.removeEventListener('abort', aborted);
        resolve(turn);
      };
      signal?.addEventListener('abort', aborted);
      const waiter = { lateMs, signal, end };
      if (retry) this.#waiting.unshift(waiter);
      else this.#waiting.push(waiter);
      this.#wake(retry);
    });
  }

  /** Gives turns to waiting batches, and sets the timer for the next one. */
  #wake(mayHaveRoom: boolean): void {
    const { platform, onRoom } = this.#parts;
    const nowMs = platform.steadyMs();
    this.#waiting = this.#waiting.filter(({ lateMs, signal, end }) => {
      const ended = signal?.aborted === true ? 'stopped' : nowMs > lateMs ? 'late' : undefined;
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
    this.#setAlarm(this.#waiting.reduce((atMs, { lateMs }) => Math.min(atMs, lateMs + 1), nextMs));
    if (mayHaveRoom) onRoom();
  }
}
