// Puts batches into the stream directly: the same records as the front door makes of a request with a batch key.
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { CollectorPorts } from './ports.ts';

const PUT_RECORDS_MAX = 500;

/** Puts at most PutRecords' limit of batches at once. */
export function kinesisBatches(client: KinesisClient, StreamName: string): CollectorPorts['stream'] {
  return {
    put: async (records) => {
      const now = records.slice(0, PUT_RECORDS_MAX);
      const entries = now.map(({ key, data }) => ({ PartitionKey: key, Data: Buffer.from(data) }));
      const { Records = [] } = await client.send(new PutRecordsCommand({ StreamName, Records: entries }));
      // A 200 may contain failed entries, in the order of the request.
      const failed = now.filter((_, index) => Records[index]?.SequenceNumber === undefined);
      return [...failed, ...records.slice(PUT_RECORDS_MAX)];
    },
  };
}
