// Puts batches into the stream directly: the same records as the front door makes of a request with a batch key.
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { CollectorPorts } from './ports.ts';

/** PutRecords' limit. */
const PUT_RECORDS_MAX = 500;

/** Batches on Kinesis. */
export class KinesisBatches {
  readonly #client: KinesisClient;
  readonly #stream: string;

  constructor(client: KinesisClient, stream: string) {
    this.#client = client;
    this.#stream = stream;
  }

  readonly put: CollectorPorts['stream']['put'] = async (records) => {
    const now = records.slice(0, PUT_RECORDS_MAX);
    const put = new PutRecordsCommand({
      StreamName: this.#stream,
      Records: now.map(({ key, data }) => ({ PartitionKey: key, Data: Buffer.from(data) })),
    });
    const { Records = [] } = await this.#client.send(put);
    // A 200 may contain failed entries, in the order of the request.
    const failed = now.filter((_, index) => Records[index]?.SequenceNumber === undefined);
    return [...failed, ...records.slice(PUT_RECORDS_MAX)];
  };
}
