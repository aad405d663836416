// Reads a dedup window from the ledger: its segments, and their ids in few, large reads.
import { paginateQuery, QueryCommand } from '@aws-sdk/client-dynamodb';
import { unmarshall } from '@aws-sdk/util-dynamodb';
import pLimit from 'p-limit';
import type { Item, Table } from '../aws/table.ts';
import type { ShardKey } from '../core/identifiers.ts';
import { MissingLedgerItem, type WindowEntry } from '../core/segment-entry.ts';
import { idsNameOf, ledgerKeys } from './ledger-items.ts';

/** Entries in the first page of a walk; each further page has twice as many, up to Query's limit. */
const FIRST_PAGE_ENTRIES = 100;
const PAGE_ENTRIES_MAX = 3_200;
/** Bytes of ids that one sequence of pages reads, and how many sequences run concurrently. */
const STRETCH_BYTES = 4_000_000;
const STRETCHES_AT_ONCE = 4;

/**
 * Entries from `from` down to `downTo`, latest first, as far as a window needs them. Strongly consistent. Pages grow, so
 * that a short window does not read a long one's page.
 */
export async function* windowEntries(
  { client, name: TableName }: Table,
  shard: ShardKey,
  from: number,
  downTo: number,
): AsyncIterable<WindowEntry> {
  let start: Item | undefined;
  for (let limit = FIRST_PAGE_ENTRIES; ; limit = Math.min(PAGE_ENTRIES_MAX, limit * 2)) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: {
          ':pk': { S: shard },
          ':from': ledgerKeys.entry(shard, downTo).sk,
          ':to': ledgerKeys.entry(shard, from).sk,
        },
        ProjectionExpression: '#segment, runMaxMs, runMaxBeforeMs, idBytes, ids',
        ExpressionAttributeNames: { '#segment': 'segment' },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: limit,
        ...(start !== undefined && { ExclusiveStartKey: start }),
      }),
    );
    for (const item of Items) yield unmarshall(item) as WindowEntry;
    if (LastEvaluatedKey === undefined) return;
    start = LastEvaluatedKey;
  }
}

/**
 * The packed ids of adjacent segments, in the order of their entries. They are adjacent in the table, so a query reads a
 * megabyte at a time. Ids never change once put: an eventually consistent read can only miss some, and those are read
 * again.
 * @throws MissingLedgerItem when some are missing
 */
export async function readIds(
  table: Table,
  shard: ShardKey,
  entries: readonly WindowEntry[],
): Promise<readonly Uint8Array[]> {
  const limit = pLimit(STRETCHES_AT_ONCE);
  const read = await Promise.all(
    stretchesOf(entries).map((stretch) => limit(() => readStretch(table, shard, stretch))),
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
    bytes += entry.ids === undefined ? entry.idBytes : 0;
  }
  return stretches;
}

async function readStretch(
  table: Table,
  shard: ShardKey,
  entries: readonly WindowEntry[],
): Promise<readonly Uint8Array[]> {
  const chunks = new Map<number, Chunks>(entries.map(({ segment }) => [segment, new Map()]));
  const segments = entries
    .filter(({ idBytes, ids }) => idBytes > 0 && ids === undefined)
    .map(({ segment }) => segment);
  if (segments.length > 0) {
    const query = {
      TableName: table.name,
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':pk': { S: shard },
        ':from': ledgerKeys.ids(shard, Math.min(...segments), 0).sk,
        ':to': ledgerKeys.ids(shard, Math.max(...segments), '~').sk,
      },
      ProjectionExpression: 'sk, ids',
    };
    for await (const { Items = [] } of paginateQuery({ client: table.client }, query)) {
      for (const { sk, ids } of Items) {
        const { segment, chunk } = idsNameOf(sk?.S ?? '');
        if (ids?.B !== undefined) chunks.get(segment)?.set(chunk, ids.B);
      }
    }
  }
  const read: Uint8Array[] = [];
  for (const entry of entries) {
    const ids = entry.ids ?? joined(entry, chunks.get(entry.segment));
    read.push(ids ?? (await readAgain(table, shard, entry)));
  }
  return read;
}

/** A segment's ids by chunk number. */
type Chunks = Map<number, Uint8Array>;

/** Chunks in order; undefined when their size differs from the entry's. */
function joined({ idBytes }: WindowEntry, chunks: Chunks = new Map()): Uint8Array | undefined {
  const ids = new Uint8Array(idBytes);
  let at = 0;
  for (let chunk = 0; at < idBytes; chunk += 1) {
    const part = chunks.get(chunk);
    if (part === undefined || part.length === 0 || at + part.length > idBytes) return undefined;
    ids.set(part, at);
    at += part.length;
  }
  return ids;
}

/** Reads one segment's ids with strong consistency. */
async function readAgain(table: Table, shard: ShardKey, entry: WindowEntry): Promise<Uint8Array> {
  const chunks: Chunks = new Map();
  for (let read = 0; read < entry.idBytes; ) {
    const item = await table.get(ledgerKeys.ids(shard, entry.segment, chunks.size));
    const part = item?.['ids']?.B;
    if (part === undefined || part.length === 0) break;
    chunks.set(chunks.size, part);
    read += part.length;
  }
  const ids = joined(entry, chunks);
  if (ids === undefined)
    throw new MissingLedgerItem(`the ids of segment ${entry.segment} of shard ${shard} are missing`);
  return ids;
}
