// One invocation of a function: its calls take time, fail, hang, or are its last.
import type { Clock } from '../../lambdas/ports.ts';
import type { FaultController, Strike } from './fault-controller.ts';
import type { Role } from './plan/faults.ts';
import type { Random } from './random.ts';
import type { Scheduler } from './scheduler.ts';
import type { Trace } from './trace.ts';
import {
  carriedOut,
  type Network,
  type Outcome,
  type Request,
  type Service,
  ServiceError,
} from './world/network.ts';

/** What invocations share. */
export interface HistoryContext {
  readonly scheduler: Scheduler;
  readonly faults: FaultController;
  readonly trace: Trace;
  /** Requests on their way and running invocations, including requests of dead ones. */
  pending: number;
  /** Increases with every request, to notice activity. */
  activity: number;
}

/** Total attempts of the SDK for a call. */
const SDK_TRIES: Record<Service, number> = { ledger: 4, counters: 4, kinesis: 3, sqs: 3, s3: 3, ssm: 3 };
const ECHO_MS = [500, 5_000, 40_000] as const;

interface Settling<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

/** A running invocation is the network through which its use case reaches the services. */
export class Invocation implements Network, Clock {
  readonly name: string;
  readonly role: Role;
  readonly deadlineMs: number;
  readonly #context: HistoryContext;
  readonly #random: Random;
  readonly #skewMs: number;
  #alive = true;
  /** What its time-out does: kill it, or let it continue as a zombie. */
  zombie: boolean;
  /** Called once when it crashes. */
  onCrash: () => void = () => {};

  constructor(
    context: HistoryContext,
    {
      name,
      role,
      timeoutMs,
      skewMs,
      random,
    }: {
      name: string;
      role: Role;
      timeoutMs: number;
      skewMs: number;
      random: Random;
    },
  ) {
    this.#context = context;
    this.#random = random;
    this.#skewMs = skewMs;
    this.name = name;
    this.role = role;
    this.deadlineMs = context.scheduler.nowMs() + timeoutMs;
    this.zombie = random.chance(0.3);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** The wall clock of the machine it runs on. */
  nowMs(): number {
    return this.#context.scheduler.nowMs() + this.#skewMs;
  }

  /** A number from 0 to below 1. */
  readonly random = (): number => this.#random.next();

  /** Whether it has more than a reserve left before its time-out. */
  hasTime(reserveMs: number): boolean {
    return this.#context.scheduler.nowMs() < this.deadlineMs - reserveMs;
  }

  /** Ends it at once: its code stops, but requests already sent still take effect. */
  kill(): void {
    this.#alive = false;
  }

  /** Waits; never resolves if the invocation dies meanwhile. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#answer(ms, resolve));
  }

  call<T>(request: Request<T>): Promise<T> {
    return new Promise((resolve, reject) => this.#attempt(request, 1, { resolve, reject }));
  }

  #attempt<T>(request: Request<T>, attempt: number, settling: Settling<T>): void {
    const { scheduler, faults } = this.#context;
    if (!this.#alive) return;
    const fault = faults.strike(this.role, request.operation);
    if (fault?.kind === 'crash' && fault.when === 'before') {
      this.#crash(request);
      return;
    }
    if (fault?.kind === 'stall') {
      this.zombie = fault.next === 'zombie';
      this.#note(request, `stalls ${fault.lengthMs} ms`);
    }
    const stallMs = fault?.kind === 'stall' && fault.side === 'request' ? fault.lengthMs : 0;
    this.#context.pending += 1;
    scheduler.in(stallMs + this.#random.between(1, 12), () =>
      this.#arrive(request, attempt, fault, settling),
    );
  }

  /** The request reaches the service, whether or not its sender still lives. */
  #arrive<T>(request: Request<T>, attempt: number, fault: Strike | undefined, settling: Settling<T>): void {
    const { scheduler, faults } = this.#context;
    this.#context.pending -= 1;
    this.#context.activity += 1;
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
    this.#note(request, 'error' in outcome ? nameOf(outcome.error) : described(outcome.value));
    return outcome;
  }

  /** The first request of a call that the SDK repeated reaches the service late, and its answer is lost. */
  #echo<T>(request: Request<T>): void {
    this.#context.pending += 1;
    this.#context.scheduler.in(this.#random.pick(ECHO_MS), () => {
      this.#context.pending -= 1;
      this.#note(request, 'echo');
      this.#take(request);
    });
  }

  #failed<T>(request: Request<T>, attempt: number, error: Error, settling: Settling<T>): void {
    if (attempt >= SDK_TRIES[request.service]) {
      this.#answer(20, () => settling.reject(error));
      return;
    }
    this.#context.pending += 1;
    this.#context.scheduler.in(this.#random.between(50, 100 * 2 ** attempt), () => {
      this.#context.pending -= 1;
      this.#attempt(request, attempt + 1, settling);
    });
  }

  #answer(delayMs: number, settle: () => void): void {
    this.#context.pending += 1;
    this.#context.scheduler.in(delayMs, () => {
      this.#context.pending -= 1;
      if (!this.#alive) return;
      settle();
      this.#context.scheduler.woke();
    });
  }

  #crash(request: Request<unknown>): void {
    if (!this.#alive) return;
    this.#note(request, 'CRASH');
    this.#alive = false;
    this.onCrash();
  }

  #note({ service, operation, subject }: Request<unknown>, what: string): void {
    const { trace, scheduler } = this.#context;
    trace.note(scheduler.nowMs(), `${this.name} ${service}.${operation} ${subject}: ${what}`);
  }
}

/** A short description of an answer, for the trace. */
function described(value: unknown): string {
  if (value === null || typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return `${value.length} items`;
  if (value instanceof Set || value instanceof Map) return `${value.size} members`;
  const { Items, Item, Records, Messages, Failed } = value as Record<string, unknown>;
  const list = Items ?? Records ?? Messages;
  if (Array.isArray(list)) return `${list.length} items`;
  if (Array.isArray(Failed)) return `${Failed.length} failed`;
  return Item === undefined ? 'ok' : 'an item';
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : String(error);
}
