// Why the aggregator refuses to commit a segment, apart from a service that does not answer.

/** The stream lacks records that the ledger expects. Retried; if it persists, see the runbook on a stuck shard. */
export class LogBroken extends Error {
  override readonly name = 'LogBroken';
}

/** Two attempts at one segment disagree, so this one must not send anything. */
export class SegmentMismatch extends Error {
  override readonly name = 'SegmentMismatch';
}

/** Another version of the rollup planned the segment: a different output could count events twice. */
export class UnknownRollupVersion extends Error {
  override readonly name = 'UnknownRollupVersion';

  constructor(version: number) {
    super(
      `a segment was planned with rollup version ${version}, which this code does not know: deploy newer code`,
    );
  }
}

/** A later generation exists: invocations under this one plan nothing more. */
export class GenerationEnded extends Error {
  override readonly name = 'GenerationEnded';
}
