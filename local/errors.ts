// The one error the local stack shows without a stack trace: what is wrong, and what to do.

/** Something the person at the terminal can put right; its message says how. */
export class LocalStackError extends Error {
  override readonly name = 'LocalStackError';
}
