// A ledger and a store on AWS in memory, fed with segments as the aggregator writes them: for tests of later stages.

import fc from 'fast-check';
import { FakeAws } from '../../fake-aws/aws.ts';
import type { Transport } from '../../fake-aws/call.ts';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { compact } from '../../lambdas/compactor/compact.ts';
import type { CompactorPorts, CompactorSettings } from '../../lambdas/compactor/ports.ts';
import { type Delta, deltasOf } from '../../lambdas/core/delta.ts';
import {
  parseSequenceNumber,
  parseShardId,
  type SegmentId,
  type ShardId,
  segmentId,
  shardKey,
} from '../../lambdas/core/identifiers.ts';
import { cellAtMs, LEVELS, type Level, type Period, periodAt } from '../../lambdas/core/level.ts';
import { rollUp } from '../../lambdas/core/rollup.ts';
import { encodeMessages, type RollupMessage } from '../../lambdas/core/rollup-message.ts';
import { decodeRows } from '../../lambdas/core/rows.ts';
import { type Head, planSegment, type StreamRecord } from '../../lambdas/core/segment.ts';
import { emittedEntry } from '../../lambdas/core/segment-entry.ts';
import { HOUR_MS } from '../../lambdas/core/time.ts';
import { NO_WATERMARK, type RecordedSettings, raisedWatermark } from '../../lambdas/core/watermark.ts';
import { LedgerTable } from '../../lambdas/ledger/ledger-table.ts';
import type { ListedShard } from '../../lambdas/ports.ts';
import type { CountAnswer } from '../../lambdas/query/count-answer.ts';
import { parseCountQuery } from '../../lambdas/query/count-query.ts';
import { type QueryPorts, type QuerySettings, readCounts } from '../../lambdas/query/read-counts.ts';
import type { TopPorts } from '../../lambdas/query/read-top.ts';
import { CompactionStateTable } from '../../lambdas/store/state-table.ts';
import { StoreTable } from '../../lambdas/store/store-table.ts';
import { writeRollups } from '../../lambdas/writer/write.ts';

/** An event of a test. */
export interface TestEvent {
  readonly metric: string;
  readonly entity: string;
  readonly atMs: number;
  readonly n: number;
}

/** When the world begins, epoch milliseconds. */
export const WORLD_START_MS = Date.UTC(2026, 10, 23, 8);

/** Views of an entity. */
export const viewed = (entity: string, n: number, atMs = WORLD_START_MS): TestEvent => ({
  metric: 'view',
  entity,
  atMs,
  n,
});

/** Events of 41 entities in the forty days before the world begins. */
export const ANY_EVENT: fc.Arbitrary<TestEvent> = fc.record({
  metric: fc.constantFrom('play', 'view'),
  entity: fc.nat({ max: 40 }).map((number) => `/videos/${number}`),
  atMs: fc.nat({ max: 40 * 24 * 60 }).map((minutes) => WORLD_START_MS - minutes * 60_000),
  n: fc.integer({ min: -3, max: 5 }),
});

/** The compactor's settings, unless a test overrides them. */
const WORLD_SETTINGS: CompactorSettings = {
  generation: '1',
  retentions: { hours: undefined, days: undefined, months: undefined, all: undefined },
  cadence: { hoursMs: 0 },
  slotBits: 2,
  blockBytes: 200,
  rangeEventsMax: 1_000_000,
  openMax: 100,
};

/** Shard `number` of the stream. */
export function worldShard(number: number): ShardId {
  return parseShardId(`shardId-${String(number).padStart(12, '0')}`);
}

export class StoreWorld {
  nowMs = WORLD_START_MS;
  /** How long before its arrival an event may have happened; undefined: any time. */
  acceptPastMs: number | undefined = undefined;
  /** How long after its arrival an event may happen. */
  acceptFutureMs = 1e12;
  readonly clock = { nowMs: () => this.nowMs };
  readonly aws = new FakeAws({ clock: this.clock });
  readonly shards: ListedShard[] = [];
  readonly ledger: LedgerTable;
  readonly store: StoreTable;
  readonly state: CompactionStateTable;
  readonly settings: CompactorSettings;
  /** The records of each segment that was committed. */
  readonly records = new Map<SegmentId, readonly StreamRecord[]>();
  /** The deltas that the archive has, because their minutes were no longer kept. */
  readonly expired: Delta[] = [];
  #sequence = 1;

  readonly #deltaRetentionMs: number | undefined;
  readonly #ledgerRetentionMs: number | undefined;

  private constructor(
    settings: CompactorSettings,
    deltaRetentionMs: number | undefined,
    ledgerRetentionMs: number | undefined,
  ) {
    this.settings = settings;
    this.#deltaRetentionMs = deltaRetentionMs;
    this.#ledgerRetentionMs = ledgerRetentionMs;
    const { dynamoDb } = this.aws.clients();
    this.ledger = new LedgerTable(dynamoDb, 'ledger', this.clock, ledgerRetentionMs);
    this.store = new StoreTable(dynamoDb, 'counts', this.clock, deltaRetentionMs);
    this.state = new CompactionStateTable(dynamoDb, 'ledger');
  }

  /** @param deltaRetentionMs how long deltas are kept; undefined: forever @param ledgerRetentionMs the same for entries */
  static async make(
    settings: Partial<CompactorSettings> = {},
    deltaRetentionMs?: number,
    ledgerRetentionMs?: number,
  ): Promise<StoreWorld> {
    const world = new StoreWorld({ ...WORLD_SETTINGS, ...settings }, deltaRetentionMs, ledgerRetentionMs);
    for (const name of ['ledger', 'counts']) world.aws.dynamoDb.addTable(name, { ttl: 'expiresAt' });
    await world.state.registerRangeBits(world.settings.slotBits, world.nowMs);
    if (LEVELS.some((level) => world.settings.retentions[level] !== undefined)) await world.recordKept();
    return world;
  }

  /** Records how long things are kept, as the accountant does before anything is compacted. */
  async recordKept(): Promise<void> {
    const { retentions } = this.settings;
    const recorded = { retentions, deltaRetentionMs: this.#deltaRetentionMs, acceptFutureMs: 0 };
    const known = await this.ledger.readWatermark();
    await this.ledger.putWatermark(raisedWatermark(known, NO_WATERMARK, recorded, this.nowMs));
  }

  /** Moves the checkpoints and publishes the watermark, as the accountant does under these settings. */
  async account(settings: RecordedSettings): Promise<void> {
    await advanceCheckpoints(this.ledger, () => true);
    const stream = { shards: async () => this.shards };
    await advanceWatermark(this.ledger, stream, this.settings.generation, this.clock, settings);
  }

  /** Commits a segment of a shard, as the aggregator does. @returns its messages, not written yet */
  async commit(
    shard: ShardId,
    events: readonly TestEvent[],
    arrivalMs = this.nowMs,
  ): Promise<RollupMessage[]> {
    const sequenceNumber = parseSequenceNumber(String(this.#sequence++));
    const decoded = events.map((event) => ({ ...event, id: undefined, place: undefined }));
    return this.commitRecords(shard, [
      { sequenceNumber, arrivalMs, data: new Uint8Array(), batch: undefined, events: decoded },
    ]);
  }

  /** Commits records as a shard's next segment. */
  async commitRecords(
    shard: ShardId,
    records: readonly StreamRecord[],
    generation = this.settings.generation,
  ): Promise<RollupMessage[]> {
    if (!this.shards.some((one) => one.shard === shard)) this.shards.push({ shard, parents: [] });
    const key = shardKey(generation, shard);
    const head = await this.ledger.readHead(key);
    if (head === undefined) await this.ledger.registerShard(key);
    const { slotBits } = this.settings;
    const { acceptPastMs, acceptFutureMs } = this;
    const config = { slotBits, dedupWindowMs: 1000, acceptPastMs, acceptFutureMs };
    const plan: Head = planSegment(head, records, config, []);
    const planned = await this.ledger.putPlan(key, plan);
    if (planned !== 'planned') throw new Error('a segment could not be planned');
    const output = rollUp(records, { seen: () => false }, config);
    const id = segmentId(key, plan.segment);
    this.records.set(id, records);
    const deltas = deltasOf(id, plan.runMaxMs, output.cut);
    await this.ledger.putEntryIfAbsent(key, emittedEntry(plan, output, 0));
    await this.ledger.markSent(key, { ...plan, status: 'sent' });
    return encodeMessages(deltas, output.earliestHourMs ?? 0);
  }

  /** Writes messages as the writer does. @throws Error when one could not be written */
  async write(messages: readonly RollupMessage[]): Promise<void> {
    const delivered = messages.map(({ body }, index) => ({
      messageId: String(index),
      receiptHandle: '',
      body,
      receiveCount: 1,
      history: undefined,
    }));
    const fail = async () => {
      throw new Error('a message failed');
    };
    const ports = {
      deltas: this.store,
      ledger: this.ledger,
      expired: {
        keepExpired: async (delta: Delta) => {
          this.expired.push(delta);
        },
      },
      failed: { delay: fail, bury: fail },
      retryPolicy: { current: fail },
      clock: this.clock,
      random: () => 0,
    };
    const settings = { retentions: this.settings.retentions, concurrency: 4 };
    const { retry } = await writeRollups(delivered, ports, settings, () => true);
    if (retry.length > 0) throw new Error('messages were to be delivered again');
  }

  /** Commits events as a segment of a shard, and writes its messages. */
  async count(events: readonly TestEvent[], shard = 0): Promise<void> {
    await this.write(await this.commit(worldShard(shard), events));
  }

  /** The compactor's ports, over a transport of its own if a test wants to disturb it. */
  compactorPorts(transport?: Transport): CompactorPorts {
    const { dynamoDb } = this.aws.clients(transport);
    return {
      state: new CompactionStateTable(dynamoDb, 'ledger'),
      store: new StoreTable(dynamoDb, 'counts', this.clock, this.#deltaRetentionMs),
      ledger: new LedgerTable(dynamoDb, 'ledger', this.clock, this.#ledgerRetentionMs),
      stream: { shards: async () => this.shards },
      clock: this.clock,
    };
  }

  async compact(transport?: Transport) {
    return compact(this.compactorPorts(transport), this.settings, () => true);
  }

  /** Compacts once a day, so that the upper levels follow. */
  async compactDays(days: number): Promise<void> {
    for (let day = 0; day < days; day += 1) {
      this.nowMs += 25 * HOUR_MS;
      await this.compact();
    }
  }

  /** The query's ports. */
  queryPorts(): QueryPorts & TopPorts {
    const { ledger, state, store, clock } = this;
    return { watermarks: ledger, state, counts: store, tops: store, hints: new Map(), clock };
  }

  /** The answers to some questions. @throws InvalidQuery */
  async ask(
    questions: readonly (readonly [metric: string, entity: string, parameters: Record<string, string>])[],
    settings: Partial<QuerySettings> = {},
  ): Promise<CountAnswer[]> {
    const queries = questions.map((question) => parseCountQuery(...question, this.nowMs));
    const { retentions } = this.settings;
    const all = { acceptFutureMs: 1e12, retentions, ...settings };
    return (await readCounts(queries, this.queryPorts(), all)).map((read) => {
      if ('answer' in read) return read.answer;
      throw read;
    });
  }

  /** The content of a level's blocks of some periods: sums by metric, entity and cell. */
  async blockSums(level: Level, periods: readonly Period[]): Promise<Map<string, bigint>> {
    const sums = new Map<string, bigint>();
    for (const period of periods) {
      for await (const { rows } of this.store.blocksOf(period)) {
        for (const { metric, entity, cells } of decodeRows(rows)) {
          for (const [cell, sum] of cells) {
            const name = cellName(level, metric, entity, cellAtMs(period, cell));
            if (sums.has(name)) throw new Error(`${name} is in two blocks`);
            sums.set(name, sum);
          }
        }
      }
    }
    return sums;
  }
}

function cellName(level: Level, metric: string, entity: string, atMs: number): string {
  return `${level} ${metric} ${entity} ${new Date(atMs).toISOString()}`;
}

/** The sums that a level should have for some events, and their periods. */
export function expectedSums(level: Level, events: readonly TestEvent[]) {
  const sums = new Map<string, bigint>();
  const periods = new Map<number, Period>();
  const cellMs = { hours: 60_000, days: 3_600_000, months: 86_400_000, all: 0 }[level];
  for (const { metric, entity, atMs, n } of events) {
    const at = new Date(atMs);
    const startMs =
      level === 'all' ? Date.UTC(at.getUTCFullYear(), at.getUTCMonth()) : Math.floor(atMs / cellMs) * cellMs;
    const name = cellName(level, metric, entity, startMs);
    sums.set(name, (sums.get(name) ?? 0n) + BigInt(n));
    const period = periodAt(level, atMs);
    periods.set(period.startMs, period);
  }
  return { sums, periods: [...periods.values()] };
}

export { LEVELS };
