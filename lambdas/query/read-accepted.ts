// The status use case: where every event is, from the moment the front door accepted it.
import pLimit from 'p-limit';
import { readShards } from '../accountant/read-status.ts';
import { generationsIn, shardBeginning } from '../core/generation.ts';
import { type ShardId, shardKey } from '../core/identifiers.ts';
import {
  type AcceptedStatus,
  pipelineStatus,
  SHARDS_MAX,
  type ShardAccounts,
  type Unread,
  withUnread,
} from '../core/pipeline-status.ts';
import type { CheckpointLedger, GenerationLedger, ShardDirectory, UnreadLog } from '../ports.ts';

export interface AcceptedPorts {
  readonly ledger: CheckpointLedger & Pick<GenerationLedger, 'readGenerations'>;
  readonly stream: UnreadLog & Pick<ShardDirectory, 'shards'>;
}

const READS_MAX = 16;

/**
 * Reads the accounts and what the stream holds beyond them. Reads each shard from where its accounts end, so that
 * `accepted = unread + received` holds although both grow meanwhile.
 * @param onUnreadable called with the reason if the stream cannot be read
 */
export async function readAccepted(
  { ledger, stream }: AcceptedPorts,
  onUnreadable: (error: unknown) => void,
): Promise<AcceptedStatus> {
  const shards = await readShards(ledger);
  const status = pipelineStatus(shards);
  try {
    return withUnread(status, await unreadOf(shards, { ledger, stream }));
  } catch (error) {
    onUnreadable(error);
    return withUnread(status, undefined);
  }
}

async function unreadOf(
  shards: readonly ShardAccounts[],
  { ledger, stream }: AcceptedPorts,
): Promise<readonly Unread[] | undefined> {
  const listed = await stream.shards();
  if (listed.length > SHARDS_MAX) return undefined;
  const beginningOf = await beginnings(shards, ledger);
  const limit = pLimit(READS_MAX);
  return Promise.all(
    listed.map(({ shard }) =>
      limit(async () => {
        const { place, before } = beginningOf(shard);
        const unread = await stream.countFrom(shard, place);
        if (place.after === undefined || before?.head.status !== 'planned') return unread;
        // A planned segment counts as received once it is sent.
        const { events, records, minArrivalMs } = before.head;
        return { ...unread, events: unread.events + (events ?? records), sinceMs: minArrivalMs };
      }),
    ),
  );
}

/** Where each shard would begin in a generation after the current one: after everything that any generation received. */
async function beginnings(shards: readonly ShardAccounts[], ledger: AcceptedPorts['ledger']) {
  const heads = new Map(shards.filter(({ head }) => head.segment > 0).map((each) => [each.shard, each]));
  const listed = await ledger.readGenerations();
  const generations = listed.length > 0 ? listed : generationsIn([...heads.keys()]);
  const next = { name: '', from: 'heads', startedAtMs: 0 } as const;
  return (shard: ShardId) =>
    shardBeginning([...generations, next], (name) =>
      name === '' ? undefined : heads.get(shardKey(name, shard)),
    );
}
