// The last step of a segment, whoever takes it: its head is marked sent, after its messages are, or after it was given up.
import { addAccounts } from '../core/accounts.ts';
import type { ShardKey } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import { lostEntry, type SegmentEntry } from '../core/segment-entry.ts';
import type { SegmentLedger } from '../ports.ts';

/** Marks a planned segment sent. @returns the head, sent */
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

/** Gives a planned segment up, since the stream has trimmed its records: it is lost, and named. @returns the head, sent */
export async function giveUp(
  shard: ShardKey,
  head: Head,
  ledger: Pick<SegmentLedger, 'markLost' | 'markSent'>,
): Promise<Head> {
  return markSent(shard, head, await ledger.markLost(shard, lostEntry(head)), ledger);
}
