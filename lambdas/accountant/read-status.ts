// Reads the pipeline's accounts from the ledger, shard by shard.
import { lastEntered } from '../core/checkpoint.ts';
import type { ShardKey } from '../core/identifiers.ts';
import {
  type PipelineStatus,
  pipelineStatus,
  type ShardAccounts,
  shardAccounts,
} from '../core/pipeline-status.ts';
import type { CheckpointLedger } from '../ports.ts';

/** The accounts of all shards, and their totals. */
export async function readStatus(ledger: CheckpointLedger): Promise<PipelineStatus> {
  return pipelineStatus(await readShards(ledger));
}

/** The accounts of each shard with segments. */
export async function readShards(ledger: CheckpointLedger): Promise<readonly ShardAccounts[]> {
  const shards = await Promise.all((await ledger.shards()).map((shard) => readShard(shard, ledger)));
  return shards.filter((accounts) => accounts !== undefined);
}

async function readShard(shard: ShardKey, ledger: CheckpointLedger): Promise<ShardAccounts | undefined> {
  // Read the checkpoint first: it can then only be behind the head, never ahead of it.
  const checkpoint = await ledger.readCheckpoint(shard);
  const head = await ledger.readHead(shard);
  if (head === undefined) return undefined;
  const open = await ledger.readEntries(shard, checkpoint.open);
  const later = await Array.fromAsync(ledger.entriesUp(shard, checkpoint.through, lastEntered(head)));
  return shardAccounts(shard, head, checkpoint, [...open, ...later]);
}
