// The ledger's ports over the fake table: the same requests in the same order as the DynamoDB adapter makes.
import type { Generation } from '../../lambdas/core/generation.ts';
import type { Books } from '../../lambdas/counting/books.ts';
import {
  type PartName,
  type SegmentId,
  type ShardKey,
  segmentId,
} from '../../lambdas/counting/identifiers.ts';
import type { LevelCursor } from '../../lambdas/counting/level-cursor.ts';
import type { Claims, CompactedLevel, LevelClaim } from '../../lambdas/counting/levels.ts';
import type { Head } from '../../lambdas/counting/segment.ts';
import {
  MissingLedgerItem,
  type SegmentEntry,
  type WindowEntry,
} from '../../lambdas/counting/segment-entry.ts';
import type { LevelLedger } from '../../lambdas/level-ports.ts';
import type { BooksLedger, NotedPlace, PartLedger, SegmentLedger, StreamGap } from '../../lambdas/ports.ts';
import type { FakeLedger } from './ledger.ts';
import type { Network } from './network.ts';

/** How the fake table cuts what it stores. */
export interface LedgerOptions {
  /** Bytes of ids in one item; far smaller than DynamoDB's, so that small histories have several. */
  readonly chunkBytes: number;
  /** Entries in a page of a query. */
  readonly pageEntries: number;
}

/** One client of the ledger. */
export class LedgerClient implements SegmentLedger, PartLedger, BooksLedger, LevelLedger {
  readonly #ledger: FakeLedger;
  readonly #network: Network;
  readonly #options: LedgerOptions;

  constructor(
    ledger: FakeLedger,
    network: Network,
    options: LedgerOptions = { chunkBytes: 320_000, pageEntries: 200 },
  ) {
    this.#ledger = ledger;
    this.#network = network;
    this.#options = options;
  }

  readHead(shard: ShardKey): Promise<Head | undefined> {
    return this.#call('readHead', shard, () => this.#ledger.of(shard).head);
  }

  async putPlan(shard: ShardKey, plan: Head): Promise<'planned' | 'conflict'> {
    const subject = `${segmentId(shard, plan.segment)} of ${plan.records}`;
    return (await this.#call('putPlan', subject, () => this.#ledger.putPlan(shard, plan)))
      ? 'planned'
      : 'conflict';
  }

  async markSent(shard: ShardKey, sent: Head): Promise<void> {
    await this.#call('markSent', segmentId(shard, sent.segment), () => this.#ledger.markSent(shard, sent));
  }

  readGenerations(): Promise<readonly Generation[]> {
    return this.#call('readGenerations', '', () => this.#ledger.generations);
  }

  async putGenerations(generations: readonly Generation[], length: number): Promise<'put' | 'conflict'> {
    const put = () => this.#ledger.putGenerations(generations, length);
    return (await this.#call('putGenerations', generations.map(({ name }) => name).join(' '), put))
      ? 'put'
      : 'conflict';
  }

  async endHead(shard: ShardKey, ended: Head): Promise<'ended' | 'conflict'> {
    return (await this.#call('endHead', shard, () => this.#ledger.endHead(shard, ended)))
      ? 'ended'
      : 'conflict';
  }

  async registerShard(shard: ShardKey): Promise<void> {
    await this.#call('registerShard', shard, () => this.#ledger.register(shard));
  }

  async putIds(shard: ShardKey, segment: number, ids: Uint8Array): Promise<void> {
    const { chunkBytes } = this.#options;
    for (let chunk = 0; chunk * chunkBytes < ids.byteLength; chunk += 1) {
      const part = ids.subarray(chunk * chunkBytes, (chunk + 1) * chunkBytes);
      await this.#call('putIds', `${segmentId(shard, segment)}#${chunk}`, () =>
        this.#ledger.putIds(shard, segment, chunk, part),
      );
    }
  }

  windowEntries(shard: ShardKey, from: number, downTo: number): AsyncIterable<SegmentEntry> {
    return this.#entries(shard, downTo, from, 'down');
  }

  readIds(shard: ShardKey, entries: readonly WindowEntry[]): Promise<readonly Uint8Array[]> {
    return Promise.all(entries.map((entry) => this.#idsOf(shard, entry)));
  }

  async #idsOf(shard: ShardKey, entry: WindowEntry): Promise<Uint8Array> {
    const ids = new Uint8Array(entry.idBytes);
    let at = 0;
    for (let chunk = 0; at < entry.idBytes; chunk += 1) {
      const name = `${segmentId(shard, entry.segment)}#${chunk}`;
      const part = await this.#call('readIds', name, () =>
        this.#ledger.of(shard).ids.get(`${entry.segment}/${chunk}`),
      );
      if (part === undefined || part.length > ids.length - at || part.length === 0) {
        throw new MissingLedgerItem(`ids ${name} are not there`);
      }
      ids.set(part, at);
      at += part.length;
    }
    return ids;
  }

  async putTouched(shard: ShardKey, segment: number, chunks: readonly string[]): Promise<void> {
    for (const [chunk, text] of chunks.entries()) {
      await this.#call('putTouched', `${segmentId(shard, segment)}#${chunk}`, () =>
        this.#ledger.putTouched(shard, segment, chunk, text),
      );
    }
  }

  async readTouched(
    shard: ShardKey,
    { segment, touchedChunks }: Pick<SegmentEntry, 'segment' | 'touchedChunks'>,
  ): Promise<readonly string[] | undefined> {
    const chunks: string[] = [];
    for (let chunk = 0; chunk < touchedChunks; chunk += 1) {
      const text = await this.#call('readTouched', `${segmentId(shard, segment)}#${chunk}`, () =>
        this.#ledger.of(shard).touched.get(`${segment}/${chunk}`),
      );
      if (text === undefined) return undefined;
      chunks.push(text);
    }
    return chunks;
  }

  /** Nothing expires from this ledger. */
  async keepTouched(): Promise<void> {}

  readCursor(shard: ShardKey, level: CompactedLevel): Promise<LevelCursor> {
    return this.#call('readCursor', `${shard} ${level}`, () => this.#ledger.cursor(shard, level));
  }

  async putCursor(shard: ShardKey, level: CompactedLevel, cursor: LevelCursor): Promise<'put' | 'conflict'> {
    const put = () => this.#ledger.putCursor(shard, level, cursor);
    const { through, revision, pending } = cursor;
    const subject = `${shard} ${level} ${through} ${revision}${pending ? `, ${pending.through} pending` : ''}`;
    return (await this.#call('putCursor', subject, put)) ? 'put' : 'conflict';
  }

  async raiseLevelClaim(level: CompactedLevel, claim: LevelClaim): Promise<void> {
    for (const what of ['closedBeforeMs', 'throughMs'] as const) {
      await this.#call('raiseLevelClaim', `${level} ${what} ${claim[what]}`, () =>
        this.#ledger.raiseLevelClaim(level, what, claim[what]),
      );
    }
  }

  readClaims(): Promise<Claims> {
    return this.#call('readClaims', '', () => {
      const { claimMs: throughMs, levelClaims } = this.#ledger;
      return { throughMs, ...levelClaims };
    });
  }

  async putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry | undefined> {
    const put = () => this.#ledger.putEntryIfAbsent(shard, entry);
    if (await this.#call('putEntry', segmentId(shard, entry.segment), put)) return undefined;
    return this.#call('readEntry', segmentId(shard, entry.segment), () =>
      this.#ledger.of(shard).entries.get(entry.segment),
    );
  }

  async markLost(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry> {
    const existing = await this.putEntryIfAbsent(shard, entry);
    if (existing === undefined) return entry;
    if (existing.lost) return existing;
    const mark = () => this.#ledger.markLost(shard, entry.segment);
    await this.#call('markLost', segmentId(shard, entry.segment), mark);
    return { ...existing, lost: true };
  }

  entriesDown(shard: ShardKey, from: number): AsyncIterable<SegmentEntry> {
    return this.#entries(shard, 1, from, 'down');
  }

  entriesUp(shard: ShardKey, after: number, through: number): AsyncIterable<SegmentEntry> {
    return this.#entries(shard, after + 1, through, 'up');
  }

  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'> {
    return this.#call('recordGap', shard, () => this.#ledger.recordGap(shard, gap));
  }

  acknowledge(segment: SegmentId, parts: readonly number[]): Promise<SegmentEntry | undefined> {
    const acknowledge = () => this.#ledger.acknowledge(segment, parts);
    return this.#call('acknowledge', `${segment}/${parts.join('+')}`, acknowledge);
  }

  async notePlace(name: PartName, place: NotedPlace): Promise<void> {
    await this.#call('notePlace', `${name.segment}/${name.part} ${place}`, () =>
      this.#ledger.notePlace(name, place),
    );
  }

  noteExpired(name: PartName, events: number): Promise<'noted' | 'acknowledged' | 'no-entry'> {
    return this.#call('noteExpired', `${name.segment}/${name.part} ${events}`, () =>
      this.#ledger.noteExpired(name, events),
    );
  }

  shards(): Promise<readonly ShardKey[]> {
    return this.#call('shards', '', () => this.#ledger.listed());
  }

  readBooks(shard: ShardKey): Promise<Books> {
    return this.#call('readBooks', shard, () => this.#ledger.of(shard).books);
  }

  async putBooks(shard: ShardKey, books: Books): Promise<'put' | 'conflict'> {
    const put = () => this.#ledger.putBooks(shard, books);
    return (await this.#call('putBooks', `${shard} ${books.revision}`, put)) ? 'put' : 'conflict';
  }

  async isHealthy(): Promise<boolean> {
    try {
      await this.readClaim();
      return true;
    } catch {
      return false;
    }
  }

  async raiseClaim(throughMs: number): Promise<number> {
    const raised = await this.#call('raiseClaim', `${throughMs}`, () => this.#ledger.raiseClaim(throughMs));
    return raised ? throughMs : this.readClaim();
  }

  readClaim(): Promise<number> {
    return this.#call('readClaim', '', () => this.#ledger.claimMs);
  }

  async readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]> {
    const read: SegmentEntry[] = [];
    for (let at = 0; at < segments.length; at += this.#options.pageEntries) {
      const page = segments.slice(at, at + this.#options.pageEntries);
      read.push(...(await this.#call('readEntries', shard, () => this.#present(shard, page))));
    }
    return read;
  }

  async *#entries(
    shard: ShardKey,
    from: number,
    to: number,
    way: 'up' | 'down',
  ): AsyncIterable<SegmentEntry> {
    const { pageEntries } = this.#options;
    for (let page = 0; page * pageEntries < to - from + 1; page += 1) {
      const numbers = Array.from(
        { length: Math.min(pageEntries, to - from + 1 - page * pageEntries) },
        (_, at) => (way === 'up' ? from + page * pageEntries + at : to - page * pageEntries - at),
      );
      yield* await this.#call('queryEntries', `${shard} ${way}`, () => this.#present(shard, numbers));
    }
  }

  #present(shard: ShardKey, segments: readonly number[]): SegmentEntry[] {
    const { entries } = this.#ledger.of(shard);
    return segments.map((segment) => entries.get(segment)).filter((entry) => entry !== undefined);
  }

  #call<T>(operation: string, subject: string, effect: () => T): Promise<T> {
    return this.#network.call({ service: 'ledger', operation, subject, effect });
  }
}
