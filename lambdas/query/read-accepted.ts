// The use case of the status: where every event is, from the moment the front door accepted it.
import pLimit from 'p-limit';
import { readShards } from '../accountant/read-status.ts';
import { shardKey } from '../core/identifiers.ts';
import {
  type AcceptedStatus,
  pipelineStatus,
  type ShardAccounts,
  type Unread,
  withUnread,
} from '../core/pipeline-status.ts';
import type { BooksLedger, ShardDirectory, UnreadLog } from '../ports.ts';

/** What the status needs. */
export interface AcceptedPorts {
  readonly ledger: BooksLedger;
  readonly stream: UnreadLog & Pick<ShardDirectory, 'shards'>;
  readonly generation: string;
}

/** Shards read at once. */
const READS_MAX = 16;
/** With more shards the stream is not read: a status is asked for often. */
const SHARDS_MAX = 64;

/**
 * Reads the accounts and what the stream holds beyond them. Each shard is read from where its accounts end, so that
 * `accepted = unread + received` holds although both grow meanwhile.
 * @param onUnreadable hears why the stream could not be read
 */
export async function readAccepted(
  { ledger, stream, generation }: AcceptedPorts,
  onUnreadable: (error: unknown) => void,
): Promise<AcceptedStatus> {
  const shards = await readShards(ledger);
  const status = pipelineStatus(shards);
  try {
    return withUnread(status, await unreadOf(shards, stream, generation));
  } catch (error) {
    onUnreadable(error);
    return withUnread(status, undefined);
  }
}

async function unreadOf(
  shards: readonly ShardAccounts[],
  stream: AcceptedPorts['stream'],
  generation: string,
): Promise<readonly Unread[] | undefined> {
  const known = new Map(shards.map((accounts) => [accounts.shard, accounts]));
  const listed = await stream.shards();
  if (listed.length > SHARDS_MAX) return undefined;
  const limit = pLimit(READS_MAX);
  return Promise.all(
    listed.map(({ shard }) =>
      limit(async () => {
        const head = known.get(shardKey(generation, shard))?.head;
        const after = await stream.countAfter(shard, head?.last);
        if (head === undefined || head.status === 'sent') return after;
        // A planned segment is received once it is sent.
        const events = after.events + (head.events ?? head.records);
        return { ...after, events, sinceMs: head.minArrivalMs };
      }),
    ),
  );
}
