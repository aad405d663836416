// Which faults are armed, which are active, and what they do to a request.
import type { Fault, Role } from './plan/faults.ts';
import type { Service } from './world/network.ts';

/** Faults that strike one call. */
export type Strike = Extract<Fault, { kind: 'crash' | 'ambiguous' | 'stall' }>;

/** Keeps the faults of a history; the drivers arm them when their time comes. */
export class FaultController {
  readonly #waiting: Strike[] = [];
  readonly #throttled = new Map<Service, number>();
  readonly #downUntilMs = new Map<Service, number>();
  readonly #pausedUntilMs = new Map<Role, number>();
  #partialSends = 0;
  #lostDeletes = 0;
  #stopped = false;
  earlyChildren = false;
  /** How often faults of each kind did something. */
  readonly struck = new Map<string, number>();

  /** Activates a fault. Faults that do not concern calls are carried out by the operator. */
  arm(fault: Fault): void {
    if (fault.kind === 'crash' || fault.kind === 'ambiguous' || fault.kind === 'stall')
      this.#waiting.push(fault);
    else if (fault.kind === 'throttle') this.#throttled.set(fault.service, fault.calls);
    else if (fault.kind === 'outage') this.#downUntilMs.set(fault.service, fault.atMs + fault.lengthMs);
    else if (fault.kind === 'pause') this.#pausedUntilMs.set(fault.role, fault.atMs + fault.lengthMs);
    else if (fault.kind === 'partial-send') this.#partialSends = fault.calls;
    else if (fault.kind === 'lost-delete') this.#lostDeletes = fault.deletes;
    else if (fault.kind === 'early-child') this.earlyChildren = true;
    else return;
    if (fault.kind === 'outage' || fault.kind === 'pause' || fault.kind === 'early-child')
      this.count(fault.kind);
  }

  /** Clears all faults. */
  stop(): void {
    this.#stopped = true;
    this.earlyChildren = false;
  }

  count(kind: string): void {
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
  }

  /** The fault that strikes this call, if there is one. */
  strike(role: Role, operation: string): Strike | undefined {
    if (this.#stopped || this.#waiting.length === 0) return undefined;
    const place = this.#waiting.findIndex(
      (fault) => fault.role === role && (fault.operation === undefined || fault.operation === operation),
    );
    if (place === -1) return undefined;
    const [fault] = this.#waiting.splice(place, 1);
    if (fault !== undefined) this.count(fault.kind === 'crash' ? `crash-${fault.when}` : fault.kind);
    return fault;
  }

  /** Why a service refuses a request now; undefined when it does not. */
  refusal(service: Service, nowMs: number): string | undefined {
    if (this.#stopped) return undefined;
    if ((this.#downUntilMs.get(service) ?? 0) > nowMs) return 'ServiceUnavailable';
    const throttled = this.#throttled.get(service) ?? 0;
    if (throttled === 0) return undefined;
    this.#throttled.set(service, throttled - 1);
    this.count('throttle');
    return 'ThrottlingException';
  }

  /** Until when a function's trigger is off. */
  pausedUntilMs(role: Role): number {
    return this.#stopped ? 0 : (this.#pausedUntilMs.get(role) ?? 0);
  }

  /** How many leading entries of a batch the queue accepts. */
  accepted(entries: number): number {
    if (this.#stopped || this.#partialSends === 0) return entries;
    this.#partialSends -= 1;
    this.count('partial-send');
    return entries - 1 - (this.#partialSends % entries);
  }

  /** Whether the mapping's delete of a message is lost. */
  losesDelete(): boolean {
    if (this.#stopped || this.#lostDeletes === 0) return false;
    this.#lostDeletes -= 1;
    this.count('lost-delete');
    return true;
  }
}
