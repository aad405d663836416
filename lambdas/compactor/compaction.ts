// What the compactor needs, how it works, and what it reports: shared by its steps.
import type { RetentionsMs } from '../counting/levels.ts';
import type { LevelLedger, LevelStore, TopStore } from '../level-ports.ts';
import type { BooksLedger, Clock, CounterReader, SegmentLedger, ShardDirectory } from '../ports.ts';

/** What the compactor needs. */
export interface CompactorPorts {
  /** Segments and their entries. */
  readonly ledger: Pick<BooksLedger, 'shards' | 'readHead' | 'readEntries' | 'entriesUp'> &
    Pick<SegmentLedger, 'entriesDown'>;
  /** What segments touched, cursors and claims. */
  readonly progress: LevelLedger;
  readonly stream: ShardDirectory;
  readonly counters: CounterReader;
  readonly levels: LevelStore;
  readonly tops: TopStore;
  readonly clock: Clock;
}

/** How the compactor works. Times are milliseconds. */
export interface CompactorSettings {
  /** The stream's generation, part of every shard's key. */
  readonly generation: string;
  /** How long counter items and levels are kept. */
  readonly retentionsMs: RetentionsMs;
  /** Every shard is taken through once an interval: of this length for days, and for months with the total. */
  readonly intervalsMs: Readonly<Record<'days' | 'months', number>>;
  /** How long after an interval's end it is worked off: stragglers are then in. */
  readonly settleMs: number;
  /** How long an unsettled segment may hold up those that follow. */
  readonly patienceMs: number;
  /** Items set at once. */
  readonly concurrency: number;
  /** How many items of a level are held at once; with more of them due, the segments are looked at again for the others. */
  readonly sweepItems: number;
  /** Items that are recomputed before the top lists hear of them. Whole portions alone are taken for done when time runs out. */
  readonly portionItems: number;
  /** How long one pass may look at segments: what is not looked at by then is for another step, so that a run gets something done. */
  readonly lookingMs: number;
  readonly topLists: TopListSettings;
}

/**
 * How long a pass of a run may look: most of a run is for working off what was seen, however short its time-out makes it.
 * A run that looked until its end would do nothing, and so would the next.
 * @param leftMs what the run has left when it starts
 */
export function lookingMsOf({ lookingMs }: Pick<CompactorSettings, 'lookingMs'>, leftMs: number): number {
  return Math.min(lookingMs, Math.floor(leftMs * 0.4));
}

/** How top lists are kept. */
export interface TopListSettings {
  /** Most entries of a list. */
  readonly entriesMax: number;
  /** How many of its first entries a list is made anew for when it can no longer say them. */
  readonly certainMin: number;
  /** Most segments that one run looks through to make lists anew, and most counters that it reads for that. */
  readonly remakeSegmentsMax: number;
  readonly remakeCountersMax: number;
}

/** What one run did: the source of its metrics. */
export interface CompactionReport {
  /** Segments looked at, for the first time or because more of them is counted. */
  segments: number;
  /** Passes over all that is due: one a level, and one more for each time that not everything fitted into memory. */
  passes: number;
  /** Items that were recomputed, those of them that changed, and conflicts with another compactor on the way. */
  recomputed: number;
  changed: number;
  conflicts: number;
  /** Touched hours that no level will ever hold: their items, or the list of them, are past their retention. */
  missed: number;
  /** Segments that are looked at again once they are settled. */
  open: number;
  /** Top lists that were changed, those that were made anew, and those that are left without certainty of their first entries. */
  topsChanged: number;
  topsRemade: number;
  topsUncertain: number;
  /** Names of some of the latter, for whoever looks after them. */
  readonly uncertainTops: string[];
  /** Segments and counters that were read to make lists anew. */
  readonly remaking: { segments: number; counters: number };
  /** Before which hour the days are closed, epoch milliseconds; 0 when that was not found out, or is none. */
  closedBeforeMs: number;
  /** False when time ran out. */
  complete: boolean;
}

/** A report of nothing done yet. */
export function emptyReport(): CompactionReport {
  const none = { segments: 0, passes: 0, recomputed: 0, changed: 0, conflicts: 0, missed: 0, open: 0 };
  const tops = { topsChanged: 0, topsRemade: 0, topsUncertain: 0, remaking: { segments: 0, counters: 0 } };
  const uncertainTops: string[] = [];
  return { ...none, ...tops, uncertainTops, closedBeforeMs: 0, complete: true };
}
