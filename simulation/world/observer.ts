// What the fakes tell whoever watches the world: the oracle and its checkers.
import type { CounterUpdate } from '../../lambdas/counting/counter-item.ts';
import type { LevelClaim } from '../../lambdas/counting/levels.ts';
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { StoredCounter } from './counters.ts';
import type { StoredRecord } from './stream.ts';

/** A place in a ranking, as it was put. */
export interface Placed {
  readonly entity: string;
  readonly n: bigint;
}

/** Hears what happened inside the services, right after it did. Names are plain text: an observer has its own ideas. */
export interface WorldObserver {
  recordPut(shard: string, record: StoredRecord): void;
  /** The stream dropped its oldest records. */
  recordsTrimmed(shard: string, records: readonly StoredRecord[]): void;
  /** A rollup message reached the queue, by whomever it was sent. */
  rollupSent(body: string): void;
  counterWritten(update: CounterUpdate, item: StoredCounter): void;
  counterDeleted(item: StoredCounter): void;
  partsAcknowledged(segment: string, parts: readonly number[]): void;
  archived(key: string, body: string): void;
  /** A segment's entry became visible. */
  entryPut(shard: string, entry: SegmentEntry): void;
  /** `completeThrough` was published. */
  claimRaised(throughMs: number): void;
  /** Sums of an item of a level were set; its key, and all of its numbers by attribute. */
  levelSet(pk: string, sk: string, numbers: ReadonlyMap<string, bigint>): void;
  /** A top list was put; its key, its entries in order, and what is outside. */
  topPut(pk: string, sk: string, entries: readonly Placed[], outside: Placed | undefined): void;
  levelClaimRaised(level: 'days' | 'months', claim: LevelClaim): void;
  /** A queue dropped a message that was older than its retention. */
  messageDropped(queue: string, body: string): void;
}

/** Watches nothing. */
export const UNWATCHED: WorldObserver = {
  recordPut() {},
  recordsTrimmed() {},
  rollupSent() {},
  counterWritten() {},
  counterDeleted() {},
  partsAcknowledged() {},
  archived() {},
  entryPut() {},
  claimRaised() {},
  levelSet() {},
  topPut() {},
  levelClaimRaised() {},
  messageDropped() {},
};
