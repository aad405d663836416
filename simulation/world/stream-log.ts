// The stream as the aggregator reads it by itself: the same calls in the same order as the Kinesis adapter makes.

import type { LogPlace } from '../../lambdas/core/generation.ts';
import {
  compareSequenceNumbers,
  type SequenceNumber,
  type ShardId,
} from '../../lambdas/counting/identifiers.ts';
import type { StreamRecord } from '../../lambdas/counting/segment.ts';
import type { ListedShard, LogRange, ShardDirectory, StreamLog } from '../../lambdas/ports.ts';
import type { Network } from './network.ts';
import type { FakeStream, StoredShard } from './stream.ts';

/** How the fake service cuts pages. */
export interface PageOptions {
  /** Most records in a page. */
  readonly records: number;
  /** Whether every other page is empty, as it may be in the middle of a shard. */
  readonly empties: boolean;
}

interface Page {
  readonly records: readonly StreamRecord[];
  readonly atTip: boolean;
  readonly next: number;
}

/** One client of the stream. */
export class StreamLogClient implements StreamLog, ShardDirectory {
  readonly #stream: FakeStream;
  readonly #network: Network;
  readonly #pages: PageOptions;

  constructor(stream: FakeStream, network: Network, pages: PageOptions = { records: 100, empties: false }) {
    this.#stream = stream;
    this.#network = network;
    this.#pages = pages;
  }

  async readRange(shard: ShardId, first: SequenceNumber, last: SequenceNumber): Promise<LogRange> {
    const records: StreamRecord[] = [];
    if (!(await this.#listed()).has(shard)) return { records, trimmed: true };
    for await (const page of this.#read(shard, first, true)) {
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

  async *readToEnd(shard: ShardId, { after }: LogPlace): AsyncIterable<readonly StreamRecord[]> {
    if (!(await this.#listed()).has(shard)) return;
    for await (const page of this.#read(shard, after, false)) if (page.length > 0) yield page;
  }

  async parentsOf(shard: ShardId): Promise<readonly ShardId[]> {
    return (await this.#listed()).get(shard)?.parents ?? [];
  }

  async lists(shard: ShardId): Promise<boolean> {
    return (await this.#listed()).has(shard);
  }

  async shards(): Promise<readonly ListedShard[]> {
    return [...(await this.#listed()).values()].map(({ id, parents }) => ({ shard: id, parents }));
  }

  #listed(): Promise<ReadonlyMap<ShardId, StoredShard>> {
    return this.#network.call({
      service: 'kinesis',
      operation: 'listShards',
      subject: '',
      effect: () => new Map(this.#stream.listed().map((shard) => [shard.id, shard])),
    });
  }

  async #oldest(id: ShardId): Promise<SequenceNumber | undefined> {
    for await (const [oldest] of this.#read(id, undefined, false)) {
      if (oldest !== undefined) return oldest.sequenceNumber;
    }
    return undefined;
  }

  /** Pages from a sequence number on, until the tip; a trimmed start means the horizon. */
  async *#read(
    id: ShardId,
    start: SequenceNumber | undefined,
    included: boolean,
  ): AsyncIterable<readonly StreamRecord[]> {
    let from = await this.#network.call({
      service: 'kinesis',
      operation: 'getShardIterator',
      subject: id,
      effect: () => this.#place(id, start, included),
    });
    for (let empty = this.#pages.empties; ; empty = this.#pages.empties && !empty) {
      const at = from;
      const isEmpty = empty;
      const page: Page = await this.#network.call({
        service: 'kinesis',
        operation: 'getRecords',
        subject: id,
        effect: () => this.#page(id, at, isEmpty),
      });
      yield page.records;
      if (page.records.length === 0 && page.atTip) return;
      from = page.next;
    }
  }

  #place(id: ShardId, start: SequenceNumber | undefined, included: boolean): number {
    this.#stream.trim();
    const { records, trimmed } = this.#stream.shard(id);
    if (start === undefined) return trimmed;
    const place = records.findIndex(({ sequenceNumber }) => {
      const order = compareSequenceNumbers(sequenceNumber, start);
      return included ? order >= 0 : order > 0;
    });
    return Math.max(trimmed, place === -1 ? records.length : place);
  }

  #page(id: ShardId, at: number, empty: boolean): Page {
    this.#stream.trim();
    const { records, trimmed } = this.#stream.shard(id);
    const from = Math.max(at, trimmed);
    const to = empty ? from : Math.min(records.length, from + this.#pages.records);
    const taken = records.slice(from, to).map((record) => this.#stream.decoded(record));
    return { records: taken, atTip: from >= records.length, next: to };
  }
}
