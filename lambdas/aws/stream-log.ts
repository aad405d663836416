// The stream as a replayable log: rereads ranges, reads closed shards to their ends, and lists parents.
import {
  type _Record,
  ExpiredIteratorException,
  GetRecordsCommand,
  type GetRecordsCommandOutput,
  GetShardIteratorCommand,
  type GetShardIteratorCommandInput,
  InvalidArgumentException,
  type KinesisClient,
  ProvisionedThroughputExceededException,
  type Shard,
} from '@aws-sdk/client-kinesis';
import { decodeRecord } from '../core/event.ts';
import type { LogPlace } from '../core/generation.ts';
import {
  compareSequenceNumbers,
  parseSequenceNumber,
  parseShardId,
  type SequenceNumber,
  type ShardId,
  type ShardKey,
  shardIdOf,
} from '../core/identifiers.ts';
import type { Unread } from '../core/pipeline-status.ts';
import type { StreamRecord } from '../core/segment.ts';
import type { ListedShard, LogRange, Pause, ShardDirectory, StreamLog } from '../ports.ts';
import type { SegmentReader, SegmentSource } from '../raw-ports.ts';
import { kinesis } from './clients/kinesis.ts';
import { listShards } from './list-shards.ts';

/** Pages for one estimate of unread events: the aggregator reads the same shard, and Kinesis allows five reads a second. */
const LOOK_PAGES = 2;
/** Records in such a page: decoding a large backlog repeatedly would cost more than its exact number is worth. */
const LOOK_RECORDS = 5_000;
/** Time limit of an estimate: the status must not wait for a slow stream. */
const LOOK_MS = 2_000;
/** Pause after a refused page: a shard gives all its readers 2 MB a second, and nothing for five seconds after a page of 10 MB. */
const REFUSED_MS = 1_000;
/** Refusals of one page, over a minute's: more mean that other readers take all there is. */
const REFUSALS_MAX = 60;
/** The same for a function, which must not wait until it is killed: twice the five seconds. */
const FUNCTION_REFUSALS_MAX = 10;

/** Reads the stream directly, apart from the batches that Lambda delivers. */
export class KinesisLog implements StreamLog, ShardDirectory, SegmentSource {
  readonly #client: KinesisClient;
  readonly #stream: string;
  readonly #lookMs: number;
  readonly #pause: Pause | undefined;
  readonly #refusalsMax: number;
  /** By shard, the greatest age at which a record was found there. */
  readonly #heldMs = new Map<ShardId, number>();

  /**
   * @param pause before a refused page is asked for again; without it, what goes beyond a shard's limit is an error
   * @param refusalsMax refusals of one page after which it is an error all the same
   */
  constructor(
    client: KinesisClient,
    stream: string,
    lookMs = LOOK_MS,
    pause?: Pause,
    refusalsMax = REFUSALS_MAX,
  ) {
    this.#client = client;
    this.#stream = stream;
    this.#lookMs = lookMs;
    this.#pause = pause;
    this.#refusalsMax = refusalsMax;
  }

  async readRange(shard: ShardId, first: SequenceNumber, last: SequenceNumber): Promise<LogRange> {
    const records: StreamRecord[] = [];
    if (!(await this.#shards()).has(shard)) return { records, trimmed: true };
    for await (const page of this.#pages(shard, startAt(first))) {
      for (const record of page) {
        if (compareSequenceNumbers(record.sequenceNumber, last) > 0) break;
        if (compareSequenceNumbers(record.sequenceNumber, first) >= 0) records.push(record);
      }
      const newest = page.at(-1);
      if (newest !== undefined && compareSequenceNumbers(newest.sequenceNumber, last) >= 0) break;
    }
    if (records[0]?.sequenceNumber === first) return { records, trimmed: false };
    const oldest = await this.#oldest(shard);
    return { records, trimmed: oldest === undefined || compareSequenceNumbers(oldest, first) > 0 };
  }

  async holds(shard: ShardId, record: SequenceNumber, ageMs: number): Promise<boolean> {
    // An aggregator that catches up asks for younger and younger records, and competes with the poller that feeds it.
    if (ageMs <= (this.#heldMs.get(shard) ?? 0)) return true;
    if (!(await this.#shards()).has(shard)) return false;
    for await (const [found] of this.#pages(shard, startAt(record), 1)) {
      if (found === undefined) continue;
      if (found.sequenceNumber !== record) return false;
      this.#heldMs.set(shard, ageMs);
      return true;
    }
    return false;
  }

  async *readToEnd(shard: ShardId, place: LogPlace): AsyncIterable<readonly StreamRecord[]> {
    if (!(await this.#shards()).has(shard)) return;
    for await (const page of this.#pages(shard, startOf(place))) if (page.length > 0) yield page;
  }

  async parentsOf(shard: ShardId): Promise<readonly ShardId[]> {
    const listed = (await this.#shards()).get(shard);
    return listed === undefined ? [] : parentsIn(listed);
  }

  async lists(shard: ShardId): Promise<boolean> {
    return (await this.#shards()).has(shard);
  }

  segmentsOf(key: ShardKey): SegmentReader {
    const shard = shardIdOf(key);
    let pages: AsyncIterator<readonly StreamRecord[]> | undefined;
    let held: readonly StreamRecord[] = [];
    let ended = false;
    const reaches = (last: SequenceNumber) => {
      const newest = held.at(-1);
      return newest !== undefined && compareSequenceNumbers(newest.sequenceNumber, last) >= 0;
    };
    return {
      read: async ({ first, last }) => {
        if (pages === undefined && !(await this.#shards()).has(shard)) return [];
        pages ??= this.#pages(shard, startAt(first))[Symbol.asyncIterator]();
        held = held.filter(({ sequenceNumber }) => compareSequenceNumbers(sequenceNumber, first) >= 0);
        while (!ended && !reaches(last)) {
          const page = await pages.next();
          ended = page.done === true;
          if (!page.done) held = [...held, ...page.value];
        }
        return held.filter(
          ({ sequenceNumber }) =>
            compareSequenceNumbers(sequenceNumber, first) >= 0 &&
            compareSequenceNumbers(sequenceNumber, last) <= 0,
        );
      },
    };
  }

  async shards(): Promise<readonly ListedShard[]> {
    return [...(await this.#shards())].map(([shard, listed]) => ({ shard, parents: parentsIn(listed) }));
  }

  async #oldest(shard: ShardId): Promise<SequenceNumber | undefined> {
    for await (const [oldest] of this.#pages(shard, HORIZON, 1)) {
      if (oldest !== undefined) return oldest.sequenceNumber;
    }
    return undefined;
  }

  async countFrom(shard: ShardId, place: LogPlace): Promise<Unread> {
    let iterator = await this.#iterator(shard, startOf(place));
    const abortSignal = AbortSignal.timeout(this.#lookMs);
    let events = 0;
    let sinceMs: number | undefined;
    for (let pages = 0; iterator !== undefined; pages += 1) {
      if (pages === LOOK_PAGES) return { events, sinceMs, isAll: false };
      const page: GetRecordsCommandOutput = await this.#client.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: LOOK_RECORDS }),
        { abortSignal },
      );
      const records = (page.Records ?? []).map(toStreamRecord);
      events += records.reduce((sum, record) => sum + record.events.length, 0);
      sinceMs ??= records[0]?.arrivalMs;
      if (page.MillisBehindLatest === 0 && records.length < LOOK_RECORDS) break;
      iterator = page.NextShardIterator;
    }
    return { events, sinceMs, isAll: true };
  }

  /** The shards that the stream still lists, by id. */
  async #shards(): Promise<ReadonlyMap<ShardId, Shard>> {
    const shards = new Map<ShardId, Shard>();
    for await (const shard of listShards(this.#client, this.#stream))
      shards.set(parseShardId(shard.ShardId ?? ''), shard);
    return shards;
  }

  /** Pages of a shard, empty ones included, until its end or, on an open shard, until there are no newer records. */
  async *#pages(shard: ShardId, start: Start, most?: number): AsyncIterable<readonly StreamRecord[]> {
    let place = start;
    let iterator = await this.#iterator(shard, place);
    while (iterator !== undefined) {
      const asked = new GetRecordsCommand({ ShardIterator: iterator, Limit: most });
      const page = await this.#page(asked).catch((error: unknown) => {
        if (!(error instanceof ExpiredIteratorException)) throw error;
      });
      if (page === undefined) {
        // The caller took more than five minutes over a page.
        iterator = await this.#iterator(shard, place);
        continue;
      }
      const records = (page.Records ?? []).map(toStreamRecord);
      yield records;
      const newest = records.at(-1);
      if (newest !== undefined) place = startOf({ after: newest.sequenceNumber });
      // An empty page within a shard is normal; only at its tip is there nothing to wait for.
      if (records.length === 0 && page.MillisBehindLatest === 0) return;
      iterator = page.NextShardIterator;
    }
  }

  /** A page. A long read is refused at almost each of them, more often than the SDK tries again. */
  async #page(asked: GetRecordsCommand): Promise<GetRecordsCommandOutput> {
    for (let refusals = 1; ; refusals += 1) {
      try {
        return await this.#client.send(asked);
      } catch (error) {
        const isRefused = error instanceof ProvisionedThroughputExceededException;
        if (!isRefused || this.#pause === undefined || refusals > this.#refusalsMax) throw error;
        await this.#pause(REFUSED_MS);
      }
    }
  }

  async #iterator(shard: ShardId, start: Start): Promise<string | undefined> {
    const ask = (from: Start) =>
      this.#client.send(new GetShardIteratorCommand({ StreamName: this.#stream, ShardId: shard, ...from }));
    try {
      return (await ask(start)).ShardIterator;
    } catch (error) {
      // Kinesis may refuse a trimmed sequence number: the remaining records start at the horizon.
      if (!(error instanceof InvalidArgumentException) || start === HORIZON) throw error;
      return (await ask({ ...start, ...HORIZON })).ShardIterator;
    }
  }
}

/** A stream as a log, with its own client, for a function. @param pause if refused pages are asked for again */
export function openStreamLog(stream: string, pause?: Pause): KinesisLog {
  return new KinesisLog(kinesis(), stream, undefined, pause, FUNCTION_REFUSALS_MAX);
}

/** Where to start reading, in Kinesis' terms. */
type Start = Pick<GetShardIteratorCommandInput, 'ShardIteratorType' | 'StartingSequenceNumber' | 'Timestamp'>;

const HORIZON: Start = { ShardIteratorType: 'TRIM_HORIZON', StartingSequenceNumber: undefined };

function startAt(first: SequenceNumber): Start {
  return { ShardIteratorType: 'AT_SEQUENCE_NUMBER', StartingSequenceNumber: first };
}

function startOf({ after, fromMs }: LogPlace): Start {
  if (after !== undefined)
    return { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', StartingSequenceNumber: after };
  return fromMs === undefined ? HORIZON : { ShardIteratorType: 'AT_TIMESTAMP', Timestamp: new Date(fromMs) };
}

function parentsIn({ ParentShardId, AdjacentParentShardId }: Shard): ShardId[] {
  return [ParentShardId, AdjacentParentShardId].filter((parent) => parent !== undefined).map(parseShardId);
}

function toStreamRecord({ SequenceNumber, ApproximateArrivalTimestamp, Data }: _Record): StreamRecord {
  const data = Data ?? new Uint8Array();
  const arrivalMs = ApproximateArrivalTimestamp?.getTime() ?? 0;
  return {
    sequenceNumber: parseSequenceNumber(SequenceNumber ?? ''),
    arrivalMs,
    data,
    ...decodeRecord(data, arrivalMs),
  };
}
