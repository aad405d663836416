// The stream for the canary: lists open shards, and puts a record on each.
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { listShards } from '../aws/list-shards.ts';
import type { Heartbeat, OpenShard } from '../core/canary.ts';
import { parseShardId } from '../core/identifiers.ts';
import type { HeartbeatStream } from '../ports.ts';

/** The limit of PutRecords. */
const PUT_RECORDS_MAX = 500;

/** Puts records directly, since the front door cannot choose a shard. */
export function kinesisHeartbeats(client: KinesisClient, StreamName: string): HeartbeatStream {
  return {
    openShards: async () => {
      const open: OpenShard[] = [];
      for await (const { ShardId, SequenceNumberRange, HashKeyRange } of listShards(client, StreamName)) {
        // A shard that was split or merged stays listed while its records are kept.
        if (SequenceNumberRange?.EndingSequenceNumber !== undefined) continue;
        const startingHashKey = HashKeyRange?.StartingHashKey ?? '0';
        open.push({ shard: parseShardId(ShardId ?? ''), startingHashKey });
      }
      return open;
    },
    put: async (heartbeats) => {
      const missing: Heartbeat[] = [];
      for (let from = 0; from < heartbeats.length; from += PUT_RECORDS_MAX) {
        const batch = heartbeats.slice(from, from + PUT_RECORDS_MAX);
        const entries = batch.map(({ id, hashKey, data }) => ({
          PartitionKey: id,
          ExplicitHashKey: hashKey,
          Data: Buffer.from(data),
        }));
        const { Records = [] } = await client.send(new PutRecordsCommand({ StreamName, Records: entries }));
        // A 200 may contain failed entries, in the order of the request.
        missing.push(...batch.filter((_, index) => Records[index]?.SequenceNumber === undefined));
      }
      return missing;
    },
  };
}
