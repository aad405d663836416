// The oracle: it watches the services, knows what was sent, and says which promise is broken.
import type { CounterUpdate } from '../../lambdas/counting/counter-item.ts';
import type { LevelClaim } from '../../lambdas/counting/levels.ts';
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { Clock } from '../../lambdas/ports.ts';
import type { Occurrence } from '../plan/workload.ts';
import type { StoredCounter } from '../world/counters.ts';
import type { Placed, WorldObserver } from '../world/observer.ts';
import type { StoredRecord } from '../world/stream.ts';
import type { World } from '../world/world.ts';
import { Ceiling } from './ceiling.ts';
import { Claims } from './claims.ts';
import { Levels } from './levels.ts';
import { RawObjects } from './raw.ts';
import { Rollups } from './rollups.ts';
import { readSortKey } from './shown.ts';
import type { Arrived } from './truth.ts';
import type { Violation } from './violation.ts';

/** Watches a world. The first broken promise stays; what comes after it may only follow from it. */
export class Oracle implements WorldObserver {
  violation: Violation | undefined;
  readonly arrived: Arrived[] = [];
  readonly rollups: Rollups;
  /** What deleted counter items held: `counterName` and minute to sums. */
  readonly deleted: StoredCounter[] = [];
  /** Messages that a queue dropped as too old: nobody can count them any more. */
  readonly dropped: string[] = [];
  trimmedRecords = 0;
  /** Undefined: this history archives no raw records. */
  readonly #raw: RawObjects | undefined;
  readonly #ceiling: Ceiling;
  readonly #claims: Claims;
  readonly #levels: Levels;
  /** The world it watches, for checkers that have to look around. */
  world: World | undefined;

  #coming: readonly Occurrence[] = [];

  /**
   * @param windowMs the least dedup window in force
   * @param counterRetentionMs how long counter items are kept after their hour; undefined: for ever
   * @param lossy whether the stream may trim records before they are read
   * @param archiveRaw whether every segment's raw records must be archived
   */
  constructor(
    windowMs: number,
    clock: Clock,
    lossy = false,
    counterRetentionMs?: number | undefined,
    archiveRaw = false,
  ) {
    this.#raw = archiveRaw ? new RawObjects() : undefined;
    this.#levels = new Levels(clock, counterRetentionMs);
    this.rollups = new Rollups(clock);
    this.#claims = new Claims(this.rollups);
    // A record that was trimmed drops no duplicates: any occurrence may be the one that counts.
    this.#ceiling = new Ceiling(lossy ? Number.NEGATIVE_INFINITY : windowMs);
  }

  /** Tells what the next record put holds. */
  expectRecord(occurrences: readonly Occurrence[]): void {
    this.#coming = occurrences;
  }

  recordPut(shard: string, { sequenceNumber, arrivalMs }: StoredRecord): void {
    for (const occurrence of this.#coming) {
      const arrived = { occurrence, arrivalMs, shard, sequenceNumber };
      this.arrived.push(arrived);
      this.#ceiling.arrived(arrived);
    }
    this.#coming = [];
    const parents = this.world?.stream.all().find(({ id }) => id === shard)?.parents ?? [];
    this.#levels.arrived(shard, parents, sequenceNumber, arrivalMs);
    this.check(() => this.#claims.arrived(shard, parents, sequenceNumber, arrivalMs));
  }

  claimRaised(throughMs: number): void {
    const { world } = this;
    if (world !== undefined) this.check(() => this.#claims.raised(throughMs, world));
  }

  recordsTrimmed(_shard: string, records: readonly StoredRecord[]): void {
    this.trimmedRecords += records.length;
  }

  rollupSent(body: string): void {
    this.check(() => this.rollups.sent(body));
  }

  counterWritten(update: CounterUpdate, { key, numbers }: StoredCounter): void {
    this.check(() => {
      this.rollups.applied(update.segments, key.pk, key.sk, update.events);
      const added = Object.values(update.minutes).reduce((sum, n) => sum + n, 0);
      this.#levels.counterWritten(update.segments, key.pk, key.sk, added);
      const { metric, hourMs } = readSortKey(key.sk);
      this.#ceiling.check(metric, key.pk, hourMs, numbers);
    });
  }

  counterDeleted(item: StoredCounter): void {
    this.deleted.push({ ...item, numbers: new Map(item.numbers) });
  }

  partsAcknowledged(segment: string, parts: readonly number[]): void {
    this.check(() => this.rollups.acknowledged(segment, parts));
  }

  levelSet(pk: string, sk: string, numbers: ReadonlyMap<string, bigint>): void {
    this.check(() => this.#levels.levelSet(pk, sk, numbers));
  }

  topPut(pk: string, sk: string, entries: readonly Placed[], outside: Placed | undefined): void {
    this.check(() => this.#levels.topPut(pk, sk, entries, outside));
  }

  levelClaimRaised(level: 'days' | 'months', { throughMs }: LevelClaim): void {
    const { world } = this;
    if (world !== undefined) this.check(() => this.#levels.claimed(level, throughMs, world));
  }

  archived(key: string, body: string): void {
    this.check(() => this.rollups.archived(key, body));
    this.check(() => this.#raw?.archived(key, body));
  }

  entryPut(shard: string, entry: SegmentEntry): void {
    const { world } = this;
    if (world !== undefined) this.check(() => this.#raw?.entryPut(shard, entry, world));
  }

  messageDropped(queue: string, body: string): void {
    this.dropped.push(`${queue}: ${body}`);
  }

  /** Runs a checker and keeps what it finds, so that a broken promise never looks like a fault to the pipeline. */
  check(checker: () => void): void {
    try {
      checker();
    } catch (violation) {
      this.violation ??= violation as Violation;
    }
  }
}
