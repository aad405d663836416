// What deleting an entity needs, and what it reports. Types only.
import type { Deletion } from '../core/deletions.ts';
import type { DeltaName } from '../core/delta.ts';
import type { Level, Retentions } from '../core/level.ts';
import type { ArchiveCleaner, Clock, Pause } from '../ports.ts';
import type {
  BlockReader,
  BlockWriter,
  CompactionStateReader,
  DeltaReader,
  LateRewriter,
  PeriodReader,
  TopStore,
} from '../store/ports.ts';

/** The register of deletions, as a deletion enters itself. */
export interface DeletionRegister {
  /** From now on epochs are planned without the entity's rows, and queries leave them out. @returns the entry's number */
  registerDeletion(deletion: Deletion): Promise<number>;
  /** Queries read the entity's blocks again. @param number of an entry whose rows are gone from them */
  finishDeletion(number: number): Promise<void>;
}

/** What is rewritten besides blocks. Each replacement holds only if the rows are as read. */
export interface RowForgetter extends LateRewriter {
  replaceDelta(name: DeltaName, before: Uint8Array, rows: Uint8Array): Promise<'replaced' | 'conflict'>;
}

/** What deleting needs. */
export interface DeletionPorts {
  readonly state: CompactionStateReader & DeletionRegister;
  readonly store: BlockReader & BlockWriter & DeltaReader & PeriodReader & TopStore;
  readonly forget: RowForgetter;
  readonly archive: ArchiveCleaner;
  readonly clock: Clock;
  /** Waits for compaction, or brings it about. */
  readonly pause: Pause;
}

/** How a deletion works. */
export interface DeletionSettings {
  readonly retentions: Retentions;
  /** How long it waits for what is under way before it goes on without. */
  readonly patienceMs: number;
}

/** What was found of an entity, or deleted: numbers only. */
export interface DeletionReport {
  /** Events in its rows, as far as all time and what isn't compacted yet know. */
  events: number;
  /** Its rows in blocks, by level. */
  readonly rows: Record<Level, number>;
  /** Deltas and late items that have rows of it. */
  deltas: number;
  late: number;
  /** Top lists that were made anew; of a dry run, those that name it. */
  tops: number;
  /** Whether everything that had arrived before was compacted by then. */
  settled: boolean;
  readonly archive: {
    objects: number;
    rewritten: number;
    removed: number;
    /** Keys of objects that name the entity and have to be looked at by a person. */
    readonly byHand: string[];
  };
}

/** What happens as it is done, for whoever waits. */
export interface DeletionOptions {
  /** Only look. */
  readonly dryRun: boolean;
  /** Whether to read through the archive, which takes a request for each object in it. */
  readonly archive: boolean;
  /** Hears in a few words what is being done. */
  readonly onProgress?: ((line: string) => void) | undefined;
}
