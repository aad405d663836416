// `npx tally bench dedup-window`: a dedup window's cost for a cold container, in memory, time and read units.
import { fork } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { BatchWriteItemCommand } from '@aws-sdk/client-dynamodb';
import { createTable } from '../cli/recount/tables.ts';
import { dynamoDb } from '../lambdas/aws/clients/dynamo-db.ts';
import { noAccounts } from '../lambdas/core/accounts.ts';
import { parseSequenceNumber, parseShardKey, type ShardKey } from '../lambdas/core/identifiers.ts';
import type { Head } from '../lambdas/core/segment.ts';
import { lostEntry } from '../lambdas/core/segment-entry.ts';
import { entryItem, ledgerKeys } from '../lambdas/ledger/ledger-items.ts';
import { startEmulator } from '../local/emulators/emulators.ts';
import type { Loaded, LoadTask } from './dedup-window/cold-load.ts';
import { machine, table } from './end-to-end/figures.ts';

/** A window: its seconds, its rate of events with ids, and the seconds of a segment. */
interface Shape {
  readonly seconds: number;
  readonly perSecond: number;
  readonly segmentSeconds: number;
}

const { seconds, ...rates }: Omit<Shape, 'seconds'> & { seconds?: number } = JSON.parse(
  process.argv[2] ?? '{}',
);
const SHAPES: readonly Shape[] = [
  { seconds: 600, perSecond: 1_000, segmentSeconds: 5 },
  { seconds: 3_600, perSecond: 1_000, segmentSeconds: 5 },
  { seconds: 86_400, perSecond: 50, segmentSeconds: 10 },
  { seconds: 86_400, perSecond: 50, segmentSeconds: 5 },
];

const START_MS = Date.UTC(2026, 10, 22);
const TABLE = 'ledger';
const emulator = await startEmulator('dynamodb');
Object.assign(process.env, {
  AWS_REGION: 'us-east-1',
  AWS_ACCESS_KEY_ID: 'local',
  AWS_SECRET_ACCESS_KEY: 'local',
  AWS_ENDPOINT_URL_DYNAMODB: emulator.endpoint,
});
const client = dynamoDb();
await createTable(client, TABLE);
const before = machine();
const rows: string[][] = [];
try {
  for (const [index, shape] of (seconds === undefined ? SHAPES : [{ seconds, ...rates }]).entries()) {
    const shard = parseShardKey(`1.${index}`);
    const segments = await fill(shard, shape);
    rows.push(row(shape, segments, await load(taskOf(shard, shape, segments))));
  }
} finally {
  client.destroy();
  await emulator.stop();
}
console.log(`Method: a fresh process reads a shard's whole window through the deployed adapter and the SDK, from an emulated DynamoDB on the same machine. Memory is what the process has more than
before: typed arrays and buffers after a collection, and resident at the most. Read units as the emulator meters them. ${before}

${table(
  [
    ...['window', 'events/s', 'segments', 'ids', 'requests, at once', 'read units'],
    ...['held, MiB', 'at the most, MiB', 'processor, s', 'seconds'],
  ],
  rows,
)}`);

function headOf(segment: number, { seconds, segmentSeconds }: Shape): Head {
  const number = parseSequenceNumber(String(segment));
  const runMaxMs = START_MS + segment * segmentSeconds * 1000;
  return {
    ...{ segment, first: number, last: number, records: 1, version: 1, status: 'sent', ancestors: [] },
    config: { slotBits: 4, dedupWindowMs: seconds * 1000, acceptPastMs: undefined, acceptFutureMs: 600_000 },
    ...{ minArrivalMs: runMaxMs, runMaxBeforeMs: runMaxMs - segmentSeconds * 1000, runMaxMs },
    totals: noAccounts(),
  };
}

/** Stores a window's segments. @returns how many */
async function fill(shard: ShardKey, shape: Shape): Promise<number> {
  const segments = shape.seconds / shape.segmentSeconds;
  const idBytes = shape.perSecond * shape.segmentSeconds * 8;
  for (let at = 1; at <= segments; at += 12) {
    const puts = Array.from({ length: Math.min(12, segments - at + 1) }, (_, index) => at + index).flatMap(
      (segment) => {
        const entry = { ...lostEntry(headOf(segment, shape)), lost: false, idBytes };
        const ids = { B: randomFillSync(new Uint8Array(idBytes)) };
        return [entryItem(shard, entry, 2_000_000_000), { ...ledgerKeys.ids(shard, segment, 0), ids }];
      },
    );
    const requests = puts.map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { [TABLE]: requests } }));
  }
  return segments;
}

function taskOf(shard: ShardKey, shape: Shape, segments: number): LoadTask {
  const { minArrivalMs, runMaxBeforeMs, config } = headOf(segments + 1, shape);
  return {
    table: TABLE,
    shard,
    plan: { segment: segments + 1, minArrivalMs, runMaxBeforeMs, config, ancestors: [] },
  };
}

async function load(task: LoadTask): Promise<Loaded> {
  const child = fork(new URL('dedup-window/cold-load.ts', import.meta.url), { execArgv: ['--expose-gc'] });
  child.send(task);
  const [loaded] = await once(child, 'message');
  return loaded as Loaded;
}

function row({ seconds, perSecond }: Shape, segments: number, loaded: Loaded): string[] {
  const count = (figure: number) => Math.round(figure).toLocaleString('en');
  return [
    seconds % 3_600 === 0 ? `${seconds / 3_600} h` : `${seconds / 60} min`,
    ...[count(perSecond), count(segments), count(seconds * perSecond)],
    ...[`${count(loaded.requests)}, ${loaded.mostAtOnce}`, count(loaded.readUnits)],
    ...[count(loaded.held), count(loaded.peak), loaded.cpuSeconds.toFixed(1), loaded.seconds.toFixed(1)],
  ];
}
