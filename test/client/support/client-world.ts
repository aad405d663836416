// A client in a simulated world: a virtual clock, seeded randomness, and a Tally that can fail.
import { TallyClient, type TallyOptions, type Undelivered } from '../../../client/src/index.ts';
import type { Fetch, FetchAnswer, Platform } from '../../../client/src/platform.ts';

interface Timer {
  readonly atMs: number;
  readonly run: () => void;
  readonly holds: boolean;
}

/** An event as the service sees it. */
export interface ReceivedEvent {
  readonly entity: string;
  readonly [field: string]: unknown;
}

/** A request as the service sees it. */
export interface Received {
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly batch: string | undefined;
  readonly events: readonly ReceivedEvent[];
  readonly body: string;
  readonly keepalive: boolean;
  readonly atMs: number;
}

/** Answers a request, at any time. */
export type Service = (request: Received) => Promise<FetchAnswer>;

export const START_MS = Date.parse('2026-11-22T09:00:00Z');

/** Everything around one client. */
export class ClientWorld {
  nowMs = START_MS;
  service: Service = async ({ batch, events }) =>
    answer(202, { accepted: batch === undefined ? events.length : 1 });
  readonly requests: Received[] = [];
  readonly rejected: Undelivered[] = [];
  readonly givenUp: Undelivered[] = [];
  readonly dropped: Undelivered[] = [];
  readonly problems: string[] = [];
  readonly warnings: string[] = [];
  /** Called after every step. */
  afterStep: () => void = () => {};
  #ids = 0;
  readonly #timers = new Set<Timer>();
  readonly #random: () => number;

  /** @param random in [0, 1); the middle by default */
  constructor(random: () => number = () => 0.5) {
    this.#random = random;
  }

  /** A client in this world. */
  client(options: Partial<TallyOptions> = {}): TallyClient {
    return new TallyClient({
      url: 'https://tally.example.com',
      onRejected: (undelivered) => this.rejected.push(undelivered),
      onGivenUp: (undelivered) => this.givenUp.push(undelivered),
      onDropped: (undelivered) => this.dropped.push(undelivered),
      onProblem: (message) => this.problems.push(message),
      ...options,
      platform: { ...this.platform(), ...options.platform },
    });
  }

  platform(): Platform {
    return {
      fetch: this.#fetch,
      nowMs: () => this.nowMs,
      steadyMs: () => this.nowMs,
      random: () => this.#random(),
      newId: () => `batch-${this.#ids++}`,
      setTimer: (run, delayMs, holds) => this.timer(run, delayMs, holds),
      warn: (message) => this.warnings.push(message),
      page: undefined,
      exit: undefined,
    };
  }

  timer(run: () => void, delayMs: number, holds = false): () => void {
    const timer = { atMs: this.nowMs + delayMs, run, holds };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => this.timer(resolve, ms));
  }

  /** Timers that are set, and whether one of them keeps the process. */
  get timers(): number {
    return this.#timers.size;
  }
  get isHeld(): boolean {
    return [...this.#timers].some(({ holds }) => holds);
  }

  /** Runs ready code without advancing time. */
  async settle(): Promise<void> {
    // Ready code runs in microtasks, including those they queue; then comes the next macrotask.
    await new Promise((resolve) => setImmediate(resolve));
    this.afterStep();
  }

  /** Advances time, timer by timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    await this.settle();
    while (await this.#runNext(untilMs));
    this.nowMs = untilMs;
  }

  /** Advances time until the promise is settled, or no timer is left. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let settled = false;
    const onSettled = () => {
      settled = true;
    };
    promise.then(onSettled, onSettled);
    await this.settle();
    while (!settled)
      if (!(await this.#runNext(Infinity))) throw new Error('nothing is left that could settle it');
    return promise;
  }

  /** Runs the next timer that is due by a time. @returns whether there was one */
  async #runNext(untilMs: number): Promise<boolean> {
    const next = this.#next(untilMs);
    if (next === undefined) return false;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    this.#timers.delete(next);
    next.run();
    await this.settle();
    return true;
  }

  #next(untilMs: number): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers)
      if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Infinity)) next = timer;
    return next;
  }

  readonly #fetch: Fetch = (url, { headers, body, signal, keepalive }) => {
    const { batch, events } = JSON.parse(body ?? '{}') as Pick<Received, 'batch' | 'events'>;
    const isKept = keepalive === true;
    const request = { url, headers, batch, events, body: body ?? '', keepalive: isKept, atMs: this.nowMs };
    this.requests.push(request);
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
      this.service(request).then(resolve, reject);
    });
  };
}

/** A world, and a client in it. */
export function worldWithClient(options: Partial<TallyOptions> = {}) {
  const world = new ClientWorld();
  return { world, client: world.client(options) };
}

/** An answer of the service. */
export function answer(status: number, body: unknown, headers: Record<string, string> = {}): FetchAnswer {
  return {
    status,
    headers: { get: (name) => headers[name] ?? null },
    text: async () => (typeof body === 'string' ? body : JSON.stringify(body)),
  };
}

/** The answer to a batch that is stored. */
export const TAKEN = answer(202, { accepted: 1 });
