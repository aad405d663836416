// The limits that a campaign must cross: histories that never do say nothing about what happens beyond them.

/** Limits, and expiries, by the names that the services note them under. */
const EXPECTED = [
  'dynamodb query limit',
  'dynamodb query page',
  'dynamodb unprocessed keys',
  'kinesis page',
  'kinesis empty page',
  'kinesis list of shards',
  'kinesis trimmed',
  'sqs batch partly taken',
  'sqs redrive policy',
  'block split',
  'deltas by hash range',
  'late rows',
  'tombstone',
] as const;

/** So many histories cross everything, unless something is wrong with what is drawn. */
const HISTORIES_LEAST = 1_000;

/** The limits that a campaign never crossed; none where it was too short to tell. */
export function neverCrossed(histories: number, crossed: ReadonlyMap<string, number>): readonly string[] {
  return histories < HISTORIES_LEAST ? [] : EXPECTED.filter((name) => !crossed.has(name));
}
