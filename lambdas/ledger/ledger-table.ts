// The ledger on DynamoDB: conditional writes named for their intent, strongly consistent reads.
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import { ABSENT, attributes, type Item, Table } from '../aws/table.ts';
import { type Checkpoint, EMPTY_CHECKPOINT } from '../core/checkpoint.ts';
import type { Generation } from '../core/generation.ts';
import {
  type PartName,
  parseSegmentId,
  parseShardKey,
  type SegmentId,
  type ShardKey,
} from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import type { SegmentEntry, WindowEntry } from '../core/segment-entry.ts';
import { NO_WATERMARK, type Watermark } from '../core/watermark.ts';
import type {
  CheckpointLedger,
  Clock,
  EntryKeeper,
  NotedPlace,
  PartLedger,
  SegmentLedger,
  StreamGap,
} from '../ports.ts';
import {
  checkpointItem,
  checkpointOf,
  entryItem,
  entryOf,
  expiredAttribute,
  gapItem,
  headItem,
  headOf,
  IDS_CHUNK_BYTES,
  ledgerKeys,
  PLACE_UPDATES,
  SHARDS_PK,
  watermarkItem,
  watermarkOf,
} from './ledger-items.ts';
import { readIds, windowEntries } from './ledger-window.ts';

/** Sizes of the table's items and pages. */
export interface LedgerLimits {
  /** Maximum bytes of ids in one item. */
  readonly idsChunkBytes: number;
  /** Entries in a page of a query. */
  readonly pageEntries: number;
}

const LIMITS: LedgerLimits = { idsChunkBytes: IDS_CHUNK_BYTES, pageEntries: 200 };

/** A gap is reported for this long, so that one failed run does not hide it. */
const GAP_REPORTED_MS = 600_000;

/** The ledger's table. */
export class LedgerTable implements SegmentLedger, PartLedger, CheckpointLedger, EntryKeeper {
  readonly #table: Table;
  readonly #clock: Clock;
  readonly #retentionMs: number | undefined;
  readonly #limits: LedgerLimits;

  constructor(
    client: DynamoDBClient,
    table: string,
    clock: Clock,
    retentionMs?: number | undefined,
    limits = LIMITS,
  ) {
    this.#table = new Table(client, table);
    this.#clock = clock;
    this.#retentionMs = retentionMs;
    this.#limits = limits;
  }

  async readHead(shard: ShardKey): Promise<Head | undefined> {
    const item = await this.#table.get(ledgerKeys.head(shard));
    return item && headOf(item);
  }

  async putPlan(shard: ShardKey, plan: Head): Promise<'planned' | 'conflict'> {
    const item = headItem(shard, plan);
    const values = { ':previous': plan.segment - 1, ':sent': 'sent' };
    const isPut = await (plan.segment > 1
      ? this.#table.putIf('#segment = :previous AND #status = :sent', item, values)
      : this.#table.putIf(ABSENT, item));
    return isPut ? 'planned' : 'conflict';
  }

  async markSent(shard: ShardKey, sent: Head): Promise<void> {
    const values = { ':segment': sent.segment, ':planned': 'planned' };
    await this.#table.putIf('#segment = :segment AND #status = :planned', headItem(shard, sent), values);
  }

  async endHead(shard: ShardKey, ended: Head): Promise<'ended' | 'conflict'> {
    const item = headItem(shard, ended);
    const values = { ':segment': ended.segment, ':sent': 'sent' };
    const isPut = await (ended.segment === 0
      ? this.#table.putIf(ABSENT, item)
      : this.#table.putIf('#segment = :segment AND #status = :sent', item, values));
    return isPut ? 'ended' : 'conflict';
  }

  async registerShard(shard: ShardKey): Promise<void> {
    await this.#table.put(ledgerKeys.shard(shard));
  }

  async shards(): Promise<readonly ShardKey[]> {
    const shards: ShardKey[] = [];
    for await (const { Items = [] } of this.#table.pages(SHARDS_PK)) {
      for (const { sk } of Items) shards.push(parseShardKey(sk?.S ?? ''));
    }
    return shards;
  }

  async readGenerations(): Promise<readonly Generation[]> {
    const item = await this.#table.get(ledgerKeys.generations());
    return item === undefined ? [] : unmarshall(item)['generations'];
  }

  async putGenerations(generations: readonly Generation[], length: number): Promise<'put' | 'conflict'> {
    const item = { ...ledgerKeys.generations(), ...attributes({ generations }) };
    const isPut = await (length === 0
      ? this.#table.putIf(ABSENT, item)
      : this.#table.putIf('size(generations) = :length', item, { ':length': length }));
    return isPut ? 'put' : 'conflict';
  }

  async putIds(shard: ShardKey, segment: number, ids: Uint8Array): Promise<void> {
    const expiresAt = this.#expiresAt();
    const { idsChunkBytes } = this.#limits;
    for (let chunk = 0; chunk * idsChunkBytes < ids.byteLength; chunk += 1) {
      const part = ids.subarray(chunk * idsChunkBytes, (chunk + 1) * idsChunkBytes);
      const key = ledgerKeys.ids(shard, segment, chunk);
      await this.#table.put({ ...key, ...attributes({ ids: part, expiresAt }) });
    }
  }

  windowEntries(shard: ShardKey, from: number, downTo: number): AsyncIterable<WindowEntry> {
    return windowEntries(this.#table, shard, from, downTo);
  }

  readIds(shard: ShardKey, entries: readonly WindowEntry[]): Promise<readonly Uint8Array[]> {
    return readIds(this.#table, shard, entries);
  }

  async putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry | undefined> {
    const isPut = await this.#table.putIf(ABSENT, entryItem(shard, entry, this.#expiresAt()));
    return isPut ? undefined : this.#entry(shard, entry.segment);
  }

  async markLost(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry> {
    const existing = await this.putEntryIfAbsent(shard, entry);
    if (existing === undefined) return entry;
    if (existing.lost) return existing;
    const lostAtMs = this.#clock.nowMs();
    await this.#table.update({
      key: ledgerKeys.entry(shard, entry.segment),
      update: 'SET lost = :true, lostAtMs = :now REMOVE expiresAt',
      condition: 'attribute_exists(pk)',
      values: { ':true': true, ':now': lostAtMs },
    });
    const { expiresAt: _, ...kept } = existing;
    return { ...kept, lost: true, lostAtMs };
  }

  async *entriesUp(shard: ShardKey, after: number, through: number): AsyncIterable<SegmentEntry> {
    if (through > after) yield* this.#entries(shard, after + 1, through);
  }

  readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]> {
    const keys = segments.map((segment) => ledgerKeys.entry(shard, segment));
    return this.#table.getAll(keys, (items) => items.map(entryOf));
  }

  /** A gap grows, and never shrinks. It is `noted` if it is new, or so recent that its report may have failed. */
  async recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'> {
    const item = gapItem(shard, gap);
    const condition = 'attribute_not_exists(pk) OR #before < :before';
    if (await this.#table.putIf(condition, item, { ':before': item.before.S })) return 'noted';
    const known = await this.#table.get(ledgerKeys.gap(shard, gap.after));
    const ageMs = gap.noticedAtMs - Date.parse(known?.['noticedAt']?.S ?? '');
    return ageMs < GAP_REPORTED_MS ? 'noted' : 'known';
  }

  async acknowledge(segment: SegmentId, parts: readonly number[]): Promise<SegmentEntry | undefined> {
    const before = await this.#updateParts(segment, parts, 'ADD acked :parts');
    return before && entryOf(before);
  }

  async notePlace(segment: SegmentId, parts: readonly number[], place: NotedPlace): Promise<void> {
    await this.#updateParts(segment, parts, PLACE_UPDATES[place]);
  }

  async noteExpired({ segment, part }: PartName, events: number) {
    const isNoted = await this.#table.updateIf({
      key: ledgerKeys.entryOf(segment),
      update: `SET ${expiredAttribute(part)} = :events`,
      condition: 'attribute_exists(pk) AND NOT contains(acked, :part)',
      values: { ':events': events, ':part': part },
    });
    if (isNoted) return 'noted';
    const named = parseSegmentId(segment);
    return (await this.#entry(named.shard, named.segment)) === undefined ? 'no-entry' : 'acknowledged';
  }

  async keepEntry(segment: SegmentId, parts: ReadonlySet<number>): Promise<SegmentEntry | undefined> {
    const isAny = parts.size > 0;
    const answer = await this.#table.updated({
      key: ledgerKeys.entryOf(segment),
      update: isAny ? 'ADD kept :parts REMOVE expiresAt' : 'REMOVE expiresAt',
      condition: 'attribute_exists(pk)',
      ...(isAny && { values: { ':parts': parts } }),
      returns: 'ALL_NEW',
    });
    return answer?.Attributes && entryOf(answer.Attributes);
  }

  async expireEntry(segment: SegmentId, hasKept: boolean): Promise<void> {
    const expiresAt = this.#expiresAt();
    if (expiresAt === undefined && !hasKept) return;
    const isKnown = expiresAt !== undefined;
    await this.#table.updateIf({
      key: ledgerKeys.entryOf(segment),
      update: isKnown ? 'SET expiresAt = :at REMOVE kept' : 'REMOVE kept',
      condition: 'attribute_exists(pk)',
      ...(isKnown && { values: { ':at': expiresAt } }),
    });
  }

  async readCheckpoint(shard: ShardKey): Promise<Checkpoint> {
    const item = await this.#table.get(ledgerKeys.checkpoint(shard));
    return item === undefined ? EMPTY_CHECKPOINT : checkpointOf(item);
  }

  putCheckpoint(shard: ShardKey, checkpoint: Checkpoint): Promise<'put' | 'conflict'> {
    return this.#putRevision(checkpointItem(shard, checkpoint), checkpoint.revision, ABSENT);
  }

  async readWatermark(): Promise<Watermark> {
    const item = await this.#table.get(ledgerKeys.watermark());
    return item === undefined ? NO_WATERMARK : watermarkOf(item);
  }

  putWatermark(watermark: Watermark): Promise<'put' | 'conflict'> {
    // A watermark from older code has no revision.
    return this.#putRevision(watermarkItem(watermark), watermark.revision, 'attribute_not_exists(revision)');
  }

  /** Whether the table answers. */
  isHealthy(): Promise<boolean> {
    return this.#table.get(ledgerKeys.watermark()).then(
      () => true,
      () => false,
    );
  }

  /** Puts the first revision on a condition, and each later one on condition that the existing one is one older. */
  async #putRevision(item: Item, revision: number, firstIf: string): Promise<'put' | 'conflict'> {
    const isPut = await (revision === 1
      ? this.#table.putIf(firstIf, item)
      : this.#table.putIf('revision = :previous', item, { ':previous': revision - 1 }));
    return isPut ? 'put' : 'conflict';
  }

  async #entry(shard: ShardKey, segment: number): Promise<SegmentEntry | undefined> {
    const item = await this.#table.get(ledgerKeys.entry(shard, segment));
    return item && entryOf(item);
  }

  async *#entries(shard: ShardKey, first: number, last: number): AsyncIterable<SegmentEntry> {
    const [from, to] = [ledgerKeys.entry(shard, first).sk.S, ledgerKeys.entry(shard, last).sk.S];
    const pages = this.#table.pages(shard, [from, to], this.#limits.pageEntries);
    for await (const { Items = [] } of pages) for (const item of Items) yield entryOf(item);
  }

  /**
   * Updates a segment's entry, if there is one: an update must not recreate an expired entry.
   * @returns the item before the update, which costs nothing extra; undefined when there is none
   */
  async #updateParts(
    segment: SegmentId,
    parts: readonly number[],
    update: string,
  ): Promise<Item | undefined> {
    const answer = await this.#table.updated({
      key: ledgerKeys.entryOf(segment),
      update,
      condition: 'attribute_exists(pk)',
      values: { ':parts': new Set(parts) },
      returns: 'ALL_OLD',
    });
    return answer?.Attributes;
  }

  #expiresAt(): number | undefined {
    if (this.#retentionMs === undefined) return undefined;
    return Math.floor((this.#clock.nowMs() + this.#retentionMs) / 1000);
  }
}
