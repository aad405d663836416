// A stream's shards.
import { type KinesisClient, ListShardsCommand, type Shard } from '@aws-sdk/client-kinesis';

/** Open shards, and closed ones while their records are kept. (The SDK's paginator sends StreamName with NextToken, which Kinesis refuses.) */
export async function* listShards(client: KinesisClient, stream: string): AsyncIterable<Shard> {
  let token: string | undefined;
  do {
    const from = token === undefined ? { StreamName: stream } : { NextToken: token };
    const page = await client.send(new ListShardsCommand(from));
    yield* page.Shards ?? [];
    token = page.NextToken;
  } while (token !== undefined);
}
