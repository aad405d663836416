// What keeps the aggregator from committing a segment, apart from a service that does not answer.

/** The stream does not hold what the ledger says it must. Retried; if it stays, see the runbook on a stuck shard. */
export class LogBroken extends Error {
  override readonly name = 'LogBroken';
}

/** Two attempts at one segment disagree, so that this one must not send anything. */
export class SegmentMismatch extends Error {
  override readonly name = 'SegmentMismatch';
}

/** A segment was planned by another version of the rollup: guessing what it would have produced could count twice. */
export class UnknownRollupVersion extends Error {
  override readonly name = 'UnknownRollupVersion';

  constructor(version: number) {
    super(
      `a segment was planned with rollup version ${version}, which this code does not know: deploy newer code`,
    );
  }
}

/** The generation was followed by another: whatever still runs under it plans nothing more. */
export class GenerationEnded extends Error {
  override readonly name = 'GenerationEnded';
}
