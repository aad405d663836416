// How commands end: exit codes, errors that say what to do, and the SDK's errors in plain words.
import { FormatError } from '../../formats/reading.ts';

/** Exit codes. 3 and 4 mean one thing for commands on a stack, another for those that send events. */
export const exitCodes = {
  done: 0,
  /** Something failed: a dead letter could not be handled, was refused, or does not exist. */
  failed: 1,
  /** The command line or a file cannot be used, or the question was answered with no; nothing was changed or sent. */
  usage: 2,
  /** There was nothing to do. */
  nothing: 3,
  /** Requests may be stored, and wait for --resume-uncertain. */
  uncertain: 3,
  /** No stack, no credentials, or no answer. */
  unreachable: 4,
  /** Not everything imported is counted. */
  notCounted: 4,
  interrupted: 130,
  terminated: 143,
} as const;

/** A command's failure: one sentence that says what is wrong and what to do. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(
    message: string,
    { exitCode = exitCodes.failed, ...options }: ErrorOptions & { readonly exitCode?: number } = {},
  ) {
    super(message, options);
    this.name = new.target.name;
    this.exitCode = exitCode;
  }
}

/** An invalid command line or unusable file. */
export class UsageError extends CommandError {
  override readonly exitCode = exitCodes.usage;
}

/** An import's state prevents continuing: other options, another running import, a changed file. */
export class StateError extends UsageError {}

/** A file begins like an imported one, and is perhaps another. */
export class AlikeError extends StateError {}

/** Another run has the file's state. */
export class BusyError extends StateError {}

/** The input file cannot be read to its end. The part before stays imported. */
export class SourceError extends CommandError {}

const NO_REGION = 'Region is missing';

/** Common errors on first use, by the name or code of the SDK's error; that of `NO_REGION` has neither. */
const KNOWN: readonly (readonly [RegExp, string])[] = [
  [/CredentialsProviderError|CouldNotLoadCredentials/, 'No AWS credentials: set AWS_PROFILE, or log in.'],
  [
    /ExpiredToken|ExpiredTokenException|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch/,
    'AWS does not accept these credentials: log in again.',
  ],
  [new RegExp(NO_REGION), 'No AWS region: set AWS_REGION, or one in your profile.'],
  [
    /AccessDenied|AuthorizationError/,
    'These credentials lack a permission: docs/security.md lists what operators need.',
  ],
  [
    /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|TimeoutError/,
    'No answer: check that the stack is running, and the network.',
  ],
];

/** Converts any error into one that says what to do. */
export function asCommandError(error: unknown): CommandError {
  if (error instanceof CommandError) return error;
  const message = messageOf(error);
  if (error instanceof FormatError) return new UsageError(message, { cause: error });
  const { name = '', code = '' } = error instanceof Error ? (error as Error & { code?: string }) : {};
  // Not the message: it may contain a path with such a name.
  const kind = message === NO_REGION ? message : `${name} ${code}`;
  const known = KNOWN.find(([pattern]) => pattern.test(kind));
  if (known === undefined) return new CommandError(message, { cause: error });
  return new CommandError(`${known[1]} (${name}: ${message})`, {
    exitCode: exitCodes.unreachable,
    cause: error,
  });
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

/** A handler that returns a value for a missing file, and rethrows every other error. */
export function ifMissing<T>(missing: T): (error: unknown) => T {
  return (error) => {
    if (systemCode(error) === 'ENOENT') return missing;
    throw error;
  };
}
