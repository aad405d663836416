// The records of repairs on S3.
import type { S3Client } from '@aws-sdk/client-s3';
import { Bucket } from '../aws/bucket.ts';

/** The archive bucket under `repairs/`. */
export class RepairArchive {
  readonly #bucket: Bucket;

  constructor(client: S3Client, bucket: string) {
    this.#bucket = new Bucket(client, bucket);
  }

  /** `repairs/NAME.ndjson`: a line for each difference, or for each replaced row. Repeatable. */
  async keepRepair(name: string, lines: readonly object[]): Promise<void> {
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    await this.#bucket.put(`repairs/${name}.ndjson`, text, 'application/x-ndjson');
  }
}
