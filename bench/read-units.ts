// What do queries cost to read, for an entity with a day, a year and ten years of counts? Read units, as the emulator measures them.
import {
  type AttributeValue,
  BatchWriteItemCommand,
  CreateTableCommand,
  DynamoDBClient,
} from '@aws-sdk/client-dynamodb';
import { CounterTable } from '../lambdas/aws/counter-table.ts';
import { LevelTable } from '../lambdas/aws/level-table.ts';
import { parseCountQuery } from '../lambdas/counting/count-query.ts';
import { counterKey, minuteAttribute } from '../lambdas/counting/counter-item.ts';
import {
  type Claims,
  itemStartMs,
  type Level,
  levelChangeParams,
  levelKey,
  sumStartMs,
} from '../lambdas/counting/levels.ts';
import { bucketName, DAY_MS, dayStartMs, HOUR_MS, hourStartMs } from '../lambdas/counting/time.ts';
import { readCounts } from '../lambdas/query/read-counts.ts';
import { startEmulators } from '../local/emulators/emulators.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 17, 40);
const SPANS = { 'a day': 1, 'a year': 365, 'ten years': 3_652 } as const;
const METRIC = 'play';
/** Minutes with counts in each hour, each from a segment of its own: hot entities have up to 720 segments an hour and shard. */
const MINUTES = 12;
const FOREVER = { counters: undefined, days: undefined, months: undefined };
const CLAIMS: Claims = {
  throughMs: NOW_MS - 30_000,
  days: { closedBeforeMs: hourStartMs(NOW_MS), throughMs: hourStartMs(NOW_MS) + 300_000 },
  months: { closedBeforeMs: dayStartMs(NOW_MS), throughMs: dayStartMs(NOW_MS) + 300_000 },
};
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
await client.send(
  new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' },
      { AttributeName: 'sk', AttributeType: 'S' },
    ],
    KeySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
  }),
);

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

/** Every hour of an entity's history, and the levels made of it. */
async function fill(entity: string, days: number): Promise<void> {
  const minutes = Object.fromEntries(
    Array.from({ length: MINUTES }, (_, at) => [minuteAttribute(at * 5), { N: '1234' }]),
  );
  const applied = { SS: Array.from({ length: MINUTES }, (_, k) => `1.0.${(k + 40_000).toString(36)}`) };
  const levels = new Map<string, { level: Level; startMs: number; sums: Map<number, bigint> }>();
  let batch: Record<string, AttributeValue>[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const puts = batch.map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: puts } }));
    batch = [];
  };
  const put = async (item: Record<string, AttributeValue>) => {
    batch.push(item);
    if (batch.length === 25) await flush();
  };
  for (let atMs = hourStartMs(NOW_MS - days * DAY_MS); atMs <= NOW_MS; atMs += HOUR_MS) {
    const { pk, sk } = counterKey(METRIC, entity, bucketName(atMs, 60));
    await put({ pk: { S: pk }, sk: { S: sk }, n: { N: '14808' }, e: { N: '14808' }, ...minutes, applied });
    for (const level of ['days', 'months', 'total'] as const) {
      const startMs = itemStartMs(level, atMs);
      const one = levels.get(`${level} ${startMs}`) ?? { level, startMs, sums: new Map() };
      levels.set(`${level} ${startMs}`, one);
      one.sums.set(sumStartMs(level, atMs), (one.sums.get(sumStartMs(level, atMs)) ?? 0n) + 14_808n);
    }
  }
  for (const { level, startMs, sums } of levels.values()) {
    const name = { level, metric: METRIC, entity, startMs };
    const { ExpressionAttributeValues } = levelChangeParams({
      name,
      sums,
      revision: 700,
      expiresAt: undefined,
    });
    const { pk, sk } = levelKey(name);
    const values = Object.entries(ExpressionAttributeValues).filter(
      ([placeholder]) => placeholder !== ':read',
    );
    await put({
      pk: { S: pk },
      sk: { S: sk },
      ...Object.fromEntries(values.map(([placeholder, value]) => [placeholder.slice(1), value])),
    });
  }
  await flush();
}

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
  for (const [entity, days] of Object.entries(SPANS)) await fill(entity, days);
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
