// One invocation of a function: its calls take time, fail, hang, or are its last.
import type { Clock } from '../../lambdas/ports.ts';
import type { Strike } from './fault-controller.ts';
import type { History } from './history.ts';
import type { Role } from './plan/faults.ts';
import { FUNCTIONS } from './plan/settings.ts';
import type { Random } from './random.ts';
import {
  carriedOut,
  type Network,
  type Outcome,
  type Request,
  type Service,
  ServiceError,
} from './world/network.ts';

/** Total attempts of the SDK for a call. */
const SDK_TRIES: Record<Service, number> = { ledger: 4, counters: 4, kinesis: 3, sqs: 3, s3: 3, ssm: 3 };
const ECHO_MS = [500, 5_000, 40_000] as const;

/** A running invocation is the network through which its use case reaches the services. */
export class Invocation implements Network, Clock {
  readonly name: string;
  readonly role: Role;
  readonly deadlineMs: number;
  readonly #history: History;
  readonly #random: Random;
  readonly #skewMs: number;
  #alive = true;
  /** What its time-out does: kill it, or let it continue as a zombie. */
  zombie: boolean;
  /** Called once when it crashes. */
  onCrash: () => void = () => {};

  /** @param skewMs how far the clock of its machine is off */
  constructor(history: History, name: string, role: Role, skewMs: number) {
    this.#history = history;
    this.#random = history.random.fork(name);
    this.#skewMs = skewMs;
    this.name = name;
    this.role = role;
    this.deadlineMs = history.scheduler.nowMs() + FUNCTIONS[role].timeoutMs;
    this.zombie = this.#random.chance(0.3);
  }

  /** The wall clock of the machine it runs on. */
  nowMs(): number {
    return this.#history.scheduler.nowMs() + this.#skewMs;
  }

  /** A number from 0 to below 1. */
  readonly random = (): number => this.#random.next();

  /** Whether it has more than its handler's reserve left before its time-out. */
  readonly hasTime = (): boolean =>
    this.#history.scheduler.nowMs() < this.deadlineMs - FUNCTIONS[this.role].reserveMs;

  /** Ends it at once: its code stops, but requests already sent still take effect. */
  kill(): void {
    this.#alive = false;
  }

  /** Waits; never resolves if the invocation dies meanwhile. */
  readonly pause = (ms: number): Promise<void> => new Promise((resolve) => this.#answer(ms, resolve));

  call<T>(request: Request<T>): Promise<T> {
    const settling = Promise.withResolvers<T>();
    this.#attempt(request, 1, settling);
    return settling.promise;
  }

  #attempt<T>(request: Request<T>, attempt: number, settling: PromiseWithResolvers<T>): void {
    if (!this.#alive) return;
    const fault = this.#history.faults.strike(this.role, request.operation);
    if (fault?.kind === 'crash' && fault.when === 'before') {
      this.#crash(request);
      return;
    }
    if (fault?.kind === 'stall') {
      this.zombie = fault.next === 'zombie';
      this.#note(request, `stalls ${fault.lengthMs} ms`);
    }
    const stallMs = fault?.kind === 'stall' && fault.side === 'request' ? fault.lengthMs : 0;
    this.#history.later(stallMs + this.#random.between(1, 12), () =>
      this.#arrive(request, attempt, fault, settling),
    );
  }

  /** The request reaches the service, whether or not its sender still lives. */
  #arrive<T>(
    request: Request<T>,
    attempt: number,
    fault: Strike | undefined,
    settling: PromiseWithResolvers<T>,
  ): void {
    const { scheduler, faults } = this.#history;
    this.#history.activity += 1;
    const refusal = faults.refusal(request.service, scheduler.nowMs());
    if (refusal !== undefined) {
      this.#note(request, refusal);
      this.#failed(request, attempt, new ServiceError(refusal, request), settling);
      return;
    }
    const outcome = this.#take(request);
    if (fault?.kind === 'crash') {
      this.#crash(request);
      return;
    }
    if (fault?.kind === 'ambiguous') {
      if (fault.next === 'echo') this.#echo(request);
      else {
        const tries = fault.next === 'retry' ? attempt : SDK_TRIES[request.service];
        this.#failed(request, tries, new ServiceError('TimeoutError', request), settling);
        return;
      }
    }
    const stallMs = fault?.kind === 'stall' && fault.side === 'answer' ? fault.lengthMs : 0;
    this.#answer(stallMs + this.#random.between(1, 12), () => {
      if ('error' in outcome) settling.reject(outcome.error);
      else settling.resolve(outcome.value);
    });
  }

  #take<T>(request: Request<T>): Outcome<T> {
    const outcome = carriedOut(request);
    this.#note(request, described('error' in outcome ? outcome.error : outcome.value));
    return outcome;
  }

  /** The first request of a call that the SDK repeated reaches the service late, and its answer is lost. */
  #echo<T>(request: Request<T>): void {
    this.#history.later(this.#random.pick(ECHO_MS), () => {
      this.#note(request, 'echo');
      this.#take(request);
    });
  }

  #failed<T>(request: Request<T>, attempt: number, error: Error, settling: PromiseWithResolvers<T>): void {
    if (attempt >= SDK_TRIES[request.service]) {
      this.#answer(20, () => settling.reject(error));
      return;
    }
    const backOffMs = this.#random.between(50, 100 * 2 ** attempt);
    this.#history.later(backOffMs, () => this.#attempt(request, attempt + 1, settling));
  }

  #answer(delayMs: number, settle: () => void): void {
    this.#history.later(delayMs, () => {
      if (!this.#alive) return;
      settle();
      this.#history.scheduler.woke();
    });
  }

  #crash(request: Request<unknown>): void {
    if (!this.#alive) return;
    this.#note(request, 'CRASH');
    this.#alive = false;
    this.onCrash();
  }

  #note({ service, operation, subject }: Request<unknown>, what: string): void {
    this.#history.trace.note(`${this.name} ${service}.${operation} ${subject}: ${what}`);
  }
}

/** A short description of an answer or an error, for the trace. */
function described(value: unknown): string {
  if (value instanceof Error) return value.name;
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `${value.length} items`;
  if (value instanceof Set || value instanceof Map) return `${value.size} members`;
  const { Items, Item, Records, Messages, Failed } = value as Record<string, unknown>;
  const list = Items ?? Records ?? Messages;
  if (Array.isArray(list)) return `${list.length} items`;
  if (Array.isArray(Failed)) return `${Failed.length} failed`;
  return Item === undefined ? 'ok' : 'an item';
}
