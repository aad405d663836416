// The stream for the canary: lists open shards, and puts a record on each.
import { type KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { listShards } from '../aws/list-shards.ts';
import type { Heartbeat, OpenShard } from '../core/canary.ts';
import { parseShardId } from '../core/identifiers.ts';
import type { HeartbeatStream } from '../ports.ts';

/** The limit of PutRecords. */
const PUT_RECORDS_MAX = 500;

/** Puts records directly, since the front door cannot choose a shard. */
export class KinesisHeartbeats implements HeartbeatStream {
  readonly #client: KinesisClient;
  readonly #stream: string;

  constructor(client: KinesisClient, stream: string) {
    this.#client = client;
    this.#stream = stream;
  }

  async openShards(): Promise<readonly OpenShard[]> {
    const open: OpenShard[] = [];
    for await (const shard of listShards(this.#client, this.#stream)) {
      // A shard that was split or merged stays listed while its records are kept.
      if (shard.SequenceNumberRange?.EndingSequenceNumber !== undefined) continue;
      open.push({
        shard: parseShardId(shard.ShardId ?? ''),
        startingHashKey: shard.HashKeyRange?.StartingHashKey ?? '0',
      });
    }
    return open;
  }

  async put(heartbeats: readonly Heartbeat[]): Promise<readonly Heartbeat[]> {
    const missing: Heartbeat[] = [];
    for (let from = 0; from < heartbeats.length; from += PUT_RECORDS_MAX) {
      const batch = heartbeats.slice(from, from + PUT_RECORDS_MAX);
      const { Records = [] } = await this.#client.send(
        new PutRecordsCommand({
          StreamName: this.#stream,
          Records: batch.map(({ id, hashKey, data }) => ({
            PartitionKey: id,
            ExplicitHashKey: hashKey,
            Data: Buffer.from(data),
          })),
        }),
      );
      // A 200 may contain failed entries, in the order of the request.
      missing.push(...batch.filter((_, index) => Records[index]?.SequenceNumber === undefined));
    }
    return missing;
  }
}
