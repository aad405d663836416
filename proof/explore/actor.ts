// An invocation under exploration: it stands still at every call until somebody decides what becomes of it.
import { hash as digest } from 'node:crypto';
import type { Clock } from '../../lambdas/ports.ts';
import {
  carriedOut,
  type Network,
  type Outcome,
  type Request,
  type Service,
  ServiceError,
} from '../simulation/world/network.ts';

interface Waiting {
  readonly request: Request<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Services whose calls commute with everything else in a small world: they need no decision. */
const UNDECIDED: ReadonlySet<Service> = new Set(['kinesis', 's3', 'ssm']);
/** Writes that say the same whoever makes them, and that nobody reads before a later write of the same invocation. */
const UNDECIDED_WRITES: ReadonlySet<string> = new Set(['registerShard', 'putIds', 'putTouched']);

/** One invocation. Its memory is a function of what it was given and what it heard: `memory` is a hash of that. */
export class Actor implements Network, Clock {
  readonly role: 'aggregator' | 'writer' | 'redriver' | 'accountant';
  readonly #nowMs: number;
  readonly #waiting: Waiting[] = [];
  memory: string;
  alive = true;
  ended = false;

  constructor(role: Actor['role'], given: string, nowMs: number) {
    this.role = role;
    this.memory = hash(`${role} ${given}`);
    this.#nowMs = nowMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** The request that it waits for; undefined when it has ended. */
  get request(): Request<unknown> | undefined {
    return this.#waiting[0]?.request;
  }

  call<T>(request: Request<T>): Promise<T> {
    if (UNDECIDED.has(request.service) || UNDECIDED_WRITES.has(request.operation)) {
      const outcome = carriedOut(request);
      this.#hear(request, outcome);
      return 'error' in outcome ? Promise.reject(outcome.error) : Promise.resolve(outcome.value);
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ request, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  /** Lets the call take effect and answers it. */
  answer(): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    const outcome = carriedOut(waiting.request);
    this.#hear(waiting.request, outcome);
    if ('error' in outcome) waiting.reject(outcome.error);
    else waiting.resolve(outcome.value);
  }

  /** Lets the call take effect, and its answer be lost: the SDK sends it again. */
  loseAnswer(): void {
    if (this.request !== undefined) carriedOut(this.request);
  }

  /** Lets the call fail for good. @param applied whether it took effect all the same */
  fail(applied: boolean): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) return;
    if (applied) carriedOut(waiting.request);
    this.#hear(waiting.request, { value: 'failed' });
    waiting.reject(new ServiceError('TimeoutError', waiting.request));
  }

  /** Ends it before its call reaches the service. */
  crash(): void {
    this.alive = false;
    this.ended = true;
    this.#waiting.length = 0;
  }

  #hear({ operation, subject }: Request<unknown>, outcome: Outcome<unknown>): void {
    const heard = 'error' in outcome ? `${outcome.error}` : canonical(outcome.value);
    this.memory = hash(`${this.memory} ${operation} ${subject} ${heard}`);
  }
}

/** A hash of a text, wide enough that no two states are ever taken for one. */
export function hash(text: string): string {
  return digest('sha1', text, 'base64');
}

/** A value as text, sets and maps in order of their members. */
export function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, part: unknown) => {
      if (part instanceof Set) return [...part].sort();
      if (part instanceof Map) return [...part].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
      if (part instanceof Uint8Array) return Buffer.from(part).toString('base64');
      return part;
    }) ?? 'undefined'
  );
}
