// What the Lambda runtime and its worker threads say to each other.
import type { ClockOffset } from '../clock.ts';

/** Data a worker is started with. */
export interface WorkerStart {
  /** Absolute path of the handler's source. */
  readonly entry: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
  /** The stack's clock; the machine's without. */
  readonly clock?: ClockOffset;
}

/** One invocation, as sent to a worker. The event travels as JSON, as on AWS. */
export interface InvocationMessage {
  readonly requestId: string;
  readonly event: string;
  /** Epoch milliseconds of the machine at which the function times out. */
  readonly deadline: number;
}

/** A function's error in Lambda's shape. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** What a worker answers: it has loaded its handler, or could not; an invocation succeeded, or failed. */
export type WorkerReport =
  | { kind: 'ready' }
  | { kind: 'load-failed'; error: FunctionError }
  | { kind: 'succeeded'; requestId: string; payload: string }
  | { kind: 'failed'; requestId: string; error: FunctionError };
