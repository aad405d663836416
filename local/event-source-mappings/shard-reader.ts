// Handles one shard: in order, one batch at a time, from its checkpoint to its end. A failed batch is retried.
import type { Checkpoint } from './checkpoints.ts';
import type { StreamMappingParts } from './kinesis-mapping.ts';
import { kinesisEvent, readAfter, recordBytes, type Shard, type StreamRecord } from './kinesis-records.ts';
import { batchContentBytesMax, type Gate, pauseFor, readBatchAnswer } from './mapping.ts';

/** Interval at which an idle shard is read. AWS reads about once a second; here, counts should show up sooner. */
const pollMs = 150;
const backoffBaseMs = 100;
const backoffCapMs = 10_000;

/** Reads and handles the shard until its end; rejects when the mapping is stopped. */
export async function readShard(
  parts: StreamMappingParts,
  shard: Shard & { closed: boolean },
  gate: Gate,
): Promise<void> {
  const { checkpoints } = parts;
  let failuresInARow = 0;
  for (;;) {
    const records = await collect(parts, shard, gate);
    if (records === 'ended') {
      checkpoints.set(shard.shardId, { ...checkpoints.get(shard.shardId), drained: true });
      return;
    }
    const handled = await gate.handling(() => deliver(parts, shard.shardId, records));
    const last = records[handled - 1];
    if (last !== undefined)
      checkpoints.set(shard.shardId, { sequenceNumber: last.sequenceNumber, drained: false });
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
  { kinesis, streamName, settings, checkpoints }: StreamMappingParts,
  shard: Shard,
  gate: Gate,
): Promise<StreamRecord[] | 'ended'> {
  const records: StreamRecord[] = [];
  let bytes = 0;
  let windowEnd = Number.POSITIVE_INFINITY;
  let position: Checkpoint | undefined = checkpoints.get(shard.shardId);
  for (;;) {
    await gate.pass();
    try {
      const limit = settings.batchSize - records.length;
      const read = await readAfter(kinesis, streamName, shard, position, limit, gate.signal);
      for (const record of read.records) {
        bytes += recordBytes(record);
        if (bytes > batchContentBytesMax && records.length > 0) return records;
        records.push(record);
        position = { sequenceNumber: record.sequenceNumber, drained: false };
      }
      if (read.ended) return records.length > 0 ? records : 'ended';
    } catch (error) {
      gate.signal.throwIfAborted();
      if (records.length > 0) return records;
      await pauseFor(1_000, gate.signal);
      if (error instanceof TypeError) throw error;
    }
    if (records.length > 0) windowEnd = Math.min(windowEnd, Date.now() + settings.windowMs);
    const windowRest = windowEnd - Date.now();
    if (records.length >= settings.batchSize || windowRest <= 0) return records;
    await pauseFor(Math.min(pollMs, windowRest), gate.signal);
  }
}

/** Invokes the function. @returns how many of the first records are done; everything from the lowest failure on is retried */
async function deliver(
  { settings, streamArn, invoke, onBatch }: StreamMappingParts,
  shardId: string,
  records: readonly StreamRecord[],
): Promise<number> {
  onBatch?.((records.at(-1)?.arrival ?? 0) * 1_000);
  const outcome = await invoke(kinesisEvent(streamArn, shardId, records));
  if (!outcome.ok) return 0;
  if (!settings.partialAnswers) return records.length;
  const indexOf = new Map(records.map((record, index) => [record.sequenceNumber, index]));
  const failed = readBatchAnswer(outcome.payload, (identifier) => indexOf.has(identifier));
  return failed === 'all' ? 0 : Math.min(records.length, ...failed.map((item) => indexOf.get(item) ?? 0));
}
