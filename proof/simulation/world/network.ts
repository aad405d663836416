// Between a use case and the services: every call passes a network, which may delay it, lose it, or lose its answer.

/** The services, as far as they fail apart from each other. */
export type Service = 'kinesis' | 'ledger' | 'counters' | 'sqs' | 's3' | 'ssm';

/** One request to a service. */
export interface Request<T> {
  readonly service: Service;
  /** What is asked, such as `putPlan`. */
  readonly operation: string;
  /** What it is about, for the trace. */
  readonly subject: string;
  /** What the service does when the request reaches it, at once and as a whole, or the error it answers. May happen twice, or unheard. */
  readonly effect: () => T;
}

/** Carries requests to services. */
export interface Network {
  call<T>(request: Request<T>): Promise<T>;
}

/** A service did not do it, or did it and its answer was lost: the caller cannot tell. */
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

/** A network without faults or delays, for unit tests and for looking at the services from outside. */
export const directNetwork: Network = {
  async call<T>({ effect }: Request<T>): Promise<T> {
    return effect();
  },
};
