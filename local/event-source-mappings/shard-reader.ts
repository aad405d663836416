// Handles one shard: in order, one batch at a time, from its checkpoint to its end.
import { asText, parseJson } from '../json.ts';
import type { Checkpoint } from './checkpoints.ts';
import type { StreamMappingParts } from './kinesis-mapping.ts';
import { kinesisEvent, readAfter, recordBytes, type Shard, type StreamRecord } from './kinesis-records.ts';
import { batchContentBytesMax, type Gate, pauseFor, readBatchAnswer } from './mapping.ts';

/** An idle shard is read this often (AWS: about once a second; here a count shall show soon). */
const pollMs = 150;
const backoffBaseMs = 100;
const backoffCapMs = 10_000;

/** Records to be handled, and how often that has failed. */
interface Batch {
  readonly records: readonly StreamRecord[];
  readonly failures: number;
}

/** How an invocation with a batch ended: the first `handled` records are done; the others failed with this error. */
interface Delivery {
  readonly handled: number;
  readonly error: object | undefined;
}

/** Reads and handles the shard until it has ended; rejects when the mapping is stopped. */
export async function readShard(
  parts: StreamMappingParts,
  shard: Shard & { closed: boolean },
  gate: Gate,
): Promise<void> {
  const { settings, checkpoints } = parts;
  const finite = settings.retriesMax >= 0 || settings.recordAgeMaxMs >= 0;
  let pending: Batch[] = [];
  let failuresInARow = 0;

  const advance = (record: StreamRecord | undefined) => {
    if (record === undefined) return;
    checkpoints.set(shard.shardId, { sequenceNumber: record.sequenceNumber, drained: false });
  };

  for (;;) {
    const [batch, ...following] = pending;
    if (batch === undefined) {
      const records = await collect(parts, shard, gate);
      if (records === 'ended') {
        const position = checkpoints.get(shard.shardId);
        checkpoints.set(shard.shardId, { ...position, drained: true });
        return;
      }
      pending = [{ records, failures: 0 }];
      continue;
    }

    const delivery = await gate.handling(() => deliver(parts, shard.shardId, batch.records));
    advance(batch.records[delivery.handled - 1]);
    if (delivery.error === undefined) {
      pending = following;
      failuresInARow = 0;
      continue;
    }

    failuresInARow = delivery.handled > 0 ? 1 : failuresInARow + 1;
    const rest: Batch = { records: batch.records.slice(delivery.handled), failures: batch.failures + 1 };
    if (isGivenUp(parts, rest)) {
      await parts.onFailure?.({
        shardId: shard.shardId,
        records: rest.records,
        attempts: rest.failures,
        error: delivery.error,
      });
      advance(rest.records.at(-1));
      pending = following;
      continue;
    }
    // Retried without limit, a batch is read and cut anew, as AWS may do; otherwise it stays what it was.
    if (!finite && !settings.bisects) pending = [];
    else pending = [...(settings.bisects && delivery.handled === 0 ? bisect(rest) : [rest]), ...following];
    const ceiling = Math.min(backoffCapMs, backoffBaseMs * 2 ** Math.min(failuresInARow, 10));
    await pauseFor(ceiling * (0.5 + Math.random() / 2), gate.signal);
  }
}

/** Waits for records, then until the window is over or the batch is full. */
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

async function deliver(
  { settings, streamArn, invoke, onBatch }: StreamMappingParts,
  shardId: string,
  records: readonly StreamRecord[],
): Promise<Delivery> {
  onBatch?.((records.at(-1)?.arrival ?? 0) * 1_000);
  const outcome = await invoke(kinesisEvent(streamArn, shardId, records));
  if (!outcome.ok) return { handled: 0, error: outcome.error };
  const all: Delivery = { handled: records.length, error: undefined };
  if (!settings.partialAnswers) return all;
  const indexOf = new Map(records.map((record, index) => [record.sequenceNumber, index]));
  const answer = readBatchAnswer(outcome.payload, (identifier) => indexOf.has(identifier));
  if (answer.kind === 'done') return all;
  const error = { errorType: 'BatchItemFailures', errorMessage: asText(parseJson(outcome.payload)) ?? '' };
  if (answer.kind === 'failed') return { handled: 0, error };
  // Everything from the lowest failure on is delivered again.
  return { handled: Math.min(...answer.items.map((item) => indexOf.get(item) ?? 0)), error };
}

function isGivenUp({ settings }: StreamMappingParts, batch: Batch): boolean {
  if (settings.retriesMax >= 0 && batch.failures > settings.retriesMax) return true;
  const oldest = batch.records[0]?.arrival ?? Number.POSITIVE_INFINITY;
  return settings.recordAgeMaxMs >= 0 && Date.now() - oldest * 1_000 > settings.recordAgeMaxMs;
}

function bisect(batch: Batch): Batch[] {
  if (batch.records.length < 2) return [batch];
  const middle = Math.ceil(batch.records.length / 2);
  return [
    { records: batch.records.slice(0, middle), failures: batch.failures },
    { records: batch.records.slice(middle), failures: batch.failures },
  ];
}
