// What audits set aside on S3: states as JSON, and lines by partition in one object, of which a range is read at a time.
import { createHash } from 'node:crypto';
import type { S3Client } from '@aws-sdk/client-s3';
import { GetObjectCommand, NoSuchKey, PutObjectCommand, S3ServiceException } from '@aws-sdk/client-s3';
import type { AuditScratch } from '../audit-ports.ts';
import { InvalidAuditRequest } from '../counting/audit-request.ts';
import { type AuditState, decodeAuditState, encodeAuditState } from '../counting/audit-state.ts';

/** Most directories of spills kept in memory, 32 KB each. */
const DIRECTORIES_MAX = 1_000;

/** A spill begins with the bytes of each partition's lines, as 32-bit numbers. */
const NUMBER_BYTES = 4;

/** Scratch objects below `audits/AUDIT/`. What is there is never changed. */
export class S3AuditScratch implements AuditScratch {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #partitions: number;
  readonly #directories = new Map<string, readonly number[]>();

  constructor(client: S3Client, bucket: string, partitions: number) {
    this.#client = client;
    this.#bucket = bucket;
    this.#partitions = partitions;
  }

  async readState(audit: string, step: number): Promise<AuditState | undefined> {
    try {
      return decodeAuditState(new TextDecoder().decode(await this.#get(stateKey(audit, step))));
    } catch (error) {
      if (error instanceof NoSuchKey) return undefined;
      throw error;
    }
  }

  async putStateIfAbsent(state: AuditState): Promise<AuditState> {
    const Key = stateKey(state.id, state.step);
    const Body = encodeAuditState(state);
    try {
      await this.#client.send(
        new PutObjectCommand({
          Bucket: this.#bucket,
          Key,
          Body,
          IfNoneMatch: '*',
          ContentType: 'application/json',
        }),
      );
      return state;
    } catch (error) {
      // 412: it is there. 409, another put of it under way, is thrown: the same page may be asked for again.
      if (!(error instanceof S3ServiceException) || error.$metadata.httpStatusCode !== 412) throw error;
      const winner = await this.readState(state.id, state.step);
      if (winner === undefined) throw error;
      return winner;
    }
  }

  async putSpill(audit: string, partitions: readonly (readonly string[])[]): Promise<string> {
    const sections = partitions.map((lines) =>
      lines.length === 0 ? EMPTY : Buffer.from(`${lines.join('\n')}\n`),
    );
    const directory = Buffer.alloc(partitions.length * NUMBER_BYTES);
    for (const [partition, { length }] of sections.entries()) {
      directory.writeUInt32BE(length, partition * NUMBER_BYTES);
    }
    const Body = Buffer.concat([directory, ...sections]);
    const name = createHash('sha256').update(Body).digest('hex').slice(0, 32);
    await this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: spillKey(audit, name), Body }));
    return name;
  }

  async spillSizes(audit: string, spill: string): Promise<readonly number[]> {
    const key = spillKey(audit, spill);
    const known = this.#directories.get(key);
    if (known !== undefined) return known;
    const bytes = Buffer.from(await this.#getSpill(key, 0, this.#partitions * NUMBER_BYTES));
    const sizes = Array.from({ length: this.#partitions }, (_, partition) =>
      bytes.readUInt32BE(partition * NUMBER_BYTES),
    );
    const [oldest] = this.#directories.keys();
    if (this.#directories.size >= DIRECTORIES_MAX && oldest !== undefined) this.#directories.delete(oldest);
    this.#directories.set(key, sizes);
    return sizes;
  }

  async readSpill(audit: string, spill: string, from: number, to: number): Promise<readonly string[]> {
    const sizes = await this.spillSizes(audit, spill);
    const sum = (partitions: readonly number[]) => partitions.reduce((total, bytes) => total + bytes, 0);
    const bytes = sum(sizes.slice(from, to));
    if (bytes === 0) return [];
    const start = this.#partitions * NUMBER_BYTES + sum(sizes.slice(0, from));
    const text = new TextDecoder().decode(await this.#getSpill(spillKey(audit, spill), start, bytes));
    return text.slice(0, -1).split('\n');
  }

  async #getSpill(key: string, start: number, bytes: number): Promise<Uint8Array> {
    try {
      return await this.#get(key, start, bytes);
    } catch (error) {
      if (!(error instanceof NoSuchKey)) throw error;
      throw new InvalidAuditRequest(
        'what this audit has set aside is gone, by age or because an entity was deleted: begin again with "from" and "to"',
        { cause: error },
      );
    }
  }

  /** Reads an object, or `bytes` of it from `start` on. @throws NoSuchKey when it is not there */
  async #get(Key: string, start?: number, bytes?: number): Promise<Uint8Array> {
    const range =
      start === undefined || bytes === undefined ? undefined : `bytes=${start}-${start + bytes - 1}`;
    const { Body } = await this.#client.send(
      new GetObjectCommand({ Bucket: this.#bucket, Key, Range: range }),
    );
    return (await Body?.transformToByteArray()) ?? EMPTY;
  }
}

const EMPTY = Buffer.alloc(0);

function stateKey(audit: string, step: number): string {
  return `audits/${audit}/states/${step}.json`;
}

function spillKey(audit: string, spill: string): string {
  return `audits/${audit}/spills/${spill}`;
}
