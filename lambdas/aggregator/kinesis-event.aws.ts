// The aggregator's input: a Kinesis event as batches by shard.
import type { KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda';
import { type DecodedEvent, type DecodedRecord, decodeEvent, decodeRecord } from '../core/event.ts';
import { parseSequenceNumber, parseShardId, type SequenceNumber, type ShardId } from '../core/identifiers.ts';
import { RecordJoiner } from '../core/joined-records.ts';
import type { StreamRecord } from '../core/segment.ts';

/** Records parsed at once. More is no faster, and one invalid record makes all of them be parsed one by one. */
const JOINED_RECORDS = 128;

/** Reused, so that its memory is allocated once. */
const joiner = new RecordJoiner();

/** The batches of an event, by shard, in order. Lambda sends one shard per event, but does not promise it. */
export function batchesOf({ Records }: KinesisStreamEvent): ReadonlyMap<ShardId, StreamRecord[]> {
  const byShard = Map.groupBy(Records, ({ eventID }) => eventID.slice(0, eventID.indexOf(':')));
  return new Map([...byShard].map(([shard, records]) => [parseShardId(shard), decoded(records)]));
}

function decoded(records: readonly KinesisStreamRecord[]): StreamRecord[] {
  const batch: StreamRecord[] = [];
  for (let first = 0; first < records.length; first += JOINED_RECORDS) {
    const some = records.slice(first, first + JOINED_RECORDS);
    const values = parsedAtOnce(some);
    some.forEach(({ kinesis }, index) => {
      // Kinesis gives seconds with a fraction. It knows milliseconds; the rest is rounding.
      const arrivalMs = Math.round(kinesis.approximateArrivalTimestamp * 1000);
      const record = values
        ? { batch: undefined, events: [decodeEvent(values[index], arrivalMs)] }
        : decodeRecord(bytesOf(kinesis), arrivalMs);
      batch.push(new LambdaRecord(kinesis, arrivalMs, record));
    });
  }
  return batch;
}

/** The records as single events; undefined if they must be parsed one by one. */
function parsedAtOnce(records: readonly KinesisStreamRecord[]): readonly unknown[] | undefined {
  // An earlier failure, such as out of memory, may have left records, which would be read as these.
  joiner.clear();
  for (const { kinesis } of records) joiner.add(kinesis.data);
  return joiner.take();
}

type Payload = KinesisStreamRecord['kinesis'];

/** A record that decodes its bytes only when they are asked for. */
class LambdaRecord implements StreamRecord {
  readonly sequenceNumber: SequenceNumber;
  readonly arrivalMs: number;
  readonly batch: string | undefined;
  readonly events: readonly DecodedEvent[];
  readonly #payload: Payload;

  constructor(payload: Payload, arrivalMs: number, { batch, events }: DecodedRecord) {
    this.sequenceNumber = parseSequenceNumber(payload.sequenceNumber);
    this.arrivalMs = arrivalMs;
    this.batch = batch;
    this.events = events;
    this.#payload = payload;
  }

  get data(): Uint8Array {
    return bytesOf(this.#payload);
  }
}

function bytesOf({ data }: Payload): Buffer {
  return Buffer.from(data, 'base64');
}
