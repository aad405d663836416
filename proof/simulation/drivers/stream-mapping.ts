// The event source mapping of the stream: one poller a shard, in order, parents before children, as far as AWS promises it.
import type { StoredShard } from '../../../fake-aws/stream.ts';
import { parseShardId } from '../../../lambdas/core/identifiers.ts';
import type { History } from '../history.ts';
import type { Random } from '../random.ts';
import { valueIn } from '../value-in.ts';
import { deliveredRecord } from '../world/deliveries.ts';

const BACKOFF_MAX_MS = 60_000;

/** Reads one shard and passes batches to the aggregator; after a failure it builds a new batch. */
class ShardPoller {
  readonly shard: StoredShard;
  readonly #mapping: StreamMapping;
  readonly #history: History;
  readonly #random: Random;
  #batchesLeft: number;
  /** The place of the next record. */
  position: number;
  /** Whether one of its batches is in progress. */
  busy = false;
  #failures = 0;
  #notBeforeMs = 0;

  constructor(
    mapping: StreamMapping,
    history: History,
    shard: StoredShard,
    position: number,
    batches: number,
    random: Random,
  ) {
    this.#mapping = mapping;
    this.#history = history;
    this.shard = shard;
    this.position = position;
    this.#batchesLeft = batches;
    this.#random = random;
  }

  /** Whether it has delivered everything so far. */
  get caughtUp(): boolean {
    return !this.busy && (this.#batchesLeft === 0 || this.position >= this.shard.records.length);
  }

  /** Whether it has reached the end of a closed shard. */
  get finished(): boolean {
    return this.shard.closedMs !== undefined && !this.busy && this.position >= this.shard.records.length;
  }

  /** Goes back by some records, as after a lost checkpoint. */
  goBack(records: number): void {
    this.position = Math.max(0, this.position - records);
    this.wake(0);
  }

  wake(delayMs: number): void {
    this.#history.scheduler.in(delayMs, () => this.#poll());
  }

  #poll(): void {
    const { scheduler, faults, functions, world } = this.#history;
    if (this.busy || this.#batchesLeft === 0) return;
    const waitMs = Math.max(faults.pausedUntilMs('aggregator'), this.#notBeforeMs) - scheduler.nowMs();
    if (waitMs > 0) {
      this.wake(waitMs);
      return;
    }
    if (!this.#mapping.mayStart(this.shard)) return;
    world.stream.trim();
    const { records, trimmed } = this.shard;
    const from = Math.max(this.position, trimmed);
    this.position = from;
    if (from >= records.length) {
      if (this.finished) this.#mapping.shardFinished();
      return;
    }
    const most = Math.min(records.length - from, this.#history.settings.batchRecords);
    const length = this.#random.chance(0.6) ? most : this.#random.between(1, most);
    const batch = records.slice(from, from + length);
    this.busy = true;
    this.#batchesLeft -= 1;
    const delivered = { shard: parseShardId(this.shard.id), records: batch.map(deliveredRecord) };
    functions.aggregate(delivered, (ending) => {
      this.busy = false;
      if ('failure' in ending) {
        this.#failures += 1;
        this.#notBeforeMs = scheduler.nowMs() + Math.min(BACKOFF_MAX_MS, 500 * 2 ** this.#failures);
        this.wake(0);
        return;
      }
      this.#failures = 0;
      const { result } = ending;
      const resume =
        result === 'done' ? batch.length : batch.findIndex((r) => r.sequenceNumber === result.resumeAt);
      // Lambda treats an unknown sequence number as a failure of the whole batch.
      const taken = Math.max(0, resume);
      // A checkpoint that was lost meanwhile stays lost.
      if (this.position === from) this.position = from + taken;
      this.wake(this.#random.between(0, 50));
    });
  }
}

/** All pollers of the stream. */
export class StreamMapping {
  readonly #history: History;
  readonly #pollers = new Map<string, ShardPoller>();
  readonly #twins: ShardPoller[] = [];

  constructor(history: History) {
    this.#history = history;
  }

  /** A record arrived in a shard. */
  arrived(shard: StoredShard): void {
    const { settings, random } = this.#history;
    const delayMs = random.between(1, settings.batchWindowMs);
    this.#poller(shard).wake(delayMs);
    for (const twin of this.#twins) if (twin.shard === shard) twin.wake(delayMs);
  }

  /** Whether a shard may be read: its parents are read to their ends, or the mapping fails to wait. */
  mayStart(shard: StoredShard): boolean {
    if (this.#history.faults.earlyChildren) return true;
    const parents = this.#history.world.stream.all().filter(({ id }) => shard.parents.includes(id));
    return parents.every((parent) => this.#poller(parent).finished);
  }

  /** A shard was read to its end: its children may start. */
  shardFinished(): void {
    for (const poller of this.#pollers.values()) if (!poller.caughtUp) poller.wake(1);
  }

  /** Looks at every shard, new ones included. */
  wakeAll(): void {
    for (const shard of this.#history.world.stream.all()) this.#poller(shard).wake(0);
  }

  /** A checkpoint is lost: records already counted are delivered again. */
  loseCheckpoint(records: number): void {
    for (const poller of this.#pollers.values()) poller.goBack(records);
  }

  /** For a while, two pollers read one shard. */
  startTwins(records: number, batches: number): void {
    for (const { shard, position } of [...this.#pollers.values()]) {
      const random = this.#history.random.fork(`twin-${this.#twins.length}`);
      const from = Math.max(0, position - records);
      const twin = new ShardPoller(this, this.#history, shard, from, batches, random);
      this.#twins.push(twin);
      twin.wake(0);
    }
  }

  /** Whether everything in the stream was delivered. */
  get caughtUp(): boolean {
    const pollers = this.#history.world.stream.all().map((shard) => this.#poller(shard));
    return pollers.every(({ caughtUp }) => caughtUp) && this.#twins.every(({ busy }) => !busy);
  }

  #poller(shard: StoredShard): ShardPoller {
    return valueIn(this.#pollers, shard.id, () => {
      const random = this.#history.random.fork(shard.id);
      return new ShardPoller(this, this.#history, shard, 0, Number.POSITIVE_INFINITY, random);
    });
  }
}
