// A stack's store and ledger, for operators' commands.
import { KinesisLog } from '../../lambdas/aws/stream-log.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import { BLOCK_BYTES, RANGE_EVENTS_MAX } from '../../lambdas/compactor/ports.ts';
import { OPEN_SEGMENTS_MAX } from '../../lambdas/core/compaction.ts';
import { DAY_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import type { Clock, ShardDirectory } from '../../lambdas/ports.ts';
import { RewriteTable } from '../../lambdas/store/rewrite-table.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import type { StackAccess } from './stack-access.ts';

export const clock: Clock = { nowMs: () => Date.now() };

/** Adapters on a pair of tables, and compaction as in the stack's function. */
export type StoreAccess = ReturnType<typeof openStore>;

/** A retention in milliseconds; undefined: forever. */
export function retentionMs(days: number | 'forever'): number | undefined {
  return days === 'forever' ? undefined : days * DAY_MS;
}

/** Opens a pair of tables, by default the stack's own. @param other for rebuilt tables, which keep everything and have no stream */
export function openStore(
  { dynamoDb, kinesis, resources }: StackAccess,
  tables = { counts: resources.countsTable, ledger: resources.ledgerTable },
  other?: { readonly generation: string; readonly stream: ShardDirectory },
) {
  const { settings } = resources;
  const kept = (days: number | 'forever') => (other === undefined ? retentionMs(days) : undefined);
  const ledger = new LedgerTable(dynamoDb, tables.ledger, clock, kept(settings.ledgerRetentionDays));
  const store = new StoreTable(dynamoDb, tables.counts, clock, kept(settings.deltaRetentionDays));
  const state = new CompactionStateTable(dynamoDb, tables.ledger);
  const stream = other?.stream ?? new KinesisLog(kinesis, resources.streamName);
  return {
    ledger,
    store,
    state,
    rewriter: new RewriteTable(dynamoDb, tables.counts),
    compactor: { state, store, ledger, stream, clock },
    settings: {
      generation: other?.generation ?? settings.streamGeneration,
      retentions: {
        hours: kept(settings.minuteRetentionDays),
        days: kept(settings.hourRetentionDays),
        months: kept(settings.dayRetentionDays),
        all: undefined,
      },
      // The operator is waiting for it.
      cadence: { hoursMs: 0 },
      slotBits: Math.log2(settings.hashSlots),
      blockBytes: BLOCK_BYTES,
      rangeEventsMax: RANGE_EVENTS_MAX,
      openMax: OPEN_SEGMENTS_MAX,
    },
  };
}

/** On a busy stack more is due after each epoch: what is left goes on in the stack's function. */
const COMPACT_MS = MINUTE_MS;

/** Compacts what is due, for a while, concurrently with the stack's function. @param forMs `Infinity`: until nothing is due */
export async function compactNow({ compactor, settings }: StoreAccess, forMs = COMPACT_MS): Promise<void> {
  const { clock } = compactor;
  const untilMs = clock.nowMs() + forMs;
  await compact(compactor, settings, () => clock.nowMs() < untilMs);
}
