// `npm run rebuild` as people run it: a local stack's archived history into a second pair of tables, killed and run again.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type AttributeValue, DynamoDBClient, ScanCommand } from '@aws-sdk/client-dynamodb';
import { startLocalStack } from '../../local/stack.ts';

const patient = { timeout: 180_000 };
const stack = await startLocalStack({ schedules: false, settings: { archiveRawEvents: true } });
const local = { region: 'us-east-1', credentials: { accessKeyId: 'local', secretAccessKey: 'local' } };
const dynamoDb = new DynamoDBClient({ ...local, endpoint: stack.endpoints.dynamodb });
after(async () => {
  dynamoDb.destroy();
  await stack.stop();
});
const program = fileURLToPath(new URL('../../operations/rebuild.ts', import.meta.url));

interface Report {
  readonly played: number;
  readonly skipped: number;
  readonly comparison: Readonly<Record<string, unknown>>;
  readonly tables: { readonly counters: string; readonly ledger: string };
}

function start(...args: string[]) {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    text.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    text.stderr += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...text }));
  return { child, ended };
}

async function itemsIn(TableName: string): Promise<Record<string, AttributeValue>[]> {
  return (await dynamoDb.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? [];
}

/** Counts, but for the names of segments. */
async function countsIn(table: string): Promise<unknown[]> {
  return (await itemsIn(table))
    .filter(({ sk }) => sk?.S?.includes('#H#'))
    .map(({ applied, ...item }) => ({ ...item, segments: applied?.SS?.length }))
    .sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));
}

const counters = () => {
  const found = stack.template
    .ofType('AWS::DynamoDB::Table')
    .find(({ logicalId }) => logicalId.startsWith('TablesCounters'));
  return stack.ref(found?.logicalId ?? '');
};

test('a local history is rebuilt beside the first, equal in every item', patient, async () => {
  const headers = { 'content-type': 'application/json' };
  const event = (index: number) => ({
    id: `id-${index}`,
    metric: 'view',
    entity: `/${index % 9}`,
    at: Date.UTC(2026, 10, 20, 5, index % 120),
    n: 1 + (index % 4),
  });
  let received = 0;
  for (let from = 0; from < 300; from += 60) {
    // Twenty of each request were in the one before.
    const events = Array.from({ length: 80 }, (_, index) => event(from + index));
    const body = JSON.stringify({ events });
    assert.equal((await fetch(`${stack.url}/v1/events`, { method: 'POST', headers, body })).status, 202);
    received += events.length;
    while ((await stack.status()).received < received) await new Promise((resolve) => setImmediate(resolve));
  }
  while ((await stack.status()).inFlight > 0) await new Promise((resolve) => setImmediate(resolve));

  // Killed once it has begun: its tables are there, and perhaps some of their items.
  const rebuilt = `${counters()}-r1`;
  const killed = start('--url', stack.url, '--generation', 'r1');
  while ((await itemsIn(rebuilt).catch(() => [])).length === 0 && killed.child.exitCode === null)
    await new Promise((resolve) => setImmediate(resolve));
  killed.child.kill('SIGKILL');
  await killed.ended;

  const { code, stdout, stderr } = await start('--url', stack.url, '--generation', 'r1', '--json').ended;
  assert.equal(code, 0, stderr);
  const { comparison, tables } = JSON.parse(stdout) as Report;
  assert.equal(tables.counters, rebuilt);
  assert.deepEqual(comparison['after'], comparison['before']);
  const first = await countsIn(counters());
  assert.equal(first.length, 18);
  assert.deepEqual(await countsIn(rebuilt), first);
});

test('run again it plays nothing, and says in sentences what is there', patient, async () => {
  const { code, stdout } = await start('--url', stack.url, '--generation', 'r1').ended;
  assert.equal(code, 0);
  assert.match(stdout, /Played 0 segments with 0 records of 2 shards; \d+ were there already\./);
  assert.match(stdout, /first table: {3}received 400, duplicate 80, rejected 0, counted 320\n/);
  assert.match(stdout, /rebuilt table: received 400, duplicate 80, rejected 0, counted 320\n/);
});

test('what can not be is refused with a sentence', patient, async () => {
  const own = counters();
  const url = ['--url', stack.url];
  for (const [args, exit, sentence] of [
    [[...url], 2, /--generation must be/],
    [['--generation', 'r2'], 2, /Say which stack/],
    [[...url, '--generation', 'r2', '--ledger', 'x'], 2, /go together/],
    [[...url, '--generation', 'r2', '--counters', own, '--ledger', 'x'], 2, /these are the stack's/],
    [
      [...url, '--generation', 'r2', '--from', '2026-11-22T05:30Z', '--to', '2026-11-22T06:00Z'],
      2,
      /whole hour/,
    ],
    [[...url, '--generation', '1'], 1, /is the one that is played/],
    [
      [...url, '--generation', 'r3', '--from', '2020-01-01T00:00Z', '--to', '2020-01-01T01:00Z'],
      1,
      /no raw records are archived there/,
    ],
  ] as const) {
    const { code, stderr } = await start(...args).ended;
    assert.equal(code, exit, stderr);
    assert.match(stderr, sentence);
  }
  assert.equal((await start('--help').ended).code, 0);
});
