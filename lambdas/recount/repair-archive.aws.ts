// The records of repairs on S3.
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';

/** The archive bucket under `repairs/`. */
export class RepairArchive {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  /** `repairs/NAME.ndjson`: a line for each difference, or for each replaced row. Repeatable. */
  async keepRepair(name: string, lines: readonly object[]): Promise<void> {
    const Body = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const Key = `repairs/${name}.ndjson`;
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key, Body, ContentType: 'application/x-ndjson' }),
    );
  }
}
