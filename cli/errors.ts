// The errors that commands distinguish, each with its exit code.
import { FormatError } from '../formats/reading.ts';

/** An invalid command line or unusable file: nothing was sent. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** An import's state prevents continuing: other options, another running import, a changed file. Exit code 2. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The input file cannot be read to its end. The part before stays imported. Exit code 1. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** The service refuses permanently (wrong key, wrong address). Exit code 1. */
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

/** The exit code for an error. */
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

/** The message of any thrown value. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
