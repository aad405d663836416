// Reproduces one segment with the aggregator's own code.
import type { DedupWindows, WindowPlan } from '../aggregator/windows.ts';
import type { ShardKey } from '../core/identifiers.ts';
import { rollUp, type SegmentOutput } from '../core/rollup.ts';
import { type Head, plannedRecords, ROLLUP_VERSION } from '../core/segment.ts';
import { MissingLedgerItem, type SegmentEntry } from '../core/segment-entry.ts';
import type { SegmentReader } from '../raw-ports.ts';
import type { RecountPorts, UnknownReason } from './ports.ts';

/** Reproduces one segment. @returns the reason if it cannot */
export async function produceOne(
  entry: SegmentEntry,
  shard: ShardKey,
  { ancestors }: Pick<Head, 'ancestors'>,
  reader: SegmentReader,
  windows: DedupWindows,
  { ledger }: Pick<RecountPorts, 'ledger'>,
): Promise<SegmentOutput | UnknownReason> {
  if (entry.lost) return 'lost';
  if (entry.version !== ROLLUP_VERSION) return 'rollup-version';
  const read = await reader.read(entry);
  if (typeof read === 'string') return read;
  const records = plannedRecords(entry, read);
  if (records === undefined) return 'trimmed';
  const plan: WindowPlan = { ...entry, ancestors };
  try {
    const output = rollUp(records, await windows.before(shard, plan, ledger), entry.config);
    if (output.digest !== entry.digest) return 'produced-differently';
    const sent: Head = { ...entry, ancestors, status: 'sent', totals: entry.accounts };
    windows.remember(shard, sent, output.ids);
    return output;
  } catch (error) {
    if (error instanceof MissingLedgerItem) return 'ids-expired';
    throw error;
  }
}
