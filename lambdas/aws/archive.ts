// The archive on S3: rejected events, parked dead letters, expired rows, each under a name that says what it is.
import { createHash } from 'node:crypto';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  NoSuchKey,
  PutObjectCommand,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { RepairArchive } from '../audit-ports.ts';
import type { SegmentId } from '../counting/identifiers.ts';
import { letterName } from '../counting/letter-name.ts';
import type { MessageHistory } from '../counting/message-history.ts';
import type { RejectedEvent } from '../counting/rollup.ts';
import type { RollupContent } from '../counting/rollup-message.ts';
import type { Discarding, Letter, ParkedLetter, ParkedLetters } from '../dead-letter-ports.ts';
import type { ExpiredArchive, RejectedArchive } from '../ports.ts';
import { s3 } from './clients/s3.ts';

/** Where parked dead letters lie. */
const PARKED = 'parked/';

/** The archive bucket. Every object's name follows from what is in it, so that putting it again changes nothing. */
export class Archive implements RejectedArchive, ExpiredArchive, RepairArchive, ParkedLetters {
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
  async keepParked(letter: Letter, history: MessageHistory): Promise<void> {
    await this.#put(parkedKey(letterName(letter)), JSON.stringify({ history, body: letter.body }));
  }

  /** `discarded/…`: what was parked or waiting, with who gave it up, when, and why. */
  async keepDiscarded({ name, body, history }: ParkedLetter, discarded: Discarding): Promise<void> {
    await this.#put(`discarded/${name}.json`, JSON.stringify({ discarded, history, body }));
  }

  async *names(): AsyncIterable<string> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: PARKED });
    for await (const { Contents = [] } of pages) {
      for (const { Key = '' } of Contents) yield Key.slice(PARKED.length).replace(/\.json$/, '');
    }
  }

  async read(name: string): Promise<ParkedLetter | undefined> {
    try {
      const get = new GetObjectCommand({ Bucket: this.#bucket, Key: parkedKey(name) });
      const { Body } = await this.#client.send(get);
      const { history, body } = JSON.parse((await Body?.transformToString()) ?? '');
      return { name, body, history };
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: parkedKey(name) }));
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

/** The archive, on a client of its own: for functions that load both when there is something to keep. */
export function openArchive(bucket: string): Archive {
  return new Archive(s3(), bucket);
}

function parkedKey(name: string): string {
  return `${PARKED}${name}.json`;
}
