// Messages between the Lambda runtime and its worker threads.
import type { ClockOffset } from '../clock.ts';

/** A worker's start data. */
export interface WorkerStart {
  /** Absolute path of the handler's source. */
  readonly entry: string;
  readonly functionName: string;
  readonly functionArn: string;
  readonly memoryMb: number;
  /** The stack's clock; by default the machine's. */
  readonly clock?: ClockOffset;
}

/** One invocation, as sent to a worker. The event is JSON, as on AWS. */
export interface InvocationMessage {
  readonly requestId: string;
  readonly event: string;
  /** When the function times out, in epoch milliseconds on the machine's clock. */
  readonly deadline: number;
}

/** A function's error in Lambda's format. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** A worker's reports: its handler is loaded, or failed to load; an invocation succeeded, or failed. */
export type WorkerReport =
  | { kind: 'ready' }
  | { kind: 'load-failed'; error: FunctionError }
  | { kind: 'succeeded'; requestId: string; payload: string }
  | { kind: 'failed'; requestId: string; error: FunctionError };
