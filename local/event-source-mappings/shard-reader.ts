// Handles one shard: in order, one batch at a time, from its checkpoint to its end. A failed batch is retried.
import type { StreamMappingParts } from './kinesis-mapping.ts';
import { readShardOnce, recordBytes, type Shard, type StreamRecord } from './kinesis-records.ts';
import { batchContentBytesMax, failedItems, type Gate, pauseFor } from './mapping.ts';

/** Interval at which an idle shard is read. AWS reads about once a second; here, counts should show up sooner. */
const pollMs = 150;
const backoffBaseMs = 100;
const backoffCapMs = 10_000;

/** Reads and handles the shard until its end; rejects when the mapping is stopped. */
export async function readShard(parts: StreamMappingParts, shard: Shard, gate: Gate): Promise<void> {
  const { checkpoints } = parts;
  let failuresInARow = 0;
  for (;;) {
    const records = await collect(parts, shard, gate);
    if (records === 'ended') {
      checkpoints.set(shard.shardId, { ...checkpoints.get(shard.shardId), drained: true });
      return;
    }
    const handled = await gate.handling(() => deliver(parts, records));
    const last = records[handled - 1];
    if (last !== undefined)
      checkpoints.set(shard.shardId, { sequenceNumber: last.kinesis.sequenceNumber, drained: false });
    if (handled === records.length) {
      failuresInARow = 0;
      continue;
    }
    failuresInARow = handled > 0 ? 1 : failuresInARow + 1;
    const ceiling = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(failuresInARow, 10));
    await pauseFor(ceiling * (0.5 + Math.random() / 2), gate.signal);
  }
}

/** Waits for records, then until the window ends or the batch is full. */
async function collect(
  parts: StreamMappingParts,
  shard: Shard,
  gate: Gate,
): Promise<StreamRecord[] | 'ended'> {
  const { settings, checkpoints } = parts;
  const records: StreamRecord[] = [];
  let bytes = 0;
  let windowEnd = Number.POSITIVE_INFINITY;
  let after = checkpoints.get(shard.shardId)?.sequenceNumber;
  for (;;) {
    await gate.pass();
    try {
      const limit = settings.batchSize - records.length;
      const read = await readShardOnce(parts, shard, { after, limit, signal: gate.signal });
      for (const record of read.records) {
        bytes += recordBytes(record);
        if (bytes > batchContentBytesMax && records.length > 0) return records;
        records.push(record);
        after = record.kinesis.sequenceNumber;
      }
      if (read.ended) return records.length > 0 ? records : 'ended';
    } catch {
      gate.signal.throwIfAborted();
      if (records.length > 0) return records;
      await pauseFor(1_000, gate.signal);
    }
    if (records.length > 0) windowEnd = Math.min(windowEnd, Date.now() + settings.windowMs);
    const windowRest = windowEnd - Date.now();
    if (records.length >= settings.batchSize || windowRest <= 0) return records;
    await pauseFor(Math.min(pollMs, windowRest), gate.signal);
  }
}

/** Invokes the function. @returns how many of the first records are done; everything from the lowest failure on is retried */
async function deliver(
  { settings, invoke, onBatch }: StreamMappingParts,
  records: readonly StreamRecord[],
): Promise<number> {
  onBatch?.((records.at(-1)?.kinesis.approximateArrivalTimestamp ?? 0) * 1_000);
  const numbers = records.map(({ kinesis }) => kinesis.sequenceNumber);
  const failed = new Set(failedItems(await invoke({ Records: records }), settings, numbers));
  const first = numbers.findIndex((number) => failed.has(number));
  return first < 0 ? records.length : first;
}
