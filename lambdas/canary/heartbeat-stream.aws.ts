// The stream as the canary uses it: which shards are open, and a record onto each.
import { type KinesisClient, ListShardsCommand, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import type { Heartbeat, OpenShard } from '../core/canary.ts';
import { parseShardId } from '../core/identifiers.ts';
import type { HeartbeatStream } from '../ports.ts';

/** PutRecords takes no more. */
const PUT_RECORDS_MAX = 500;

/** Puts records past the front door: it chooses shards by the event's id, a heartbeat needs each. */
export class KinesisHeartbeats implements HeartbeatStream {
  readonly #client: KinesisClient;
  readonly #stream: string;

  constructor(client: KinesisClient, stream: string) {
    this.#client = client;
    this.#stream = stream;
  }

  async openShards(): Promise<readonly OpenShard[]> {
    const open: OpenShard[] = [];
    let token: string | undefined;
    do {
      const from = token === undefined ? { StreamName: this.#stream } : { NextToken: token };
      const page = await this.#client.send(new ListShardsCommand(from));
      for (const { ShardId, HashKeyRange, SequenceNumberRange } of page.Shards ?? []) {
        // A shard that was split or merged is listed as long as its records are, but has an end.
        if (SequenceNumberRange?.EndingSequenceNumber !== undefined) continue;
        open.push({
          shard: parseShardId(ShardId ?? ''),
          startingHashKey: HashKeyRange?.StartingHashKey ?? '0',
        });
      }
      token = page.NextToken;
    } while (token !== undefined);
    return open;
  }

  async put(beats: readonly Heartbeat[]): Promise<readonly Heartbeat[]> {
    const missing: Heartbeat[] = [];
    for (let from = 0; from < beats.length; from += PUT_RECORDS_MAX) {
      const batch = beats.slice(from, from + PUT_RECORDS_MAX);
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
      // A request answered 200 may have failed entries in it; the answer keeps the request's order.
      missing.push(...batch.filter((_, index) => Records[index]?.SequenceNumber === undefined));
    }
    return missing;
  }
}
