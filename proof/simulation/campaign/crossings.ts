// What a campaign must reach: a limit, an expiry or a fault that no history met is untested.
import type { Tally } from './batch.ts';

/** Limits and expiries, by the names under which they are noted; and kinds of faults. */
const EXPECTED = [
  ...['dynamodb query limit', 'dynamodb query page', 'dynamodb scan page', 'dynamodb unprocessed keys'],
  ...['kinesis page', 'kinesis empty page', 'kinesis list of shards', 'kinesis trimmed'],
  ...['sqs batch partly taken', 'sqs redrive policy'],
  ...['block split', 'deltas by hash range', 'segment cut', 'large item', 'late rows', 'tombstone'],
  ...['expiry of SEG', 'expiry of IDS', 'expiry of DELTA', 'expiry of BLOCK', 'expiry of TOP'],
  ...['end of a day', 'end of a month', 'weeks', 'final answer', 'recount beside everything else'],
  ...['window of 300 segments', 'ten thousand entities'],
  ...['crash-before', 'crash-after', 'ambiguous', 'stall', 'throttle', 'outage', 'pause', 'cold-start'],
  ...['partial-send', 'copies', 'lost-delete', 'lost-checkpoint', 'twin-poller', 'early-child', 'poison'],
  ...['split', 'merge', 'deploy', 'accept-past', 'retention', 'generation', 'retries'],
  ...['redrive-now', 'replay-parked', 'discard-parked', 'delete-entity', 'recount'],
  ...['damage of hours', 'damage of days', 'damage of months', 'damage of all'],
];

/**
 * What a campaign never reached; nothing if it was too short to tell.
 * @param historiesLeast so many histories reach everything, unless something is wrong with what is drawn
 */
export function neverReached(
  { histories, crossed, struck }: Pick<Tally, 'histories' | 'crossed' | 'struck'>,
  historiesLeast = 1_000,
): readonly string[] {
  return histories < historiesLeast ? [] : EXPECTED.filter((name) => !crossed.has(name) && !struck.has(name));
}
