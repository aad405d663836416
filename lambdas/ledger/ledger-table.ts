// The ledger on DynamoDB: conditional writes named for their intent, strongly consistent reads.
import {
  BatchGetItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { conditionally, succeeds } from '../aws/conditional-write.ts';
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
import type { CheckpointLedger, Clock, NotedPlace, PartLedger, SegmentLedger, StreamGap } from '../ports.ts';
import { recordGap } from './ledger-gaps.ts';
import { endHead, putGenerations, readGenerations } from './ledger-generations.ts';
import {
  checkpointItem,
  checkpointOf,
  entryItem,
  entryOf,
  expiredAttribute,
  headItem,
  headOf,
  IDS_CHUNK_BYTES,
  type Item,
  type Key,
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

/** The ledger's table. */
export class LedgerTable implements SegmentLedger, PartLedger, CheckpointLedger {
  readonly #client: DynamoDBClient;
  readonly #table: string;
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
    this.#limits = limits;
    this.#client = client;
    this.#table = table;
    this.#clock = clock;
    this.#retentionMs = retentionMs;
  }

  async readHead(shard: ShardKey): Promise<Head | undefined> {
    const item = await this.#get(ledgerKeys.head(shard));
    return item && headOf(item);
  }

  async putPlan(shard: ShardKey, plan: Head): Promise<'planned' | 'conflict'> {
    const follows = plan.segment > 1;
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: headItem(shard, plan),
      ConditionExpression: follows ? '#segment = :previous AND #status = :sent' : 'attribute_not_exists(pk)',
      ...(follows && {
        ExpressionAttributeNames: { '#segment': 'segment', '#status': 'status' },
        ExpressionAttributeValues: { ':previous': { N: String(plan.segment - 1) }, ':sent': { S: 'sent' } },
      }),
    });
    return (await succeeds(this.#client, put)) ? 'planned' : 'conflict';
  }

  async markSent(shard: ShardKey, sent: Head): Promise<void> {
    await succeeds(
      this.#client,
      new PutItemCommand({
        TableName: this.#table,
        Item: headItem(shard, sent),
        ConditionExpression: '#segment = :segment AND #status = :planned',
        ExpressionAttributeNames: { '#segment': 'segment', '#status': 'status' },
        ExpressionAttributeValues: {
          ':segment': { N: String(sent.segment) },
          ':planned': { S: 'planned' },
        },
      }),
    );
  }

  async registerShard(shard: ShardKey): Promise<void> {
    await this.#client.send(new PutItemCommand({ TableName: this.#table, Item: ledgerKeys.shard(shard) }));
  }

  async putIds(shard: ShardKey, segment: number, ids: Uint8Array): Promise<void> {
    const expiresAt = this.#expiresAt();
    const { idsChunkBytes } = this.#limits;
    for (let chunk = 0; chunk * idsChunkBytes < ids.byteLength; chunk += 1) {
      const part = ids.subarray(chunk * idsChunkBytes, (chunk + 1) * idsChunkBytes);
      const item: Item = { ...ledgerKeys.ids(shard, segment, chunk), ids: { B: part } };
      if (expiresAt !== undefined) item['expiresAt'] = { N: String(expiresAt) };
      await this.#client.send(new PutItemCommand({ TableName: this.#table, Item: item }));
    }
  }

  windowEntries(shard: ShardKey, from: number, downTo: number): AsyncIterable<WindowEntry> {
    return windowEntries(this.#place, shard, from, downTo);
  }

  readIds(shard: ShardKey, entries: readonly WindowEntry[]): Promise<readonly Uint8Array[]> {
    return readIds(this.#place, shard, entries);
  }

  readGenerations(): Promise<readonly Generation[]> {
    return readGenerations(this.#place);
  }

  putGenerations(generations: readonly Generation[], length: number): Promise<'put' | 'conflict'> {
    return putGenerations(this.#place, generations, length);
  }

  endHead(shard: ShardKey, ended: Head): Promise<'ended' | 'conflict'> {
    return endHead(this.#place, shard, ended);
  }

  async putEntryIfAbsent(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry | undefined> {
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: entryItem(shard, entry, this.#expiresAt()),
      ConditionExpression: 'attribute_not_exists(pk)',
    });
    if (await succeeds(this.#client, put)) return undefined;
    return this.#entry(shard, entry.segment);
  }

  async markLost(shard: ShardKey, entry: SegmentEntry): Promise<SegmentEntry> {
    const existing = await this.putEntryIfAbsent(shard, entry);
    if (existing === undefined) return entry;
    if (existing.lost) return existing;
    const lostAtMs = this.#clock.nowMs();
    await this.#client.send(
      new UpdateItemCommand({
        TableName: this.#table,
        Key: ledgerKeys.entry(shard, entry.segment),
        UpdateExpression: 'SET lost = :true, lostAtMs = :now REMOVE expiresAt',
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: { ':true': { BOOL: true }, ':now': { N: String(lostAtMs) } },
      }),
    );
    return { ...existing, lost: true, lostAtMs };
  }

  async *entriesUp(shard: ShardKey, after: number, through: number): AsyncIterable<SegmentEntry> {
    if (through > after) yield* this.#entries(shard, after + 1, through);
  }

  recordGap(shard: ShardKey, gap: StreamGap): Promise<'noted' | 'known'> {
    return recordGap(this.#place, shard, gap);
  }

  async acknowledge(segment: SegmentId, parts: readonly number[]): Promise<SegmentEntry | undefined> {
    const named = { ':parts': { NS: parts.map(String) } };
    const before = await this.#updateEntry(segment, 'ADD acked :parts', named);
    return before && entryOf(before);
  }

  async notePlace(segment: SegmentId, parts: readonly number[], place: NotedPlace): Promise<void> {
    await this.#updateEntry(segment, PLACE_UPDATES[place], { ':parts': { NS: parts.map(String) } });
  }

  async noteExpired({ segment, part }: PartName, events: number) {
    const update = new UpdateItemCommand({
      TableName: this.#table,
      Key: ledgerKeys.entryOf(segment),
      UpdateExpression: `SET ${expiredAttribute(part)} = :events`,
      ConditionExpression: 'attribute_exists(pk) AND NOT contains(acked, :part)',
      ExpressionAttributeValues: { ':events': { N: String(events) }, ':part': { N: String(part) } },
    });
    if (await succeeds(this.#client, update)) return 'noted';
    const named = parseSegmentId(segment);
    return (await this.#entry(named.shard, named.segment)) === undefined ? 'no-entry' : 'acknowledged';
  }

  /** Whether the table answers. */
  async isHealthy(): Promise<boolean> {
    try {
      await this.#get(ledgerKeys.watermark());
      return true;
    } catch {
      return false;
    }
  }

  async shards(): Promise<readonly ShardKey[]> {
    const shards: ShardKey[] = [];
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: SHARDS_PK } },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk } of Items) shards.push(parseShardKey(sk?.S ?? ''));
    }
    return shards;
  }

  async readCheckpoint(shard: ShardKey): Promise<Checkpoint> {
    const item = await this.#get(ledgerKeys.checkpoint(shard));
    return item === undefined ? EMPTY_CHECKPOINT : checkpointOf(item);
  }

  async putCheckpoint(shard: ShardKey, checkpoint: Checkpoint): Promise<'put' | 'conflict'> {
    const first = checkpoint.revision === 1;
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: checkpointItem(shard, checkpoint),
      ConditionExpression: first ? 'attribute_not_exists(pk)' : 'revision = :previous',
      ...(!first && { ExpressionAttributeValues: { ':previous': { N: String(checkpoint.revision - 1) } } }),
    });
    return (await succeeds(this.#client, put)) ? 'put' : 'conflict';
  }

  async readWatermark(): Promise<Watermark> {
    const item = await this.#get(ledgerKeys.watermark());
    return item === undefined ? NO_WATERMARK : watermarkOf(item);
  }

  async putWatermark(watermark: Watermark): Promise<'put' | 'conflict'> {
    const first = watermark.revision === 1;
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: watermarkItem(watermark),
      // A watermark from older code has no revision.
      ConditionExpression: first ? 'attribute_not_exists(revision)' : 'revision = :previous',
      ...(!first && { ExpressionAttributeValues: { ':previous': { N: String(watermark.revision - 1) } } }),
    });
    return (await succeeds(this.#client, put)) ? 'put' : 'conflict';
  }

  async readEntries(shard: ShardKey, segments: readonly number[]): Promise<readonly SegmentEntry[]> {
    const entries: SegmentEntry[] = [];
    for (let at = 0; at < segments.length; at += 100) {
      let keys: Key[] = segments.slice(at, at + 100).map((segment) => ledgerKeys.entry(shard, segment));
      while (keys.length > 0) {
        const request = { [this.#table]: { Keys: keys, ConsistentRead: true } };
        const { Responses, UnprocessedKeys } = await this.#client.send(
          new BatchGetItemCommand({ RequestItems: request }),
        );
        entries.push(...(Responses?.[this.#table] ?? []).map(entryOf));
        keys = (UnprocessedKeys?.[this.#table]?.Keys ?? []) as Key[];
      }
    }
    return entries;
  }

  async #entry(shard: ShardKey, segment: number): Promise<SegmentEntry | undefined> {
    const item = await this.#get(ledgerKeys.entry(shard, segment));
    return item && entryOf(item);
  }

  async *#entries(shard: ShardKey, from: number, to: number): AsyncIterable<SegmentEntry> {
    const pages = paginateQuery(
      { client: this.#client, pageSize: this.#limits.pageEntries },
      {
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: shard },
          ':from': ledgerKeys.entry(shard, from).sk,
          ':to': ledgerKeys.entry(shard, to).sk,
        },
        ConsistentRead: true,
      },
    );
    for await (const { Items = [] } of pages) for (const item of Items) yield entryOf(item);
  }

  /**
   * Updates a segment's entry, if there is one: an update must not recreate an expired entry.
   * @returns the item before the update, which costs nothing extra; undefined when there is none
   */
  async #updateEntry(segment: SegmentId, update: string, values: Item): Promise<Item | undefined> {
    const answer = await conditionally(
      this.#client,
      new UpdateItemCommand({
        TableName: this.#table,
        Key: ledgerKeys.entryOf(segment),
        UpdateExpression: update,
        ConditionExpression: 'attribute_exists(pk)',
        ExpressionAttributeValues: values,
        ReturnValues: 'ALL_OLD',
      }),
    );
    return answer?.Attributes;
  }

  async #get(key: Key): Promise<Item | undefined> {
    const get = new GetItemCommand({ TableName: this.#table, Key: key, ConsistentRead: true });
    return (await this.#client.send(get)).Item;
  }

  get #place() {
    return { client: this.#client, table: this.#table };
  }

  #expiresAt(): number | undefined {
    if (this.#retentionMs === undefined) return undefined;
    return Math.floor((this.#clock.nowMs() + this.#retentionMs) / 1000);
  }
}
