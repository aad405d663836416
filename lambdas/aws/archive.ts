// The archive on S3: rejected events, parked dead letters, expired rows, each under a name that says what it is.
import { createHash } from 'node:crypto';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { SegmentId } from '../counting/identifiers.ts';
import type { MessageHistory } from '../counting/message-history.ts';
import type { RejectedEvent } from '../counting/rollup.ts';
import { decodeRollupMessage, InvalidRollupMessage, type RollupContent } from '../counting/rollup-message.ts';
import type { DeliveredMessage, ExpiredArchive, RejectedArchive, RepairArchive } from '../ports.ts';

/** The archive bucket. Every object's name follows from what is in it, so that putting it again changes nothing. */
export class Archive implements RejectedArchive, ExpiredArchive, RepairArchive {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  /** `rejected/SEGMENT.ndjson`: a line for each record, `{ sequenceNumber, arrival, rejected: [{ index, reason }], data }`. */
  async keepRejected(segment: SegmentId, rejected: readonly RejectedEvent[]): Promise<void> {
    const records = new Map<string, { head: RejectedEvent; events: { index: number; reason: string }[] }>();
    for (const event of rejected) {
      const record = records.get(event.sequenceNumber) ?? { head: event, events: [] };
      record.events.push({ index: event.index, reason: event.reason });
      records.set(event.sequenceNumber, record);
    }
    const lines = [...records.values()].map(({ head, events }) =>
      JSON.stringify({
        sequenceNumber: head.sequenceNumber,
        arrival: new Date(head.arrivalMs).toISOString(),
        rejected: events,
        data: Buffer.from(head.data).toString('base64'),
      }),
    );
    await this.#put(`rejected/${segment}.ndjson`, `${lines.join('\n')}\n`);
  }

  /** `expired/SEGMENT/PART.json`: the part's content, with the rows that came too late. */
  async keepExpired(content: RollupContent): Promise<void> {
    await this.#put(`expired/${content.segment}/${content.part}.json`, JSON.stringify(content));
  }

  /** `parked/SEGMENT/PART.json`, or `parked/poison/MESSAGE.json`: the message's body and its history. */
  async keepParked({ messageId, body }: DeliveredMessage, history: MessageHistory): Promise<void> {
    await this.#put(
      `parked/${partNameIn(body) ?? `poison/${messageId}`}.json`,
      JSON.stringify({ history, body }),
    );
  }

  /** `repairs/DIGEST.json`: what differed, what the item said and what it is made to say. Sums as text: they may be large. */
  async keepRepair(repair: Parameters<RepairArchive['keepRepair']>[0]): Promise<void> {
    const body = JSON.stringify(repair, (_, field) => {
      if (field instanceof Map) return Object.fromEntries(field);
      if (field instanceof Set) return [...field];
      return typeof field === 'bigint' ? String(field) : field;
    });
    await this.#put(`repairs/${createHash('sha256').update(body).digest('hex').slice(0, 32)}.json`, body);
  }

  async #put(key: string, text: string): Promise<void> {
    const put = new PutObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      Body: text,
      ContentType: 'application/json',
    });
    await this.#client.send(put);
  }
}

function partNameIn(body: string): string | undefined {
  try {
    const { segment, part } = decodeRollupMessage(body);
    return `${segment}/${part}`;
  } catch (error) {
    if (error instanceof InvalidRollupMessage) return undefined;
    throw error;
  }
}
