// The writer on the emulator's tables: how much it gets done, and whether the counts are right afterwards.
import { paginateScan } from '@aws-sdk/client-dynamodb';
import { dynamoDb } from '../../lambdas/aws/clients/dynamo-db.ts';
import { LedgerTable } from '../../lambdas/aws/ledger-table.ts';
import { systemClock } from '../../lambdas/aws/telemetry.ts';
import { type BenchDynamoDb, TABLES } from './dynamodb.ts';
import type { LoadSize, WriterLoad } from './load.ts';
import { checkCalls, expectedCalls, type WriterHandler, write } from './runs.ts';

/** What one round got done: seconds for all messages, and seconds for all of them once more. */
export interface EmulatorRound {
  readonly coldSeconds: number;
  readonly replayedSeconds: number;
}

/** Puts the entries of a load's segments, as the aggregator does before it sends messages. */
export async function putEntries({ entries }: WriterLoad): Promise<void> {
  const client = dynamoDb();
  const ledger = new LedgerTable(client, TABLES.ledger, systemClock);
  for (const { shard, entry } of entries.values()) await ledger.putEntryIfAbsent(shard, entry);
  client.destroy();
}

/**
 * One round with counters and segments of its own, written and then replayed.
 * @throws when calls are not those that it must make
 */
export async function emulatorRound(
  handler: WriterHandler,
  table: BenchDynamoDb,
  load: WriterLoad,
  messagesEach: number,
): Promise<EmulatorRound> {
  await putEntries(load);
  const seconds: number[] = [];
  const calls = expectedCalls(load.size, messagesEach);
  // With one segment the failed condition says it all.
  for (const reads of [0, messagesEach > 1 ? calls.updates : 0]) {
    const startMs = performance.now();
    const sent = await write(handler, table, load, messagesEach);
    seconds.push((performance.now() - startMs) / 1000);
    checkCalls(sent, { ...calls, reads }, load.events);
  }
  const [coldSeconds = NaN, replayedSeconds = NaN] = seconds;
  return { coldSeconds, replayedSeconds };
}

/** @throws when a counter of these loads does not have all of its events, once each, or a segment is not acknowledged */
export async function checkTables(loads: readonly WriterLoad[]): Promise<void> {
  const client = dynamoDb();
  const byName = new Map(loads.map(({ name, size }) => [String(name), size]));
  let items = 0;
  for await (const { Items = [] } of paginateScan({ client }, { TableName: TABLES.counters })) {
    for (const { pk, n, e, applied } of Items) {
      const size = byName.get(pk?.S?.split('/')[2] ?? '');
      const seen = [n?.N, e?.N, applied?.SS?.length].join();
      const events = (size?.segments ?? 0) * (size?.eventsPerRow ?? 0);
      const expected = [events, events, size?.segments].join();
      if (seen !== expected)
        throw new Error(`${pk?.S} has n, e, segments ${seen}, and must have ${expected}`);
      items += 1;
    }
  }
  let acknowledged = 0;
  for await (const { Items = [] } of paginateScan({ client }, { TableName: TABLES.ledger })) {
    for (const { acked } of Items) acknowledged += acked?.NS?.length ?? 0;
  }
  client.destroy();
  const sum = (of: keyof LoadSize) => loads.reduce((total, { size }) => total + size[of], 0);
  const [seen, expected] = [`${items}, ${acknowledged}`, `${sum('counters')}, ${sum('segments')}`];
  if (seen !== expected) throw new Error(`counters and acknowledged segments are ${seen}, not ${expected}`);
}
