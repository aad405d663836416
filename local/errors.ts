// The one error that the local stack shows without a stack trace: what is wrong, and what to do.

/** An error that the user can fix; its message says how. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
}
