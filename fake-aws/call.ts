// A call of a service, and the transport that carries it.

/** The simulated services. */
export type ServiceName = 'dynamodb' | 'kinesis' | 'sqs' | 's3' | 'ssm';

/** One call, as passed to an SDK client. */
export interface Call {
  readonly service: ServiceName;
  /** The command without its suffix, such as `PutItem`. */
  readonly operation: string;
  readonly input: object;
}

/**
 * Carries a call to its service. `effect` is what the service does when the call arrives: all of it at once, or it throws
 * the service's own error. A transport may run it later, twice, or not at all; may throw instead of calling it (a throttle);
 * and may throw after it (a lost answer).
 */
export type Transport = <T>(call: Call, effect: () => T) => Promise<T>;

/** Carries every call at once, without faults. */
export const directTransport: Transport = async (_call, effect) => effect();

/** The wall clock, epoch milliseconds. */
export interface Clock {
  nowMs(): number;
}

/** How often each limit was crossed, by name, such as `dynamodb page`: a run that crosses none proves little. */
export class Crossings {
  readonly counts = new Map<string, number>();

  note(limit: string): void {
    this.counts.set(limit, (this.counts.get(limit) ?? 0) + 1);
  }
}
