// Reading a dedup window from the ledger: which segments it has, and their ids in few, large reads.
import { type DynamoDBClient, GetItemCommand, paginateQuery, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import pLimit from 'p-limit';
import type { ShardKey } from '../counting/identifiers.ts';
import { MissingLedgerItem, type WindowEntry } from '../counting/segment-entry.ts';
import { idsNameOf, ledgerKeys } from './ledger-items.ts';

/** Entries in the first page of a walk; each further page has twice as many, up to what a Query answers. */
const FIRST_PAGE_ENTRIES = 100;
const PAGE_ENTRIES_MAX = 3_200;
/** Bytes of ids that one walk of pages reads, and how many walks go on at once. */
const STRETCH_BYTES = 4_000_000;
const STRETCHES_AT_ONCE = 4;

/** Where windows are read. */
export interface WindowTable {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** Bytes of ids in one item, as they are written. */
  readonly idsChunkBytes: number;
}

/**
 * Entries from `from` down to `downTo`, latest first, as far as a window needs them. Strongly consistent. Pages grow, so
 * that a short window does not pay for a long one's page.
 */
export async function* windowEntries(
  { client, table }: WindowTable,
  shard: ShardKey,
  from: number,
  downTo: number,
): AsyncIterable<WindowEntry> {
  let start: Record<string, never> | undefined;
  for (let limit = FIRST_PAGE_ENTRIES; ; limit = Math.min(PAGE_ENTRIES_MAX, limit * 2)) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: shard },
          ':from': ledgerKeys.entry(shard, downTo).sk,
          ':to': ledgerKeys.entry(shard, from).sk,
        },
        ProjectionExpression: '#segment, runMaxMs, runMaxBeforeMs, idBytes',
        ExpressionAttributeNames: { '#segment': 'segment' },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: limit,
        ...(start !== undefined && { ExclusiveStartKey: start }),
      }),
    );
    for (const item of Items) yield unmarshall(item) as WindowEntry;
    if (LastEvaluatedKey === undefined) return;
    start = LastEvaluatedKey as Record<string, never>;
  }
}

/**
 * The packed ids of neighbouring segments, in the order of their entries. They lie one after the other in the table, so a
 * query reads a megabyte at a time. Ids never change once put: a read that is not strongly consistent can only miss some,
 * and those are asked for again.
 * @throws MissingLedgerItem when some are not there
 */
export async function readIds(
  from: WindowTable,
  shard: ShardKey,
  entries: readonly WindowEntry[],
): Promise<readonly Uint8Array[]> {
  const limit = pLimit(STRETCHES_AT_ONCE);
  const read = await Promise.all(
    stretchesOf(entries).map((stretch) => limit(() => readStretch(from, shard, stretch))),
  );
  return read.flat();
}

function stretchesOf(entries: readonly WindowEntry[]): WindowEntry[][] {
  const stretches: WindowEntry[][] = [];
  let bytes = STRETCH_BYTES;
  for (const entry of entries) {
    if (bytes >= STRETCH_BYTES) {
      stretches.push([]);
      bytes = 0;
    }
    stretches.at(-1)?.push(entry);
    bytes += entry.idBytes;
  }
  return stretches;
}

/** Ids of one segment while its chunks come in. */
interface Gathered {
  readonly ids: Uint8Array;
  missing: number;
}

async function readStretch(
  { client, table, idsChunkBytes }: WindowTable,
  shard: ShardKey,
  entries: readonly WindowEntry[],
): Promise<readonly Uint8Array[]> {
  const gathered = new Map<number, Gathered>();
  for (const { segment, idBytes } of entries) {
    gathered.set(segment, { ids: new Uint8Array(idBytes), missing: idBytes });
  }
  const segments = entries.filter(({ idBytes }) => idBytes > 0).map(({ segment }) => segment);
  if (segments.length > 0) {
    const [first, last] = [Math.min(...segments), Math.max(...segments)];
    const pages = paginateQuery(
      { client },
      {
        TableName: table,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: shard },
          ':from': ledgerKeys.ids(shard, first, 0).sk,
          ':to': ledgerKeys.ids(shard, last, 9).sk,
        },
        ProjectionExpression: 'sk, ids',
      },
    );
    for await (const { Items = [] } of pages) {
      for (const { sk, ids } of Items) {
        const { segment, chunk } = idsNameOf(sk?.S ?? '');
        take(gathered.get(segment), chunk * idsChunkBytes, ids?.B);
      }
    }
  }
  for (const [segment, found] of gathered) {
    if (found.missing > 0) await readAgain({ client, table, idsChunkBytes }, shard, segment, found);
  }
  return entries.map(({ segment }) => (gathered.get(segment) as Gathered).ids);
}

/** Reads one segment's ids strongly consistently. */
async function readAgain(
  { client, table, idsChunkBytes }: WindowTable,
  shard: ShardKey,
  segment: number,
  gathered: Gathered,
): Promise<void> {
  gathered.missing = gathered.ids.byteLength;
  for (let chunk = 0; chunk * idsChunkBytes < gathered.ids.byteLength; chunk += 1) {
    const Key = ledgerKeys.ids(shard, segment, chunk);
    const { Item } = await client.send(new GetItemCommand({ TableName: table, Key, ConsistentRead: true }));
    take(gathered, chunk * idsChunkBytes, Item?.['ids']?.B);
  }
  if (gathered.missing !== 0)
    throw new MissingLedgerItem(`ids of segment ${segment} of shard ${shard} are not there`);
}

function take(gathered: Gathered | undefined, at: number, part: Uint8Array | undefined): void {
  // Of another length than the entry says: not what was put, and missing.
  if (gathered === undefined || part === undefined || at + part.length > gathered.ids.length) return;
  gathered.ids.set(part, at);
  gathered.missing -= part.length;
}
