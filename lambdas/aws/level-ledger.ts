// The ledger's items about levels on DynamoDB: what segments touched, cursors, claims.
import {
  BatchGetItemCommand,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import type { ShardKey } from '../counting/identifiers.ts';
import { ALL_PARTS, type LevelCursor, type OpenSegment, START_CURSOR } from '../counting/level-cursor.ts';
import type { Claims, CompactedLevel, LevelClaim } from '../counting/levels.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import type { LevelLedger } from '../level-ports.ts';
import { type Item, type Key, ledgerKeys } from './ledger-items.ts';
import { touchedIn } from './touched-items.ts';

/** Chunks of up to 400 KB in one BatchGetItem, which ends at 16 MB. */
const BATCH_CHUNKS = 25;

/** The ledger's table, as the compactor and the query use it. */
export class LevelLedgerTable implements LevelLedger {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async readTouched(
    shard: ShardKey,
    { segment, touchedChunks }: Pick<SegmentEntry, 'segment' | 'touchedChunks'>,
  ): Promise<readonly string[] | undefined> {
    const items = new Map<string, Item>();
    for (let at = 0; at < touchedChunks; at += BATCH_CHUNKS) {
      const count = Math.min(BATCH_CHUNKS, touchedChunks - at);
      let keys = Array.from({ length: count }, (_, index) => ledgerKeys.touched(shard, segment, at + index));
      while (keys.length > 0) {
        const request = { [this.#table]: { Keys: keys, ConsistentRead: true } };
        const { Responses, UnprocessedKeys } = await this.#client.send(
          new BatchGetItemCommand({ RequestItems: request }),
        );
        for (const item of Responses?.[this.#table] ?? []) items.set(item['sk']?.S ?? '', item);
        keys = (UnprocessedKeys?.[this.#table]?.Keys ?? []) as Key[];
      }
    }
    const chunks: string[] = [];
    for (let chunk = 0; chunk < touchedChunks; chunk += 1) {
      const text = touchedIn(items.get(ledgerKeys.touched(shard, segment, chunk).sk.S ?? ''));
      if (text === undefined) return undefined;
      chunks.push(text);
    }
    return chunks;
  }

  async keepTouched(
    shard: ShardKey,
    { segment, touchedChunks }: Pick<SegmentEntry, 'segment' | 'touchedChunks'>,
  ): Promise<void> {
    for (let chunk = 0; chunk < touchedChunks; chunk += 1) {
      await this.#succeeds(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: ledgerKeys.touched(shard, segment, chunk),
          UpdateExpression: 'REMOVE expiresAt',
          ConditionExpression: 'attribute_exists(pk)',
        }),
      );
    }
  }

  async readCursor(shard: ShardKey, level: CompactedLevel): Promise<LevelCursor> {
    const Key = ledgerKeys.cursor(shard, level);
    const get = new GetItemCommand({ TableName: this.#table, Key, ConsistentRead: true });
    const { Item } = await this.#client.send(get);
    if (Item === undefined) return START_CURSOR;
    return cursorIn(Item);
  }

  async putCursor(shard: ShardKey, level: CompactedLevel, cursor: LevelCursor): Promise<'put' | 'conflict'> {
    const first = cursor.revision === 1;
    const put = new PutItemCommand({
      TableName: this.#table,
      Item: { ...ledgerKeys.cursor(shard, level), ...marshall(storedCursor(cursor)) },
      ConditionExpression: first ? 'attribute_not_exists(pk)' : 'revision = :previous',
      ...(!first && { ExpressionAttributeValues: { ':previous': { N: String(cursor.revision - 1) } } }),
    });
    return (await this.#succeeds(put)) ? 'put' : 'conflict';
  }

  async raiseLevelClaim(level: CompactedLevel, claim: LevelClaim): Promise<void> {
    // Each by itself: two compactors may have seen the shards at different times, and both are right.
    for (const [attribute, ms] of Object.entries(claim)) {
      await this.#succeeds(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: ledgerKeys.levelClaim(level),
          UpdateExpression: 'SET #attribute = :ms',
          ConditionExpression: 'attribute_not_exists(#attribute) OR #attribute < :ms',
          ExpressionAttributeNames: { '#attribute': attribute },
          ExpressionAttributeValues: { ':ms': { N: String(ms) } },
        }),
      );
    }
  }

  async readClaims(): Promise<Claims> {
    const { Items = [] } = await this.#client.send(
      new QueryCommand({
        TableName: this.#table,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': ledgerKeys.claim().pk },
        ConsistentRead: true,
      }),
    );
    const items = new Map(Items.map((item) => [item['sk']?.S, item]));
    const claimOf = (level: CompactedLevel): LevelClaim => {
      const item = items.get(ledgerKeys.levelClaim(level).sk.S);
      return { closedBeforeMs: msIn(item, 'closedBeforeMs'), throughMs: msIn(item, 'throughMs') };
    };
    const throughMs = msIn(items.get(ledgerKeys.claim().sk.S), 'throughMs');
    return { throughMs, days: claimOf('days'), months: claimOf('months') };
  }

  /** Sends a conditional write. @returns false when its condition failed */
  async #succeeds(write: PutItemCommand | UpdateItemCommand): Promise<boolean> {
    try {
      await this.#client.send(write as PutItemCommand);
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }
}

/** A segment in a pending step. There is no number for all of its parts: null stands for it. */
interface StoredSegment extends Omit<OpenSegment, 'held'> {
  readonly held: number | null;
}

/** A cursor as an item's attributes. */
function storedCursor({ pending, ...cursor }: LevelCursor) {
  if (pending === undefined) return cursor;
  const again = pending.again.map(
    ({ segment, held }): StoredSegment => ({ segment, held: held === ALL_PARTS ? null : held }),
  );
  return { ...cursor, pending: { ...pending, again } };
}

/** The cursor in an item; one without a pending step, or from before there were any, has none. */
function cursorIn(item: Item): LevelCursor {
  const { pk: _pk, sk: _sk, ...cursor } = unmarshall(item) as LevelCursor & Record<'pk' | 'sk', string>;
  if (cursor.pending === undefined) return cursor;
  const stored: readonly StoredSegment[] = cursor.pending.again;
  const again = stored.map(({ segment, held }): OpenSegment => ({ segment, held: held ?? ALL_PARTS }));
  return { ...cursor, pending: { ...cursor.pending, again } };
}

function msIn(item: Item | undefined, attribute: string): number {
  return Number(item?.[attribute]?.N ?? 0);
}
