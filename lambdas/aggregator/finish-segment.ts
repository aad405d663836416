// The last step of a segment: marks its head sent, after its messages are sent or after it was given up.
import { addAccounts } from '../core/accounts.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import { lostEntry, type SegmentEntry } from '../core/segment-entry.ts';
import type { SegmentLedger } from '../ports.ts';

/** Marks a planned segment sent. @returns the sent head */
export async function markSent(
  shard: ShardKey,
  head: Head,
  entry: SegmentEntry,
  ledger: Pick<SegmentLedger, 'markSent'>,
): Promise<Head> {
  const sent: Head = { ...head, status: 'sent', totals: addAccounts(head.totals, entry.accounts) };
  await ledger.markSent(shard, sent);
  return sent;
}

/** Gives up a planned segment whose records the stream has trimmed, and reports it lost. @returns the sent head */
export async function giveUp(
  shard: ShardKey,
  head: Head,
  ledger: Pick<SegmentLedger, 'markLost' | 'markSent'>,
): Promise<Head> {
  return markSent(shard, head, await ledger.markLost(shard, lostEntry(head)), ledger);
}
