// Stream records for tests: events in, records with growing sequence numbers out.
import { decodeRecord } from '../../lambdas/core/event.ts';
import { parseSequenceNumber, parseShardId, shardKey } from '../../lambdas/core/identifiers.ts';
import type { RollupConfig, StreamRecord } from '../../lambdas/core/segment.ts';

/** An event as a client writes it. */
export interface ClientEvent {
  id?: string;
  metric?: string;
  entity?: string;
  at?: number | string;
  n?: number;
}

/** A Sunday morning. */
export const ARRIVAL_MS = Date.UTC(2026, 10, 22, 5, 7, 30);

export const SHARD = parseShardId('shardId-000000000000');
export const SHARD_KEY = shardKey('1', SHARD);

export const CONFIG: RollupConfig = {
  slotBits: 2,
  dedupWindowMs: 600_000,
  acceptPastMs: undefined,
  acceptFutureMs: 600_000,
};

/** A record of one event, or of several as a batch; `position` orders it in its shard. */
export function record(
  position: number,
  value: ClientEvent | ClientEvent[] | string,
  arrivalMs = ARRIVAL_MS,
  batch = `batch-${position}`,
): StreamRecord {
  const text =
    typeof value === 'string'
      ? value
      : JSON.stringify(Array.isArray(value) ? [1, batch, value.map(filled)] : filled(value));
  const data = Buffer.from(text);
  const sequenceNumber = parseSequenceNumber(`4954${String(position).padStart(52, '0')}`);
  return { sequenceNumber, arrivalMs, data, ...decodeRecord(data, arrivalMs) };
}

function filled(event: ClientEvent): ClientEvent {
  return { metric: 'view', entity: '/a', ...event };
}
