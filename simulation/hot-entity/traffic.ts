// Events of the hot entity and of some others, shard by shard, and their batches as Lambda hands them to the aggregator.
import type { History } from '../history.ts';
import type { StoredRecord, StoredShard } from '../world/stream.ts';
import {
  HOT,
  type HotStage,
  METRIC,
  otherEntity,
  othersPerSegment,
  type Phase,
  RECORDS_PER_SEGMENT,
  START_MS,
} from './stage.ts';

/** Lambda looks at a shard once a second. */
const LOOK_MS = 1_000;

/** Puts records into all shards, and hands over a batch as soon as it would be full. */
export class HotTraffic {
  readonly #history: History;
  readonly #stage: HotStage;
  readonly #phases: readonly Phase[];
  readonly #endMs: number;
  readonly #busy = new Set<StoredShard>();
  readonly #waiting = new Map<StoredShard, StoredRecord[][]>();
  segments = 0;
  lastMs = 0;
  /** Batches that are being gathered, wait, or are with the aggregator. */
  #open = 0;

  constructor(history: History, stage: HotStage, phases: readonly Phase[]) {
    this.#history = history;
    this.#stage = stage;
    this.#phases = phases;
    this.#endMs = START_MS + history.settings.trafficMs;
  }

  start(): void {
    const { world, scheduler, random } = this.#history;
    for (const shard of world.stream.open()) {
      const firstMs = START_MS + random.next() * this.#apartMs(START_MS);
      scheduler.at(firstMs, () => this.#gather(shard));
    }
  }

  /** Whether nothing comes any more, and every record was counted or is on its way in a message. */
  get handedOver(): boolean {
    return this.#history.scheduler.nowMs() >= this.#endMs && this.#open === 0;
  }

  /** Time between two segments of a shard now: a batch is full sooner the more events there are. */
  #apartMs(nowMs: number): number {
    let endMs = START_MS;
    for (const { minutes, factor } of this.#phases) {
      endMs += minutes * 60_000;
      if (nowMs < endMs) return (this.#stage.secondsApart * 1000) / factor;
    }
    return this.#stage.secondsApart * 1000;
  }

  /** Puts a batch's records one after the other, then hands it over and starts with the next. */
  #gather(shard: StoredShard): void {
    const { scheduler, random } = this.#history;
    const nowMs = scheduler.nowMs();
    if (nowMs >= this.#endMs) return;
    const apartMs = this.#apartMs(nowMs);
    this.segments += 1;
    this.#open += 1;
    const number = this.segments;
    const from = shard.records.length;
    for (let record = 0; record < RECORDS_PER_SEGMENT; record += 1) {
      scheduler.in((record * apartMs) / RECORDS_PER_SEGMENT, () => this.#put(shard, number, record));
    }
    scheduler.in(apartMs, () => this.#gather(shard));
    scheduler.in(apartMs + random.between(1, LOOK_MS), () => {
      const batch = shard.records.slice(from, from + RECORDS_PER_SEGMENT);
      this.#waiting.set(shard, [...(this.#waiting.get(shard) ?? []), batch]);
      this.#handOver(shard);
    });
  }

  #put(shard: StoredShard, segment: number, record: number): void {
    const { world, oracle, scheduler } = this.#history;
    const hotEvents = Math.round(this.#stage.hotEvents / RECORDS_PER_SEGMENT);
    const event = (entity: string, n: number) => ({
      id: `${segment}/${record}${entity}`,
      metric: METRIC,
      entity,
      n,
    });
    const others = Array.from({ length: othersPerSegment(this.#stage) }, (_, place) =>
      event(otherEntity(segment, place), 1),
    );
    const events = [event(HOT, hotEvents), ...others];
    oracle.expectRecord(events.map((each) => ({ ...each, atMs: undefined, rejected: undefined })));
    world.stream.putInto(shard, Buffer.from(JSON.stringify(events)));
    this.lastMs = scheduler.nowMs();
  }

  /** One batch of a shard at a time, in order. */
  #handOver(shard: StoredShard): void {
    const { functions, world } = this.#history;
    const [batch, ...rest] = this.#waiting.get(shard) ?? [];
    if (batch === undefined || this.#busy.has(shard)) return;
    this.#waiting.set(shard, rest);
    this.#busy.add(shard);
    const records = batch.map((record) => world.stream.decoded(record));
    functions.aggregate({ shard: shard.id, records }, (ending) => {
      if ('failure' in ending || ending.result !== 'done')
        throw new Error(`a batch of ${shard.id} failed: ${JSON.stringify(ending)}`);
      this.#open -= 1;
      this.#busy.delete(shard);
      this.#handOver(shard);
    });
  }
}
