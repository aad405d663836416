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

/** One finished invocation. Times are on the stack's clock, durations on the machine's. */
export interface ObservedInvocation {
  readonly functionName: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

/** A batch that a stream's mapping passed to its function. */
export interface ObservedBatch {
  readonly functionName: string;
  /** Age of the batch's last record when it was passed on. */
  readonly iteratorAgeMs: number;
}

/** An answer of the API. */
export interface ObservedAnswer {
  readonly status: number;
  readonly durationMs: number;
}

/** Observes the stack without affecting it. */
export interface StackObserver {
  functionStarted?(functionName: string): void;
  serviceCalled?(call: ObservedCall): void;
  functionInvoked?(invocation: ObservedInvocation): void;
  batchDelivered?(batch: ObservedBatch): void;
  apiAnswered?(answer: ObservedAnswer): void;
}

/** Several observers as one. */
export function observers(...all: readonly StackObserver[]): Required<StackObserver> {
  const tell =
    <Name extends keyof StackObserver>(name: Name) =>
    (event: Parameters<Required<StackObserver>[Name]>[0]) => {
      for (const each of all) (each[name] as ((event: unknown) => void) | undefined)?.(event);
    };
  return {
    serviceCalled: tell('serviceCalled'),
    functionStarted: tell('functionStarted'),
    functionInvoked: tell('functionInvoked'),
    batchDelivered: tell('batchDelivered'),
    apiAnswered: tell('apiAnswered'),
  };
}

/** The signer of a request, by the access key in its Authorization header; each function's key is its name. */
export function callerIn(authorization: string | undefined): string {
  const [, key = 'nobody'] = /Credential=([^/,\s]+)/.exec(authorization ?? '') ?? [];
  return `function ${key}`;
}
