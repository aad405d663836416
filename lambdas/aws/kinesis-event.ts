// What Lambda hands the aggregator: a Kinesis event as a batch of one shard.
import type { KinesisStreamEvent } from 'aws-lambda';
import { decodeRecord } from '../counting/event.ts';
import { parseSequenceNumber, parseShardId, type ShardId } from '../counting/identifiers.ts';
import type { StreamRecord } from '../counting/segment.ts';

/** The batches of an event, by shard, in order. Lambda sends one shard an event; should that change, nothing is mixed. */
export function batchesOf(event: KinesisStreamEvent): ReadonlyMap<ShardId, StreamRecord[]> {
  const batches = new Map<ShardId, StreamRecord[]>();
  for (const { eventID, kinesis } of event.Records) {
    const shard = parseShardId(eventID.slice(0, eventID.indexOf(':')));
    const data = Buffer.from(kinesis.data, 'base64');
    // Kinesis tells seconds with a fraction; milliseconds are what it knows, the rest is rounding.
    const arrivalMs = Math.round(kinesis.approximateArrivalTimestamp * 1000);
    const record: StreamRecord = {
      sequenceNumber: parseSequenceNumber(kinesis.sequenceNumber),
      arrivalMs,
      data,
      events: decodeRecord(data, arrivalMs),
    };
    const batch = batches.get(shard);
    if (batch === undefined) batches.set(shard, [record]);
    else batch.push(record);
  }
  return batches;
}
