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

/** The parsed records; undefined if they must be parsed one by one. */
function parsedAtOnce(records: readonly KinesisStreamRecord[]): readonly unknown[] | undefined {
  // An earlier failure, such as out of memory, may have left records, which would be read as these.
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

/** A record that decodes its bytes only when they are asked for. */
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

  /** A record that is parsed already, and is a single event. */
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

/** Kinesis gives seconds with a fraction. It knows milliseconds; the rest is rounding. */
function arrivalMsOf({ approximateArrivalTimestamp }: Payload): number {
  return Math.round(approximateArrivalTimestamp * 1000);
}

function bytesOf(base64: string): Buffer {
  return Buffer.from(base64, 'base64');
}
