// Observable events of a running stack: service calls with their callers, invocations, batches, the API's answers.
import { EventEmitter } from 'node:events';
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
export class StackObserver extends EventEmitter<{
  serviceCalled: [call: ObservedCall];
  functionStarted: [functionName: string];
  functionEnded: [functionName: string, how: 'succeeded' | 'failed'];
  /** A stream's mapping passed a batch to its function; how old its last record was. */
  batchDelivered: [functionName: string, iteratorAgeMs: number];
  /** The API answered. */
  apiAnswered: [status: number, durationMs: number];
}> {}

/** The signer of a request, by the access key in its Authorization header; each function's key is its name. */
export function callerIn(authorization: string | undefined): string {
  const [, key = 'nobody'] = /Credential=([^/,\s]+)/.exec(authorization ?? '') ?? [];
  return `function ${key}`;
}
