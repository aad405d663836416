// Rollup messages for tests: rows in, one message with their deltas out.
import { cutRows, deltasOf } from '../../lambdas/core/delta.ts';
import { type SegmentId, segmentId } from '../../lambdas/core/identifiers.ts';
import { encodeMessages, type RollupMessage } from '../../lambdas/core/rollup-message.ts';
import type { Row } from '../../lambdas/core/rows.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { ARRIVAL_MS, CONFIG, SHARD_KEY } from './records.ts';

/** The hour of `ARRIVAL_MS`, in hours since 1970. */
export const ARRIVAL_HOUR = Math.floor(ARRIVAL_MS / HOUR_MS);

/** A row of one event in minute 7. */
export function rowOf(entity: string, n = 1, hour = ARRIVAL_HOUR): Row {
  return { metric: 'view', entity, hour, events: 1, cells: new Map([[7, BigInt(n)]]) };
}

/** The messages of a segment with these rows. */
export function messagesOf(segment: SegmentId, rows: readonly Row[], config = CONFIG): RollupMessage[] {
  const earliestHourMs = Math.min(...rows.map(({ hour }) => hour)) * HOUR_MS;
  return encodeMessages(deltasOf(segment, ARRIVAL_MS, cutRows(rows, config)), earliestHourMs);
}

/** The one message of a segment of `SHARD_KEY` with a few rows. @throws RangeError when it takes several */
export function messageOf(segment: number, rows: readonly Row[]): RollupMessage {
  const [message, ...more] = messagesOf(segmentId(SHARD_KEY, segment), rows);
  if (message === undefined || more.length > 0) throw new RangeError('not one message');
  return message;
}
