// What do queries cost to read, for an entity with a day, a year and ten years of counts? Read units, as the emulator measures them.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { CounterTable } from '../lambdas/aws/counter-table.ts';
import { LevelTable } from '../lambdas/aws/level-table.ts';
import { parseCountQuery } from '../lambdas/query/count-query.ts';
import type { Claims } from '../lambdas/counting/levels.ts';
import { DAY_MS, dayStartMs } from '../lambdas/counting/time.ts';
import { readCounts } from '../lambdas/query/read-counts.ts';
import { startEmulators } from '../local/emulators/emulators.ts';
import { CLAIMS, createTable, fillHistory, METRIC, MINUTES, NOW_MS, SPANS } from './synthetic-counts.ts';

const FOREVER = { counters: undefined, days: undefined, months: undefined };
const NOTHING: Claims = {
  ...CLAIMS,
  days: { closedBeforeMs: 0, throughMs: 0 },
  months: { closedBeforeMs: 0, throughMs: 0 },
};
const iso = (atMs: number) => new Date(atMs).toISOString();
const QUESTIONS: readonly (readonly [label: string, parameters: Record<string, string>])[] = [
  ['by=total, all time', {}],
  ['by=total, from 00:30 three years ago', { from: iso(dayStartMs(NOW_MS) - 3 * 365 * DAY_MS + 1_800_000) }],
  ['by=month, all time', { by: 'month', from: iso(0) }],
  ['by=month, a year', { by: 'month' }],
  ['by=day, thirty days', { by: 'day' }],
  ['by=day, all time', { by: 'day', from: iso(0) }],
  ['by=day, thirty days of Europe/Berlin', { by: 'day', tz: 'Europe/Berlin' }],
  ['by=day, thirty days of Asia/Kathmandu', { by: 'day', tz: 'Asia/Kathmandu' }],
  ['by=month, a year of Europe/Berlin', { by: 'month', tz: 'Europe/Berlin' }],
  ['by=hour, a day', { by: 'hour' }],
  ['by=minute, an hour', { by: 'minute' }],
];

const emulators = await startEmulators(undefined, (error) => {
  throw error;
});
const client = new DynamoDBClient({
  endpoint: emulators.dynamodb.endpoint,
  region: 'us-east-1',
  credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
});
const TableName = 'read-units';
await createTable(client, TableName);

let units = 0;
// Every read says what it cost; the adapters need not know.
client.middlewareStack.add(
  (next) => async (args) => {
    const isRead = 'KeyConditionExpression' in args.input || 'Key' in args.input;
    if (isRead) Object.assign(args.input, { ReturnConsumedCapacity: 'TOTAL' });
    const result = await next(args);
    const { ConsumedCapacity } = result.output as { ConsumedCapacity?: { CapacityUnits?: number } };
    if (isRead) units += ConsumedCapacity?.CapacityUnits ?? 0;
    return result;
  },
  { step: 'initialize' },
);

async function cost(entity: string, parameters: Record<string, string>, claims: Claims): Promise<number> {
  const query = parseCountQuery(METRIC, entity, parameters, NOW_MS);
  const ports = {
    counters: new CounterTable(client, TableName),
    levels: new LevelTable(client, TableName),
    claims: { readClaims: async () => claims },
    clock: { nowMs: () => NOW_MS },
  };
  units = 0;
  await readCounts([query], ports, { acceptPastMs: undefined, retentionsMs: FOREVER });
  return units;
}

const say = (text: string) => process.stdout.write(`${text}\n`);
try {
  say('Read units of the counter table, strongly consistent; every query reads the claims for 1 unit more.');
  say(`Every hour of the span has counts in ${MINUTES} minutes. In brackets: without levels.\n`);
  for (const [entity, days] of Object.entries(SPANS)) await fillHistory(client, TableName, entity, days);
  say(`| query | ${Object.keys(SPANS).join(' | ')} |`);
  say(
    `| --- | ${Object.keys(SPANS)
      .map(() => '---')
      .join(' | ')} |`,
  );
  for (const [label, parameters] of QUESTIONS) {
    const cells: string[] = [];
    for (const entity of Object.keys(SPANS)) {
      const [levelled, without] = [
        await cost(entity, parameters, CLAIMS),
        await cost(entity, parameters, NOTHING),
      ];
      cells.push(`${levelled} (${without.toLocaleString('en')})`);
    }
    say(`| ${label} | ${cells.join(' | ')} |`);
  }
} finally {
  client.destroy();
  await emulators.stop();
}
