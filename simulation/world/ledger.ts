// A fake ledger table: what it holds, and what each conditional write does to it.
import type { Generation } from '../../lambdas/core/generation.ts';
import { type Books, EMPTY_BOOKS } from '../../lambdas/counting/books.ts';
import type { PartName, SegmentId, ShardKey } from '../../lambdas/counting/identifiers.ts';
import { compareSequenceNumbers, parseSegmentId } from '../../lambdas/counting/identifiers.ts';
import { type LevelCursor, START_CURSOR } from '../../lambdas/counting/level-cursor.ts';
import { type CompactedLevel, type LevelClaim, NO_CLAIMS } from '../../lambdas/counting/levels.ts';
import type { Head } from '../../lambdas/counting/segment.ts';
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { NotedPlace, StreamGap } from '../../lambdas/ports.ts';
import { UNWATCHED, type WorldObserver } from './observer.ts';

/** What the ledger keeps of one shard. */
interface StoredLedger {
  head: Head | undefined;
  readonly entries: Map<number, SegmentEntry>;
  /** Packed ids by `segment/chunk`. */
  readonly ids: Map<string, Uint8Array>;
  /** Touched counters by `segment/chunk`. */
  readonly touched: Map<string, string>;
  readonly gaps: Map<string, StreamGap>;
  readonly cursors: Map<CompactedLevel, LevelCursor>;
  books: Books;
}

/** The ledger's state. Every method is one request of the service: all of it happens, or nothing. */
export class FakeLedger {
  readonly #shards = new Map<ShardKey, StoredLedger>();
  readonly #listed = new Set<ShardKey>();
  /** The published `completeThrough`, epoch milliseconds; 0 as long as there is none. */
  claimMs = 0;
  generations: readonly Generation[] = [];
  /** The published claims of the levels. */
  readonly levelClaims: Record<CompactedLevel, LevelClaim> = {
    days: NO_CLAIMS.days,
    months: NO_CLAIMS.months,
  };
  /** Grows with every change of what accounts are read from: heads, entries, books, the list of shards. */
  changes = 0;
  readonly #observer: WorldObserver;

  constructor(observer: WorldObserver = UNWATCHED) {
    this.#observer = observer;
  }

  /** Everything kept of a shard; an empty ledger when there is nothing yet. */
  of(shard: ShardKey): StoredLedger {
    let stored = this.#shards.get(shard);
    if (stored === undefined) {
      stored = {
        head: undefined,
        entries: new Map(),
        ids: new Map(),
        touched: new Map(),
        cursors: new Map(),
        gaps: new Map(),
        books: EMPTY_BOOKS,
      };
      this.#shards.set(shard, stored);
    }
    return stored;
  }

  /** Every shard of which anything is kept. */
  keys(): readonly ShardKey[] {
    return [...this.#shards.keys()];
  }

  /** The shards that were registered. */
  listed(): readonly ShardKey[] {
    return [...this.#listed].sort();
  }

  register(shard: ShardKey): void {
    this.#listed.add(shard);
    this.changes += 1;
  }

  /** @returns whether the condition held */
  putPlan(shard: ShardKey, plan: Head): boolean {
    const { head } = this.of(shard);
    const holds =
      plan.segment > 1 ? head?.segment === plan.segment - 1 && head.status === 'sent' : head === undefined;
    if (!holds) return false;
    this.of(shard).head = plan;
    this.changes += 1;
    return true;
  }

  /** @returns whether the condition held */
  endHead(shard: ShardKey, ended: Head): boolean {
    const { head } = this.of(shard);
    const holds =
      ended.segment > 0 ? head?.segment === ended.segment && head.status === 'sent' : head === undefined;
    if (!holds) return false;
    this.of(shard).head = ended;
    this.changes += 1;
    return true;
  }

  /** @returns whether the condition held */
  putGenerations(generations: readonly Generation[], length: number): boolean {
    if (this.generations.length !== length) return false;
    this.generations = generations;
    return true;
  }

  /** @returns whether the condition held */
  markSent(shard: ShardKey, sent: Head): boolean {
    const { head } = this.of(shard);
    const holds = head?.segment === sent.segment && head.status === 'planned';
    if (!holds) return false;
    this.of(shard).head = sent;
    this.changes += 1;
    return true;
  }

  putIds(shard: ShardKey, segment: number, chunk: number, ids: Uint8Array): void {
    this.of(shard).ids.set(`${segment}/${chunk}`, ids.slice());
  }

  putTouched(shard: ShardKey, segment: number, chunk: number, text: string): void {
    this.of(shard).touched.set(`${segment}/${chunk}`, text);
  }

  /** @returns whether the condition held */
  putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): boolean {
    const { entries } = this.of(shard);
    if (entries.has(entry.segment)) return false;
    entries.set(entry.segment, entry);
    this.changes += 1;
    this.#observer.entryPut(shard, entry);
    return true;
  }

  /** Keeps a gap, or the larger extent of one that was noticed before. */
  recordGap(shard: ShardKey, gap: StreamGap): 'noted' | 'known' {
    const { gaps } = this.of(shard);
    const known = gaps.get(gap.after);
    if (known !== undefined && compareSequenceNumbers(known.before, gap.before) >= 0) return 'known';
    gaps.set(gap.after, gap);
    return 'noted';
  }

  /** @returns the entry as it was before; undefined when there is none */
  acknowledge(segment: SegmentId, parts: readonly number[]): SegmentEntry | undefined {
    const named = parseSegmentId(segment);
    const before = this.of(named.shard).entries.get(named.segment);
    this.#update(segment, (entry) => ({ ...entry, acked: withAll(entry.acked, parts) }));
    this.#observer.partsAcknowledged(segment, parts);
    return before;
  }

  notePlace({ segment, part }: PartName, place: NotedPlace): boolean {
    return this.#update(segment, (entry) => {
      if (place === 'dead') return { ...entry, dead: withAll(entry.dead, [part]) };
      const dead = without(entry.dead, part);
      if (place === 'parked') return { ...entry, dead, parked: withAll(entry.parked, [part]) };
      const parked = without(entry.parked, part);
      if (place === 'discarded')
        return { ...entry, dead, parked, discarded: withAll(entry.discarded, [part]) };
      return { ...entry, dead, parked, discarded: without(entry.discarded, part) };
    });
  }

  noteExpired({ segment, part }: PartName, events: number): 'noted' | 'acknowledged' | 'no-entry' {
    const named = parseSegmentId(segment);
    const entry = this.of(named.shard).entries.get(named.segment);
    if (entry === undefined) return 'no-entry';
    if (entry.acked.has(part)) return 'acknowledged';
    this.#update(segment, (before) => ({ ...before, expired: { ...before.expired, [part]: events } }));
    return 'noted';
  }

  markLost(shard: ShardKey, segment: number): boolean {
    return this.#change(shard, segment, (entry) => ({ ...entry, lost: true }));
  }

  /** @returns whether the condition held */
  raiseClaim(throughMs: number): boolean {
    if (this.claimMs !== 0 && this.claimMs >= throughMs) return false;
    this.claimMs = throughMs;
    this.#observer.claimRaised(throughMs);
    return true;
  }

  /** @returns whether the condition held */
  putBooks(shard: ShardKey, books: Books): boolean {
    const stored = this.of(shard);
    if (stored.books.revision !== books.revision - 1) return false;
    stored.books = books;
    this.changes += 1;
    return true;
  }

  cursor(shard: ShardKey, level: CompactedLevel): LevelCursor {
    return this.of(shard).cursors.get(level) ?? START_CURSOR;
  }

  /** @returns whether the condition held */
  putCursor(shard: ShardKey, level: CompactedLevel, cursor: LevelCursor): boolean {
    if (this.cursor(shard, level).revision !== cursor.revision - 1) return false;
    this.of(shard).cursors.set(level, cursor);
    return true;
  }

  /** Raises one of the two things that are claimed of a level. */
  raiseLevelClaim(level: CompactedLevel, what: keyof LevelClaim, ms: number): void {
    const claim = this.levelClaims[level];
    if (claim[what] >= ms) return;
    this.levelClaims[level] = { ...claim, [what]: ms };
    this.#observer.levelClaimRaised(level, this.levelClaims[level]);
  }

  #update(id: SegmentId, change: (entry: SegmentEntry) => SegmentEntry): boolean {
    const { shard, segment } = parseSegmentId(id);
    return this.#change(shard, segment, change);
  }

  /** Changes an entry on condition that it exists. */
  #change(shard: ShardKey, segment: number, change: (entry: SegmentEntry) => SegmentEntry): boolean {
    const { entries } = this.of(shard);
    const entry = entries.get(segment);
    if (entry === undefined) return false;
    entries.set(segment, change(entry));
    this.changes += 1;
    return true;
  }
}

function withAll(set: ReadonlySet<number>, numbers: readonly number[]): ReadonlySet<number> {
  return new Set([...set, ...numbers]);
}

function without(set: ReadonlySet<number>, number: number): ReadonlySet<number> {
  return new Set([...set].filter((other) => other !== number));
}
