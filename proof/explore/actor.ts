// An invocation under exploration: it stops at every call until the search decides the call's outcome.
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

/** The functions, and the people, of a small world. */
export type Role = 'aggregator' | 'writer' | 'redriver' | 'accountant' | 'compactor' | 'reader' | 'operator';

interface Waiting {
  readonly request: Request<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Services whose calls commute with everything else in a small world: they need no decision. */
const UNDECIDED: ReadonlySet<Service> = new Set(['kinesis', 's3', 'ssm']);
/** Writes that are the same in every invocation, and that nothing reads before a later write of the same invocation. */
const UNDECIDED_WRITES: ReadonlySet<string> = new Set(['registerShard', 'registerRangeBits', 'putIds']);

/** One invocation. Its memory is a function of its input and the answers it received: `memory` is a hash of these. */
export class Actor implements Network, Clock {
  readonly role: Role;
  readonly #clock: Clock;
  readonly #decided: readonly string[];
  readonly #waiting: Waiting[] = [];
  memory: string;
  alive = true;
  ended = false;

  /** @param decided calls of a compactor that need a decision */
  constructor(role: Role, given: string, clock: Clock, decided: readonly string[]) {
    this.role = role;
    this.#clock = clock;
    this.memory = hash(`${role} ${given} ${clock.nowMs()}`);
    this.#decided = decided;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** The requests that it waits for: they may arrive in any order, except those that commute. */
  get waiting(): readonly Request<unknown>[] {
    const requests = this.#waiting.map(({ request }) => request);
    return this.role === 'reader' || this.role === 'compactor' ? requests : requests.slice(0, 1);
  }

  call<T>(request: Request<T>): Promise<T> {
    if (!this.#needsDecision(request)) {
      const outcome = carriedOut(request);
      this.#hear(request, outcome);
      return 'error' in outcome ? Promise.reject(outcome.error) : Promise.resolve(outcome.value);
    }
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ request, resolve: resolve as (value: unknown) => void, reject });
    });
  }

  #needsDecision({ service, operation }: Request<unknown>): boolean {
    if (this.role === 'compactor') return this.#decided.includes(operation);
    return !UNDECIDED.has(service) && !UNDECIDED_WRITES.has(operation);
  }

  /** Lets a call take effect and answers it. */
  answer(request: Request<unknown>): void {
    const waiting = this.#take(request);
    const outcome = carriedOut(request);
    this.#hear(request, outcome);
    if ('error' in outcome) waiting?.reject(outcome.error);
    else waiting?.resolve(outcome.value);
  }

  /** Makes a call fail permanently. @param applied whether it took effect anyway */
  fail(request: Request<unknown>, applied: boolean): void {
    const waiting = this.#take(request);
    if (applied) carriedOut(request);
    this.#hear(request, { value: 'failed' });
    waiting?.reject(new ServiceError('TimeoutError', request));
  }

  /** Ends it before its calls reach the services. */
  crash(): void {
    this.alive = false;
    this.ended = true;
    this.#waiting.length = 0;
  }

  #take(request: Request<unknown>): Waiting | undefined {
    const place = this.#waiting.findIndex((waiting) => waiting.request === request);
    return this.#waiting.splice(place, 1)[0];
  }

  #hear({ operation, subject }: Request<unknown>, outcome: Outcome<unknown>): void {
    const heard = 'error' in outcome ? `${outcome.error}` : canonical(outcome.value);
    // Code reads the clock right after an answer.
    this.memory = hash(`${this.memory} ${this.#clock.nowMs()} ${operation} ${subject} ${heard}`);
  }
}

/** A hash of a text, wide enough that no two states share one. */
export function hash(text: string): string {
  return digest('sha1', text, 'base64');
}

/** A value as text, with the members of sets and maps sorted. */
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
