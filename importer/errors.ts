// The few errors the importer and the verifier tell apart, each with the exit code it ends in.

/** A command line, a file or a format that can not be worked with: nothing was sent. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** The import state forbids going on: other options, another import running, a changed file. Exit code 2. */
export class StateError extends Error {
  override readonly name = 'StateError';
}

/** The input file can not be read to its end. What was read before it stays imported. Exit code 1. */
export class SourceError extends Error {
  override readonly name = 'SourceError';
}

/** The service refuses in a way that repeating can not change (keys, wrong address). Exit code 1. */
export class ServiceError extends Error {
  override readonly name = 'ServiceError';
}

/** Exit codes of `npm run import`, documented in docs/importing.md. */
export const exitCodes = {
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
  return error instanceof UsageError || error instanceof StateError ? exitCodes.usage : exitCodes.failed;
}

/** The code of a system error (`ENOENT`, `EACCES`, …), if it has one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
