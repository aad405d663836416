// The compactor's ports and settings.
import type { Cadence } from '../core/compaction.ts';
import type { Level } from '../core/level.ts';
import type { LevelRetentionsMs } from '../core/watermark.ts';
import type { CheckpointLedger, Clock, EntryKeeper, PartLedger, ShardDirectory } from '../ports.ts';
import type {
  BlockReader,
  BlockWriter,
  CompactionStateStore,
  DeltaDiscarder,
  DeltaKeeper,
  DeltaReader,
  LateStore,
  PeriodReader,
  RangeRegister,
  TopStore,
} from '../store/ports.ts';

export interface CompactorPorts {
  readonly state: CompactionStateStore & RangeRegister;
  readonly store: DeltaReader &
    DeltaDiscarder &
    DeltaKeeper &
    BlockReader &
    BlockWriter &
    LateStore &
    TopStore &
    PeriodReader;
  readonly ledger: CheckpointLedger & EntryKeeper & Pick<PartLedger, 'acknowledge' | 'notePlace'>;
  readonly stream: ShardDirectory;
  readonly clock: Clock;
}

export interface CompactorSettings {
  /** The stream's generation. */
  readonly generation: string;
  readonly retentions: LevelRetentionsMs;
  readonly cadence: Cadence;
  /** Segments have a delta for each of 2^slotBits hash ranges. */
  readonly slotBits: number;
  /** Maximum size of a block, in bytes of `rowBytes`. */
  readonly blockBytes: number;
  /** Maximum events of a hash range in an epoch, which bounds memory and time. */
  readonly rangeEventsMax: number;
  /** Limit on open segments in a level's coverage. */
  readonly openMax: number;
  /** From the loss of a segment until its missing parts are given up, milliseconds; an hour by default. */
  readonly giveUpAfterMs?: number;
}

/** The result of one run. */
export interface CompactionReport {
  /** Epochs finished, by level. */
  readonly epochs: Record<Level, number>;
  /** Whether time ran out during an epoch. */
  unfinished: boolean;
}

/** Blocks of this size compress to 4 to 8 KB: few read units for a query, and little lost to rounding of write units. */
export const BLOCK_BYTES = 16_384;

/** At some 500 bytes for a row in memory, a hash range of an epoch takes at most 250 MB. */
export const RANGE_EVENTS_MAX = 500_000;
