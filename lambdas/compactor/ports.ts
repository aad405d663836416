// What the compactor needs, and how it works.

import type { LevelRetentionsMs } from '../core/claim.ts';
import type { Cadence } from '../core/compaction.ts';
import type { BooksLedger, Clock, ShardDirectory } from '../ports.ts';
import type {
  BlockReader,
  BlockWriter,
  CompactionStateStore,
  DeltaReader,
  LateStore,
  PeriodReader,
  RangeRegister,
  TopStore,
} from '../store/ports.ts';

/** The compactor's ports. */
export interface CompactorPorts {
  readonly state: CompactionStateStore & RangeRegister;
  readonly store: DeltaReader & BlockReader & BlockWriter & LateStore & TopStore & PeriodReader;
  readonly ledger: BooksLedger;
  readonly stream: ShardDirectory;
  readonly clock: Clock;
}

/** How the compactor works. */
export interface CompactorSettings {
  /** The stream's generation. */
  readonly generation: string;
  readonly retentions: LevelRetentionsMs;
  readonly cadence: Cadence;
  /** Segments have a delta for each of 2^slotBits hash ranges. */
  readonly slotBits: number;
  /** Largest block, in bytes of `rowBytes`. */
  readonly blockBytes: number;
  /** An epoch of the hours stops at so many events a hash range, which bounds its memory. */
  readonly rangeEventsMax: number;
  /** Segments that a level may step over. */
  readonly openMax: number;
}

/** What one run did. */
export interface CompactionReport {
  /** Epochs that were done, by level. */
  readonly epochs: Record<'hours' | 'days' | 'months' | 'all', number>;
  /** Blocks that were put. */
  blocks: number;
  /** About how many write units that took. */
  writeUnits: number;
  /** Segments that the hours' level steps over at the moment. */
  open: number;
  /** Whether an epoch was left unfinished for want of time. */
  unfinished: boolean;
}

/** Blocks of this size take 4 to 8 KB compressed: few read units for a question, and little lost to rounding up when written. */
export const BLOCK_BYTES = 16_384;

/** At some 250 bytes for a row in memory, a hash range of an epoch takes 125 MB at most. */
export const RANGE_EVENTS_MAX = 500_000;
