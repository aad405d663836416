// What Lambda hands the aggregator: a Kinesis event as a batch of one shard.
import type { KinesisStreamEvent, KinesisStreamRecord } from 'aws-lambda';
import { type DecodedEvent, type DecodedRecord, decodeEvent, decodeRecord } from '../core/event.ts';
import { parseSequenceNumber, parseShardId, type SequenceNumber, type ShardId } from '../core/identifiers.ts';
import { RecordJoiner } from '../core/joined-records.ts';
import type { StreamRecord } from '../core/segment.ts';

/** Records that are parsed at once. More are no faster, and one that is not JSON has all of them read one by one. */
const JOINED_RECORDS = 128;

/** Kept, so that its memory is asked for once. */
const joiner = new RecordJoiner();

/** The batches of an event, by shard, in order. Lambda sends one shard an event; should that change, nothing is mixed. */
export function batchesOf({ Records }: KinesisStreamEvent): ReadonlyMap<ShardId, StreamRecord[]> {
  const batches = new Map<ShardId, StreamRecord[]>();
  let prefix = '';
  let batch: StreamRecord[] = [];
  for (let first = 0; first < Records.length; first += JOINED_RECORDS) {
    const some = Records.slice(first, first + JOINED_RECORDS);
    const values = parsedAtOnce(some);
    some.forEach(({ eventID, kinesis }, index) => {
      if (prefix === '' || !eventID.startsWith(prefix)) {
        prefix = eventID.slice(0, eventID.indexOf(':') + 1);
        batch = batchOf(batches, parseShardId(prefix.slice(0, -1)));
      }
      batch.push(values ? LambdaRecord.ofValue(kinesis, values[index]) : LambdaRecord.ofBytes(kinesis));
    });
  }
  return batches;
}

/** What each record says; undefined when they have to be read one by one. */
function parsedAtOnce(records: readonly KinesisStreamRecord[]): readonly unknown[] | undefined {
  // Whatever failed before this, for want of memory say, may have left records: they would stand for these.
  joiner.clear();
  for (const { kinesis } of records) joiner.add(kinesis.data);
  return joiner.take();
}

function batchOf(batches: Map<ShardId, StreamRecord[]>, shard: ShardId): StreamRecord[] {
  const batch = batches.get(shard) ?? [];
  batches.set(shard, batch);
  return batch;
}

type Payload = KinesisStreamRecord['kinesis'];

/** A record whose bytes are decoded again by those few who ask for them. */
class LambdaRecord implements StreamRecord {
  readonly sequenceNumber: SequenceNumber;
  readonly arrivalMs: number;
  readonly batch: string | undefined;
  readonly events: readonly DecodedEvent[];
  readonly #base64: string;

  private constructor(payload: Payload, arrivalMs: number, { batch, events }: DecodedRecord) {
    this.sequenceNumber = parseSequenceNumber(payload.sequenceNumber);
    this.arrivalMs = arrivalMs;
    this.batch = batch;
    this.events = events;
    this.#base64 = payload.data;
  }

  /** A record that was parsed already, and is one event. */
  static ofValue(payload: Payload, value: unknown): LambdaRecord {
    const arrivalMs = arrivalMsOf(payload);
    const events = [decodeEvent(value, arrivalMs)];
    return new LambdaRecord(payload, arrivalMs, { batch: undefined, events });
  }

  static ofBytes(payload: Payload): LambdaRecord {
    const arrivalMs = arrivalMsOf(payload);
    return new LambdaRecord(payload, arrivalMs, decodeRecord(bytesOf(payload.data), arrivalMs));
  }

  get data(): Uint8Array {
    return bytesOf(this.#base64);
  }
}

/** Kinesis tells seconds with a fraction; milliseconds are what it knows, the rest is rounding. */
function arrivalMsOf({ approximateArrivalTimestamp }: Payload): number {
  return Math.round(approximateArrivalTimestamp * 1000);
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}
