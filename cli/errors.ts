// The few errors that the commands tell apart, each with the exit code it ends in.
import { FormatError } from '../formats/reading.ts';

/** A command line or a file that cannot be worked with: nothing was sent. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The state of an import forbids going on: other options, another import running, a changed file. Exit code 2. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The input file cannot be read to its end. What was read before it stays imported. Exit code 1. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** The service refuses in a way that repeating cannot change (keys, wrong address). Exit code 1. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
}

/** Exit codes of the commands, documented in docs/importing.md. */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  uncertain: 3,
  notCounted: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** The exit code an error ends in. */
export function exitCodeOf(error: unknown): number {
  const usage = [UsageError, StateError, FormatError].some((kind) => error instanceof kind);
  return usage ? EXIT.usage : EXIT.failed;
}

/** The code of a system error (`ENOENT`, `EACCES`, …), its own or its cause's. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return systemCode(error.cause);
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
