// A broken promise.

/** What Tally promises; one checker for each. */
export type PromiseName =
  | 'nothing is lost'
  | 'nothing counts twice'
  | 'minutes and hours are right'
  | 'answers are right'
  | 'accounts balance at every moment'
  | 'a segment has one output'
  | 'recovery ends'
  | 'loss is named'
  | 'completeThrough is true'
  | 'levels are right'
  | 'top lists are right'
  | 'raw records are archived'
  | 'final answers never change'
  | 'what is deleted stays deleted'
  | 'a recount finds what is wrong, and nothing else';

/** An instant in a message. */
export function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}

/** A promise that a history broke, and how. */
export class Violation extends Error {
  override readonly name = 'Violation';
  readonly promise: PromiseName;

  constructor(promise: PromiseName, message: string) {
    super(message);
    this.promise = promise;
  }
}
