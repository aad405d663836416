// Observable events of a running stack: service calls with their callers, invocations, batches, the API's answers.
import type { RawAnswer } from './emulators/aws-json.ts';
import type { Endpoints } from './emulators/emulators.ts';

/** One answered service call. */
export interface ObservedCall {
  /** The caller's role: `function <logical id>`, or `role <name>` for the API's own calls. */
  readonly caller: string;
  readonly service: keyof Endpoints | 'execute-api';
  /** The operation; for S3 and the API method and path: `PUT /bucket/key`. */
  readonly action: string;
  readonly body: string;
  readonly answer: Pick<RawAnswer, 'status' | 'body'>;
}

/** Observes the stack without affecting it. */
export interface StackObserver {
  serviceCalled?(call: ObservedCall): void;
  functionStarted?(functionName: string): void;
  functionEnded?(functionName: string): void;
  /** A stream's mapping passed a batch to its function; how old its last record was. */
  batchDelivered?(functionName: string, iteratorAgeMs: number): void;
  /** The API answered. */
  apiAnswered?(status: number, durationMs: number): void;
}

/** Several observers as one. */
export function observers(...all: readonly StackObserver[]): StackObserver {
  const tell =
    (name: keyof StackObserver) =>
    (...event: unknown[]) => {
      for (const each of all) (each[name] as ((...event: unknown[]) => void) | undefined)?.(...event);
    };
  return {
    serviceCalled: tell('serviceCalled'),
    functionStarted: tell('functionStarted'),
    functionEnded: tell('functionEnded'),
    batchDelivered: tell('batchDelivered'),
    apiAnswered: tell('apiAnswered'),
  };
}

/** The signer of a request, by the access key in its Authorization header; each function's key is its name. */
export function callerIn(authorization: string | undefined): string {
  const [, key = 'nobody'] = /Credential=([^/,\s]+)/.exec(authorization ?? '') ?? [];
  return `function ${key}`;
}
