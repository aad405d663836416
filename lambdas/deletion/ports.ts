// The ports and the report of an entity's deletion. Types only.
import type { Deletion } from '../core/deletions.ts';
import type { Level, Retentions } from '../core/level.ts';
import type { ArchiveCleaner, Clock, Pause } from '../ports.ts';
import type {
  BlockReader,
  BlockWriter,
  CompactionStateReader,
  DeltaReader,
  PeriodReader,
  RowRewriter,
  TopStore,
} from '../store/ports.ts';

/** The register of deletions, for new entries. */
export interface DeletionRegister {
  /** Epochs planned from now on drop the entity's rows, and queries leave them out. @returns the entry's number */
  registerDeletion(deletion: Deletion): Promise<number>;
  /** Lets queries read the entity's blocks again. @param number of an entry whose rows are removed */
  finishDeletion(number: number): Promise<void>;
}

export interface DeletionPorts {
  readonly state: CompactionStateReader & DeletionRegister;
  readonly store: BlockReader & BlockWriter & DeltaReader & PeriodReader & TopStore;
  readonly rewriter: RowRewriter;
  readonly archive: ArchiveCleaner;
  readonly clock: Clock;
  /** Waits for compaction, or runs it. */
  readonly pause: Pause;
}

export interface DeletionSettings {
  readonly retentions: Retentions;
  /** How long to wait for compaction in progress before continuing without it. */
  readonly patienceMs: number;
}

/** What was found or deleted: numbers only. */
export interface DeletionReport {
  /** Events in its rows, from all-time blocks and uncompacted deltas. */
  events: number;
  /** Its rows in blocks, by level. */
  readonly rows: Record<Level, number>;
  /** Deltas and late items with its rows. */
  deltas: number;
  late: number;
  /** Top lists recomputed; in a dry run, lists that name it. */
  tops: number;
  /** Whether everything that had arrived before was compacted by then. */
  settled: boolean;
  readonly archive: {
    objects: number;
    rewritten: number;
    removed: number;
    /** Keys of objects that name the entity and need manual attention. */
    readonly byHand: string[];
  };
}

export interface DeletionOptions {
  /** Report only. */
  readonly dryRun: boolean;
  /** Whether to read the archive, which takes a request for each object in it. */
  readonly archive: boolean;
  /** Called with a short description of each step. */
  readonly onProgress?: ((line: string) => void) | undefined;
}
