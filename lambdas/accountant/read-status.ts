// Reads the pipeline's accounts from the ledger, shard by shard.
import pLimit from 'p-limit';
import { lastEntered, placesNow } from '../core/checkpoint.ts';
import type { ShardKey } from '../core/identifiers.ts';
import {
  type PipelineStatus,
  pipelineStatus,
  type ShardAccounts,
  shardAccounts,
} from '../core/pipeline-status.ts';
import type { SegmentEntry } from '../core/segment-entry.ts';
import type { CheckpointLedger } from '../ports.ts';
import { SHARDS_AT_ONCE } from './shard-progress.ts';

/** Entries of a shard that are in memory at once: after a standstill it has thousands. */
const PIECE_ENTRIES = 100;

/** The accounts of all shards, and their totals. */
export async function readStatus(ledger: CheckpointLedger): Promise<PipelineStatus> {
  return pipelineStatus(await readShards(ledger));
}

/** The accounts of each shard with segments. */
export async function readShards(ledger: CheckpointLedger): Promise<readonly ShardAccounts[]> {
  const limit = pLimit(SHARDS_AT_ONCE);
  const read = (shard: ShardKey) => limit(() => readShard(shard, ledger));
  const shards = await Promise.all((await ledger.shards()).map(read));
  return shards.filter((accounts) => accounts !== undefined);
}

async function readShard(shard: ShardKey, ledger: CheckpointLedger): Promise<ShardAccounts | undefined> {
  // Read the checkpoint first: it can then only be behind the head, never ahead of it.
  const checkpoint = await ledger.readCheckpoint(shard);
  const head = await ledger.readHead(shard);
  if (head === undefined) return undefined;
  let known = checkpoint;
  let status = shardAccounts(shard, head, known, []);
  const add = (piece: readonly SegmentEntry[]) => {
    const { inFlightSinceMs: sinceMs = Number.POSITIVE_INFINITY } = status;
    const next = shardAccounts(shard, head, known, piece);
    known = { ...known, settled: placesNow(known, piece), hours: next.hours };
    const earliestMs = Math.min(sinceMs, next.inFlightSinceMs ?? Number.POSITIVE_INFINITY);
    status = { ...next, inFlightSinceMs: Number.isFinite(earliestMs) ? earliestMs : undefined };
  };
  for (let at = 0; at < checkpoint.open.length; at += PIECE_ENTRIES)
    add(await ledger.readEntries(shard, checkpoint.open.slice(at, at + PIECE_ENTRIES)));
  let piece: SegmentEntry[] = [];
  for await (const entry of ledger.entriesUp(shard, checkpoint.through, lastEntered(head))) {
    piece.push(entry);
    if (piece.length < PIECE_ENTRIES) continue;
    add(piece);
    piece = [];
  }
  if (piece.length > 0) add(piece);
  return status;
}
