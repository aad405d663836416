// Messages between the Lambda runtime and its worker threads.
import type { ClockOffset } from '../clock.ts';

/** A function's definition in the template. */
export interface FunctionDefinition {
  readonly name: string;
  readonly arn: string;
  /** Absolute path of the handler's source. */
  readonly entry: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  /** Maximum containers; further invocations wait for one. */
  readonly concurrencyMax: number;
  readonly environment: Readonly<Record<string, string>>;
}

/** A worker's start data. */
export interface WorkerStart extends Omit<FunctionDefinition, 'concurrencyMax' | 'environment'> {
  /** The stack's clock; by default the machine's. */
  readonly clock: ClockOffset | undefined;
}

/** One invocation, as sent to a worker. The event is JSON, as on AWS. */
export interface InvocationMessage {
  readonly requestId: string;
  readonly event: string;
}

/** A function's error in Lambda's format. */
export interface FunctionError {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}

/** A thrown value in that format. */
export function errorOf(error: unknown): FunctionError {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error) };
  return { errorType: error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') };
}

/** The result of an invocation. `payload` is JSON. */
export type InvocationOutcome = { ok: true; payload: string } | { ok: false; error: FunctionError };

/** A worker's reports: its handler is loaded; the outcome of an invocation. */
export type WorkerReport = 'ready' | InvocationOutcome;
