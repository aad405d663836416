// What can be watched on a running stack: calls of services and who made them, invocations, batches, the API's answers.
import type { RawAnswer } from './emulators/aws-json.ts';
import type { Endpoints } from './emulators/emulators.ts';

/** One call of a service that was answered. */
export interface ObservedCall {
  /** The role on whose behalf: `function <logical id>`, or `role <name>` for what the API itself calls. */
  readonly caller: string;
  readonly service: keyof Endpoints | 'execute-api';
  /** The operation; for S3 and the API method and path: `PUT /bucket/key`. */
  readonly action: string;
  readonly body: string;
  readonly answer: Pick<RawAnswer, 'status' | 'body'>;
}

/** One invocation that ended. Times are the stack's clock, durations the machine's. */
export interface ObservedInvocation {
  readonly functionName: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly ok: boolean;
}

/** A batch that a stream's mapping handed to its function. */
export interface ObservedBatch {
  readonly functionName: string;
  /** Age of the batch's last record when it was handed over. */
  readonly iteratorAgeMs: number;
}

/** An answer of the API. */
export interface ObservedAnswer {
  readonly status: number;
  readonly durationMs: number;
}

/** Sees what happens; it changes nothing. */
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

/** Who signed a request, by the access key in its Authorization header; each function has one with its name. */
export function callerIn(authorization: string | undefined): string {
  const [, key = 'nobody'] = /Credential=([^/,\s]+)/.exec(authorization ?? '') ?? [];
  return `function ${key}`;
}
