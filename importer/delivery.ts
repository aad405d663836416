// Sends one batch until it is stored, whatever the service answers, and writes down each step before and after it.

import { type Outcome, outcomeOf, outcomeOfFailure } from './answers.ts';
import { type Backoff, waitMs } from './backoff.ts';
import type { Batch } from './batches.ts';
import { ServiceError } from './errors.ts';
import type { OutgoingEvent } from './event.ts';
import { type HttpClient, RequestFailed } from './http-client.ts';
import type { Journal } from './journal.ts';

/** What becomes of events that may be stored, when the service would no longer recognise their ids. */
export type UncertainPolicy = 'hold' | 'send' | 'skip';

export interface DeliverySettings {
  readonly backoff: Backoff;
  /** How long one request may take. */
  readonly timeoutMs: number;
  /** How long the service remembers an id. */
  readonly dedupWindowMs: number;
  readonly giveUpAfterMs: number | undefined;
  readonly uncertain: UncertainPolicy;
}

export interface DeliveryPorts {
  readonly client: HttpClient;
  readonly journal: Journal;
  now(): number;
  random(): number;
  /** Resolves early when the signal fires. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** No new request is begun after it. */
  readonly stop: AbortSignal;
  /** Requests under way are broken off. */
  readonly kill: AbortSignal;
  /** Told when a request has to be repeated. */
  trouble(reason: string): void;
}

/** What became of a batch; numbers of events, of requests and of repeated ones. */
export interface Delivered {
  accepted: number;
  rejected: { event: OutgoingEvent; reason: string }[];
  /** Held back: stored or not, nobody knows. */
  uncertain: number;
  abandoned: number;
  /** Sent again after the service had forgotten their ids: perhaps counted twice. */
  repeated: number;
  requests: number;
  retries: number;
}

/** A service that refuses this many events of a batch and takes none refuses all. */
const rejectedInARowMax = 10;

export function nothingDelivered(): Delivered {
  return { accepted: 0, rejected: [], uncertain: 0, abandoned: 0, repeated: 0, requests: 0, retries: 0 };
}

/**
 * Returns early, the batch still open, when stopped. Throws ServiceError where going on is of no use.
 * @param result filled in while it runs, so that it holds what was reached also where it throws
 */
export async function deliver(
  batch: Batch,
  settings: DeliverySettings,
  ports: DeliveryPorts,
  result: Delivered,
): Promise<void> {
  await new Delivery(batch, settings, ports, result).run();
}

class Delivery {
  readonly result: Delivered;
  readonly #batch: Batch;
  readonly #settings: DeliverySettings;
  readonly #ports: DeliveryPorts;
  readonly #startedAt: number;
  /** Each part is one request; the last comes first. */
  readonly #parts: OutgoingEvent[][];
  /** Start of the first attempt whose outcome is not known. */
  #since: number | undefined;
  /** Accepted, but not yet in the journal. */
  #unwritten = 0;
  #attempts = 0;

  constructor(batch: Batch, settings: DeliverySettings, ports: DeliveryPorts, result: Delivered) {
    this.result = result;
    this.#batch = batch;
    this.#settings = settings;
    this.#ports = ports;
    this.#parts = [[...batch.events]];
    this.#since = batch.since;
    this.#startedAt = ports.now();
  }

  async run(): Promise<void> {
    const { journal, stop } = this.#ports;
    const { from } = this.#batch;
    for (let part = this.#parts.pop(); part; part = this.#parts.pop()) {
      if (stop.aborted) return;
      if (part.length === 0) continue;
      if (!(await this.#mayBeSent(part))) return;
      const outcome = await this.#attempt(part);
      await this.#settle(part, outcome);
    }
    const rejected = this.result.rejected.map(({ event }) => event.offset);
    await journal.append({ t: 'ok', from, accepted: this.#unwritten, rejected, at: this.#ports.now() });
  }

  /** Whether the events may be sent: yes, unless some may be stored and the service would not recognise them. */
  async #mayBeSent(part: readonly OutgoingEvent[]): Promise<boolean> {
    const { now, journal } = this.#ports;
    const { uncertain, timeoutMs, dedupWindowMs } = this.#settings;
    // The request itself takes time: it must arrive within the window.
    if (this.#since === undefined || now() + timeoutMs < this.#since + dedupWindowMs) return true;
    const left = this.#left(part);
    if (uncertain === 'send') {
      this.#since = undefined;
      this.result.repeated += left.length;
      return true;
    }
    if (uncertain === 'hold') {
      this.result.uncertain += left.length;
      return false;
    }
    this.result.abandoned += left.length;
    await journal.append({ t: 'abandon', from: this.#batch.from, offsets: left });
    return false;
  }

  async #attempt(part: readonly OutgoingEvent[]): Promise<Outcome<OutgoingEvent>> {
    const { client, journal, now, kill } = this.#ports;
    const { from, to, crc } = this.#batch;
    const startedAt = now();
    await journal.append({ t: 'send', from, to, crc, since: this.#since ?? startedAt });
    this.result.requests += 1;
    this.#attempts += 1;
    let outcome: Outcome<OutgoingEvent>;
    try {
      const body = `{"events":[${part.map(({ json }) => json).join(',')}]}`;
      const answer = await client.post('/v1/events', body, kill);
      const records = part.map((event) => [event]);
      outcome = outcomeOf(answer, records, now());
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      outcome = outcomeOfFailure(error);
    }
    if (mayHaveStoredMore(outcome)) this.#since ??= startedAt;
    else if (outcome.kind !== 'stored' && outcome.kind !== 'partly' && this.#since === undefined) {
      await journal.append({ t: 'none', from });
    }
    return outcome;
  }

  async #settle(part: OutgoingEvent[], outcome: Outcome<OutgoingEvent>): Promise<void> {
    switch (outcome.kind) {
      case 'stored':
        return this.#accept(part.length);
      case 'partly':
        this.#parts.push([...outcome.left]);
        await this.#accept(part.length - outcome.left.length);
        return this.#pause(outcome.reason, outcome.retryAfterMs);
      case 'refused':
      case 'unknown':
        this.#parts.push(part);
        return this.#pause(outcome.reason, outcome.retryAfterMs);
      case 'invalid':
        return this.#split(part, outcome.reason);
      case 'tooLarge':
        return this.#split(part, 'it is too large');
      case 'fatal':
        throw new ServiceError(`the service refuses: ${outcome.reason}`);
    }
  }

  async #accept(count: number): Promise<void> {
    this.result.accepted += count;
    this.#unwritten += count;
    if (count > 0) this.#attempts = 0;
    const offsets = this.#left([]);
    if (offsets.length === 0) return;
    const accepted = this.#unwritten;
    this.#unwritten = 0;
    const { from } = this.#batch;
    await this.#ports.journal.append({ t: 'left', from, offsets, accepted, since: this.#since });
  }

  /** Looks for the event the service does not take by sending halves. */
  #split(part: OutgoingEvent[], reason: string): void {
    const [only] = part;
    this.#attempts = 0;
    if (part.length === 1 && only) {
      this.result.rejected.push({ event: only, reason });
      if (this.result.rejected.length >= rejectedInARowMax && this.result.accepted === 0) {
        throw new ServiceError(`the service takes none of the events: ${reason}`);
      }
      return;
    }
    const half = Math.ceil(part.length / 2);
    this.#parts.push(part.slice(half), part.slice(0, half));
  }

  async #pause(reason: string, retryAfterMs: number): Promise<void> {
    const { now, random, sleep, stop, trouble } = this.#ports;
    const { backoff, giveUpAfterMs } = this.#settings;
    if (stop.aborted) return;
    if (giveUpAfterMs !== undefined && now() - this.#startedAt >= giveUpAfterMs) {
      throw new ServiceError(`gave up after ${Math.round(giveUpAfterMs / 1000)} s: ${reason}`);
    }
    trouble(reason);
    this.result.retries += 1;
    await sleep(waitMs(backoff, Math.max(1, this.#attempts), random(), retryAfterMs), stop);
  }

  /** Offsets of the events that are neither accepted nor rejected. */
  #left(current: readonly OutgoingEvent[]): number[] {
    return [...current, ...this.#parts.flat()].map((event) => event.offset);
  }
}

/** Whether events that the answer does not call stored may be so nevertheless. */
function mayHaveStoredMore(outcome: Outcome<OutgoingEvent>): boolean {
  if (outcome.kind === 'partly' || outcome.kind === 'fatal') return !outcome.certain;
  return outcome.kind === 'unknown';
}
