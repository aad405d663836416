// How operators' commands end: exit codes, errors that say what to do, and the SDK's errors in plain words.

import { UsageError } from '../errors.ts';

/** Exit codes of an operator's commands. */
export const exitCodes = {
  done: 0,
  /** Something failed: a dead letter could not be handled, was refused, or does not exist. */
  failed: 1,
  /** The command line is invalid, or was not confirmed; nothing was changed. */
  usage: 2,
  /** There was nothing to do. */
  nothing: 3,
  /** No stack, no credentials, or no answer. */
  unreachable: 4,
  interrupted: 130,
} as const;

/** A command's failure: one sentence that says what is wrong and what to do. */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/** Common errors on first use, by the name or code of the SDK's error. */
const MET: readonly (readonly [RegExp, string])[] = [
  [/CredentialsProviderError|CouldNotLoadCredentials/, 'No AWS credentials: set AWS_PROFILE, or log in.'],
  [
    /ExpiredToken|ExpiredTokenException|UnrecognizedClient|InvalidClientTokenId|SignatureDoesNotMatch/,
    'AWS does not accept these credentials: log in again.',
  ],
  [/Region is missing/, 'No AWS region: set AWS_REGION, or one in your profile.'],
  [
    /AccessDenied|AuthorizationError/,
    'These credentials lack a permission: docs/security.md lists what operators need.',
  ],
  [
    /ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|TimeoutError/,
    'No answer: check that the stack is running, and the network.',
  ],
];

/** Converts any error into one for operators. */
export function asOperatorError(error: unknown): OperatorError {
  if (error instanceof OperatorError) return error;
  if (error instanceof UsageError) return new OperatorError(error.message, exitCodes.usage, { cause: error });
  const message = error instanceof Error ? error.message : String(error);
  const { name = '', code = '' } = error instanceof Error ? (error as Error & { code?: string }) : {};
  const met = MET.find(([pattern]) => pattern.test(`${name} ${code} ${message}`));
  if (met === undefined) return new OperatorError(message, exitCodes.failed, { cause: error });
  return new OperatorError(`${met[1]} (${name}: ${message})`, exitCodes.unreachable, { cause: error });
}
