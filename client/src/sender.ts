// Sends batches until Tally has stored them: how many requests at once, what each answer means, when to stop.
import { alarmOf } from './alarm.ts';
import { type Verdict, verdictOf } from './answers.ts';
import { waitMs } from './backoff.ts';
import { BATCH_BYTES_MAX, type Batch, halvesOf, recordsOf, utf8Bytes } from './batch.ts';
import { type Http, TallyError } from './http.ts';
import type { Settings } from './options.ts';
import type { Platform } from './platform.ts';

export interface SenderParts {
  readonly http: Http;
  readonly platform: Platform;
  readonly settings: Pick<Settings, 'concurrency' | 'backoff'>;
  /** Called for every request, and for every request that did not store its batch. */
  readonly onRequest: () => void;
  readonly onProblem: (message: string) => void;
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
  | { readonly kind: 'stored' }
  | { readonly kind: 'cut'; readonly reason: string }
  | { readonly kind: 'undelivered'; readonly reason: string; readonly ends: 'one' | 'all' | 'hopeless' };

/** Sends batches. While requests fail, only one is sent at a time, so that an outage leaves few batches uncertain. */
export class Sender {
  readonly #parts: SenderParts;
  readonly #active = new Set<Batch>();
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

  /** Batches that are being sent or waiting. */
  get active(): ReadonlySet<Batch> {
    return this.#active;
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
      else if (end.kind === 'cut' && events.length === 1) rejected.push({ index: first, reason: end.reason });
      else if (end.kind === 'cut') left.push(...halvesOf(batch));
      else {
        const { reason, ends } = end;
        const over = ends === 'one' ? [batch] : [batch, ...left.splice(0).reverse()];
        for (const { mayBeStoredSinceMs, ...each } of over) {
          const mayBeCounted = (sinceMs ?? mayBeStoredSinceMs) !== undefined;
          const hopeless = ends === 'hopeless';
          for (const place of each.events.keys())
            undelivered.push({ index: each.first + place, reason, mayBeCounted, hopeless });
        }
      }
    }
    return { accepted, rejected, undelivered };
  }

  async #deliver(batch: Batch, options: SendOptions, sinceMs: number | undefined): Promise<End> {
    const { giveUpAfterMs = Infinity, signal, onRetry } = options;
    if (batch.events.length > 1 && utf8Bytes(batch.body) > BATCH_BYTES_MAX)
      return { kind: 'cut', reason: 'too large' };
    this.#active.add(batch);
    try {
      for (let retry = false; ; retry = true) {
        const lateMs = (sinceMs ?? batch.mayBeStoredSinceMs ?? Infinity) + giveUpAfterMs;
        const turn = await this.#turn(lateMs, signal, retry);
        if (turn === 'stopped') return { kind: 'undelivered', reason: reasonOf(signal), ends: 'all' };
        const late = `not confirmed within ${giveUpAfterMs} ms`;
        if (turn === 'late') return { kind: 'undelivered', reason: late, ends: 'one' };
        const verdict = await this.#attempt(batch, signal);
        const end = this.#conclude(batch, verdict);
        if (end !== undefined) return end;
        if (verdict.kind !== 'stored') onRetry?.(verdict.reason);
      }
    } finally {
      this.#active.delete(batch);
    }
  }

  /** Sends a batch once. */
  async #attempt(batch: Batch, signal: AbortSignal | undefined): Promise<Verdict> {
    const { http, platform, onRequest } = this.#parts;
    const isFirst = batch.mayBeStoredSinceMs === undefined;
    // Until an answer proves otherwise, this attempt may have stored it.
    batch.mayBeStoredSinceMs ??= platform.steadyMs();
    onRequest();
    const verdict = await post(http, batch, signal);
    this.#onTheirWay -= 1;
    const surelyNot = verdict.kind === 'again' ? !verdict.mayBeStored : verdict.kind !== 'stored';
    if (isFirst && surelyNot && !batch.beaconed) batch.mayBeStoredSinceMs = undefined;
    return verdict;
  }

  /** @returns undefined if the batch must be sent again */
  #conclude(batch: Batch, verdict: Verdict): End | undefined {
    const { platform, settings, onProblem } = this.#parts;
    if (verdict.kind === 'stored') {
      this.#failures = 0;
      this.#wake(true);
      return verdict;
    }
    onProblem(verdict.reason);
    const end = endOf(verdict, batch);
    if (end === undefined) {
      this.#failures += 1;
      const retryAfterMs = verdict.kind === 'again' ? verdict.retryAfterMs : 0;
      this.pause(waitMs(settings.backoff, this.#failures, platform.random(), retryAfterMs));
    } else this.#wake(true);
    return end;
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

async function post(http: Http, batch: Batch, signal: AbortSignal | undefined): Promise<Verdict> {
  const { body } = batch;
  try {
    const answer = await http({ method: 'POST', path: '/v1/events', body, signal });
    return verdictOf(answer, recordsOf(batch));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const mayBeStored = !(error instanceof TallyError && error.neverSent);
    return { kind: 'again', mayBeStored, reason, retryAfterMs: 0 };
  }
}

function endOf(verdict: Exclude<Verdict, { kind: 'stored' }>, batch: Batch): End | undefined {
  const { kind, reason } = verdict;
  if (kind === 'again') return undefined;
  if (kind === 'hopeless') return { kind: 'undelivered', reason, ends: 'hopeless' };
  // A body that breaks a rule has always broken it, so no attempt has stored it. A size limit may be a proxy's: splitting a
  // batch that may be stored could count its events twice.
  if (kind === 'tooLarge' && batch.mayBeStoredSinceMs !== undefined) return undefined;
  batch.mayBeStoredSinceMs = undefined;
  return { kind: 'cut', reason };
}

function reasonOf(signal: AbortSignal | undefined): string {
  const reason: unknown = signal?.reason;
  return reason instanceof Error ? reason.message : String(reason ?? 'stopped');
}
