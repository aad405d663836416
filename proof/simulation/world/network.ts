// The network between a use case and the services, which may delay a call, lose it, or lose its answer.

/** The services that fail independently. */
export type Service = 'kinesis' | 'ledger' | 'counters' | 'sqs' | 's3' | 'ssm';

/** One request to a service. */
export interface Request<T> {
  readonly service: Service;
  /** The operation, such as `putPlan`. */
  readonly operation: string;
  /** Its subject, for the trace. */
  readonly subject: string;
  /** The atomic effect of the request in the service, or the error it answers. May happen twice, or without an answer. */
  readonly effect: () => T;
}

/** Carries requests to services. */
export interface Network {
  call<T>(request: Request<T>): Promise<T>;
}

/** The service did not act, or acted and its answer was lost: the caller cannot tell which. */
export class ServiceError extends Error {
  override readonly name: string;

  constructor(name: string, request: Pick<Request<unknown>, 'service' | 'operation'>) {
    super(`${request.service} ${request.operation}`);
    this.name = name;
  }
}

/** What a service did: its answer, or the error it answered. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Lets a request take effect. */
export function carriedOut<T>({ effect }: Request<T>): Outcome<T> {
  try {
    return { value: effect() };
  } catch (error) {
    return { error };
  }
}

/** A network without faults or delays, to inspect the services from outside. */
export const directNetwork: Network = {
  async call<T>({ effect }: Request<T>): Promise<T> {
    return effect();
  },
};
