// The archive on S3: rejected events, parked and discarded dead letters, expired rows.
import type { S3Client } from '@aws-sdk/client-s3';
import { deadLetterName } from '../core/dead-letter-name.ts';
import type { Delta } from '../core/delta.ts';
import type { SegmentId } from '../core/identifiers.ts';
import type { MessageHistory } from '../core/message-history.ts';
import type { RejectedEvent } from '../core/rollup.ts';
import { decodeRows } from '../core/rows.ts';
import { HOUR_MS, isoSeconds } from '../core/time.ts';
import type { Discarding, MessageContent, ParkedMessage, ParkedMessages } from '../dead-letter-ports.ts';
import type { ExpiredArchive, RejectedArchive } from '../ports.ts';
import { Bucket } from './bucket.ts';
import { s3 } from './clients/s3.ts';

const PARKED = 'parked/';

/** The archive bucket. An object's key is derived from its content, so a repeated put changes nothing. */
export class Archive implements RejectedArchive, ExpiredArchive, ParkedMessages {
  readonly #bucket: Bucket;

  constructor(client: S3Client, bucket: string) {
    this.#bucket = new Bucket(client, bucket);
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
    await this.#bucket.put(`rejected/${segment}.ndjson`, `${lines.join('\n')}\n`);
  }

  /** `expired/SEGMENT/PART.ndjson`: a line for each row of the delta, `{ metric, entity, hour, events, minutes }`. */
  async keepExpired({ segment, part, rows }: Delta): Promise<void> {
    const lines = decodeRows(rows).map(({ metric, entity, hour, events, cells }) => {
      const minutes = Object.fromEntries([...cells].map(([minute, n]) => [minute, Number(n)]));
      return JSON.stringify({ metric, entity, hour: isoSeconds(hour * HOUR_MS), events, minutes });
    });
    await this.#bucket.put(`expired/${segment}/${part}.ndjson`, `${lines.join('\n')}\n`);
  }

  /** `parked/SEGMENT/PART.json`, or `parked/poison/MESSAGE.json`: the message's body and its history. */
  async keepParked(message: MessageContent, history: MessageHistory): Promise<void> {
    await this.#bucket.put(
      parkedKey(deadLetterName(message)),
      JSON.stringify({ history, body: message.body }),
    );
  }

  /** `discarded/…`: the dead letter, with who gave it up, when, and why. */
  async keepDiscarded({ name, body, history }: ParkedMessage, discarded: Discarding): Promise<void> {
    await this.#bucket.put(`discarded/${name}.json`, JSON.stringify({ discarded, history, body }));
  }

  async *names(): AsyncIterable<string> {
    for await (const key of this.#bucket.keys(PARKED)) yield key.slice(PARKED.length).replace(/\.json$/, '');
  }

  async read(name: string): Promise<ParkedMessage | undefined> {
    const bytes = await this.#bucket.get(parkedKey(name));
    if (bytes === undefined) return undefined;
    const { history, body } = JSON.parse(Buffer.from(bytes).toString());
    return { name, body, history };
  }

  async remove(name: string): Promise<void> {
    await this.#bucket.remove(parkedKey(name));
  }
}

/** The archive with its own client, for functions that load both on first use. */
export function openArchive(bucket: string): Archive {
  return new Archive(s3(), bucket);
}

function parkedKey(name: string): string {
  return `${PARKED}${name}.json`;
}
