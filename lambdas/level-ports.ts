// The ports to what is made of counter items: days, months, totals and top lists, as types only.
import type { ShardKey } from './counting/identifiers.ts';
import type { LevelCursor } from './counting/level-cursor.ts';
import type {
  Claims,
  CompactedLevel,
  LevelChange,
  LevelClaim,
  LevelItem,
  LevelName,
} from './counting/levels.ts';
import type { SegmentEntry } from './counting/segment-entry.ts';
import type { TopList } from './counting/top-list.ts';
import type { TopName } from './counting/top-name.ts';

/** What is published about completeness. */
export interface ClaimReader {
  /** Up to which arrivals everything is counted, and in the levels; strongly consistent. */
  readClaims(): Promise<Claims>;
}

/** The ledger as the compactor uses it, besides the entries: what segments touched, and how far the levels got. */
export interface LevelLedger extends ClaimReader {
  /** The chunks of touched counters that are kept beside an entry; undefined when one of them is gone. */
  readTouched(
    shard: ShardKey,
    entry: Pick<SegmentEntry, 'segment' | 'touchedChunks'>,
  ): Promise<readonly string[] | undefined>;
  /** Keeps an entry's touched counters for ever: what waits for an operator may wait longer than entries are kept. */
  keepTouched(shard: ShardKey, entry: Pick<SegmentEntry, 'segment' | 'touchedChunks'>): Promise<void>;
  readCursor(shard: ShardKey, level: CompactedLevel): Promise<LevelCursor>;
  /** Puts a cursor on condition that the one there is one revision older. */
  putCursor(shard: ShardKey, level: CompactedLevel, cursor: LevelCursor): Promise<'put' | 'conflict'>;
  /** Raises what is claimed of a level, each of the two unless it is there already. */
  raiseLevelClaim(level: CompactedLevel, claim: LevelClaim): Promise<void>;
}

/** The levels as queries read them; strongly consistent. */
export interface LevelReader {
  /** One item; undefined when there is none. */
  readLevel(name: LevelName): Promise<LevelItem | undefined>;
  /** The items of a counter that start in `fromMs <= start < toMs`, by time. */
  levelItems(
    counter: Pick<LevelName, 'metric' | 'entity'> & { readonly level: CompactedLevel },
    fromMs: number,
    toMs: number,
  ): AsyncIterable<LevelItem>;
}

/** The levels as the compactor uses them. */
export interface LevelStore extends LevelReader {
  /** Sets sums on condition that the item still has the revision with which it was read. */
  setSums(change: LevelChange): Promise<'set' | 'conflict'>;
}

/** A top list as it is kept. */
export interface StoredTop {
  readonly list: TopList;
  /** Grows by one with every change, from 1; 0 when there is no list yet. */
  readonly revision: number;
  /** When it may be deleted, epoch seconds; undefined: never. */
  readonly expiresAt: number | undefined;
}

/** The top lists as queries read them; strongly consistent. */
export interface TopReader {
  /** An empty list of revision 0 when there is none. */
  readTop(name: TopName): Promise<StoredTop>;
}

/** The index of open hours, where a stage has it; eventually consistent. */
export interface OpenHours {
  /** The entities that have most of a metric in an open hour, at most `max`, first ones first. */
  leaders(metric: string, hourMs: number, max: number): Promise<readonly string[]>;
}

/** The top lists as the compactor uses them. */
export interface TopStore extends TopReader {
  /** Puts a list on condition that the one there is one revision older. */
  putTop(name: TopName, top: StoredTop): Promise<'put' | 'conflict'>;
}

/** The top lists as a deletion goes through them. */
export interface EntityTops extends Pick<TopStore, 'readTop' | 'putTop'> {
  /** Every list of a metric. */
  topsOf(metric: string): AsyncIterable<{ readonly name: TopName; readonly top: StoredTop }>;
}
