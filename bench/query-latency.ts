// How long does the query function take by itself? The real handler on the real SDK client, answered from memory: no network.
import { randomUUID } from 'node:crypto';
import { openSync, writeSync } from 'node:fs';
import { availableParallelism, devNull, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { GetItemCommand, QueryCommand } from '@aws-sdk/client-dynamodb';
import type { APIGatewayProxyResult, Context } from 'aws-lambda';
import pLimit from 'p-limit';
import { dynamoDb } from '../lambdas/aws/clients/dynamo-db.ts';
import { LedgerTable } from '../lambdas/aws/ledger-table.ts';
import { LevelLedgerTable } from '../lambdas/aws/level-ledger.ts';
import { systemClock } from '../lambdas/aws/telemetry.ts';
import { TopTable } from '../lambdas/aws/top-table.ts';
import { EMPTY_TOP, TOP_ENTRIES_MAX, updateTop } from '../lambdas/counting/top-list.ts';
import { startEmulators } from '../local/emulators/emulators.ts';
import { COUNTERS_FROM_MS, type Question, questions, TOP_DAY_MS } from './latency-questions.ts';
import { type Call, recordDynamoDb } from './recorded-dynamodb.ts';
import { CLAIMS, createTable, fillHistory, METRIC, SPANS } from './synthetic-counts.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    calls: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
  },
});
const [rounds, calls] = [Number(values.rounds), Number(values.calls)];
/** What takes a hundred times as long is called less often. */
const callsOf = ({ label }: Question) => (label.includes('batch') ? Math.ceil(calls / 10) : calls);

// As the stack sets it for a stage with the usual settings, but that nothing expires. No endpoint: the SDK finds AWS' own.
Object.assign(process.env, {
  ...{ AWS_REGION: 'us-east-1', AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local' },
  ...{ STAGE: 'bench', POWERTOOLS_SERVICE_NAME: 'query', POWERTOOLS_METRICS_NAMESPACE: 'Tally' },
  ...{ POWERTOOLS_LOG_LEVEL: 'INFO', COUNTER_TABLE: 'counters', LEDGER_TABLE: 'ledger' },
  ...{ ACCEPT_PAST_SECONDS: '604800', CORS_ORIGIN: '*', API_CACHED: 'false' },
  ...{ COUNTER_RETENTION_SECONDS: 'forever', HOUR_RETENTION_SECONDS: 'forever' },
  DAY_RETENTION_SECONDS: 'forever',
});

type Handler = (event: unknown, context: Context) => Promise<APIGatewayProxyResult>;

/** A question with the answer and the calls that the first asking gave. */
interface Case extends Question {
  readonly body: string;
  readonly calls: readonly Call[];
}

/** Times of one round, milliseconds, shortest first. */
interface Round {
  readonly wholeMs: readonly number[];
  readonly floorMs: readonly number[];
}

/** Fills the emulator, and asks everything once. */
async function record() {
  const emulators = await startEmulators(undefined, (error) => {
    throw error;
  });
  try {
    await fill(emulators.dynamodb.endpoint);
    const recording = recordDynamoDb(emulators.dynamodb.endpoint);
    const { handler } = (await import('../lambdas/query/handler.ts')) as unknown as { handler: Handler };
    const ask = (event: string) => handler(JSON.parse(event), contextOf());
    const tagOf = async (event: string) => String((await ask(event)).headers?.['etag']);
    const cases: Case[] = [];
    for (const question of await questions(tagOf)) {
      recording.takeCalls();
      const { statusCode, body } = await ask(question.event);
      check(question, statusCode === question.statusCode, `${statusCode} ${body}`);
      cases.push({ ...question, body, calls: recording.takeCalls() });
    }
    recording.replay();
    return { handler, cases: cases.filter(({ label }) => label.includes(values.only)) };
  } finally {
    await emulators.stop();
  }
}

async function fill(endpoint: string): Promise<void> {
  const client = dynamoDb({ endpoint });
  await createTable(client, 'counters');
  await createTable(client, 'ledger');
  for (const [entity, days] of Object.entries(SPANS)) {
    await fillHistory(client, 'counters', entity, days, COUNTERS_FROM_MS);
  }
  await new LedgerTable(client, 'ledger', systemClock).raiseClaim(CLAIMS.throughMs);
  const levels = new LevelLedgerTable(client, 'ledger');
  for (const level of ['days', 'months'] as const) await levels.raiseLevelClaim(level, CLAIMS[level]);
  const ranked = Array.from({ length: TOP_ENTRIES_MAX + 1 }, (_, place) => ({
    entity: `/videos/${randomUUID()}`,
    n: BigInt(9_000_000 - place * 7_919),
  }));
  const list = updateTop(EMPTY_TOP, ranked);
  const name = { metric: METRIC, by: 'day', startMs: TOP_DAY_MS } as const;
  await new TopTable(client, 'ledger').putTop(name, { list, revision: 1, expiresAt: undefined });
  client.destroy();
}

function contextOf(): Context {
  const context: Partial<Context> = {
    awsRequestId: 'a-request',
    functionName: 'query',
    functionVersion: '$LATEST',
    invokedFunctionArn: 'arn:aws:lambda:us-east-1:123456789012:function:query',
    memoryLimitInMB: '512',
    getRemainingTimeInMillis: () => 10_000,
  };
  return context as Context;
}

function check({ label, span }: Question, isRight: boolean, seen: string): void {
  if (!isRight) throw new Error(`${label} (${span}) was answered with ${seen.slice(0, 500)}`);
}

/** One round of a case: our handler and the floor in turns, so that whatever else the machine does falls on both. */
async function measure(handler: Handler, one: Case, times: number): Promise<Round> {
  const [wholeMs, floorMs]: [number[], number[]] = [[], []];
  const commands = one.calls.map(commandOf);
  for (let time = 0; time < times; time += 1) {
    const [event, context] = [JSON.parse(one.event), contextOf()];
    const startMs = performance.now();
    const { statusCode, body } = await handler(event, context);
    const answeredMs = performance.now();
    for (const command of commands.slice(0, 1)) await command();
    const limit = pLimit(16);
    await Promise.all(commands.slice(1).map((command) => limit(command)));
    const endMs = performance.now();
    check(one, statusCode === one.statusCode && body === one.body, `${statusCode} ${body}`);
    wholeMs.push(answeredMs - startMs);
    floorMs.push(endMs - answeredMs);
  }
  return { wholeMs: wholeMs.sort((a, b) => a - b), floorMs: floorMs.sort((a, b) => a - b) };
}

const client = dynamoDb();

/** A recorded call, to be made again through the SDK and nothing else: first the claims, then all others, as the use case does. */
function commandOf({ operation, body }: Call): () => Promise<unknown> {
  const input = JSON.parse(body);
  if (operation === 'Query') return () => client.send(new QueryCommand(input));
  if (operation === 'GetItem') return () => client.send(new GetItemCommand(input));
  throw new Error(`a query called ${operation}`);
}

/** The smallest that so large a share does not exceed. @param sorted ascending */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN;
}

function median(figures: readonly number[]): number {
  return quantile(
    figures.toSorted((a, b) => a - b),
    0.5,
  );
}

function row({ label, span, calls: made, body }: Case, measured: readonly Round[]): string {
  const p50Ms = median(measured.map(({ wholeMs }) => quantile(wholeMs, 0.5)));
  const floorMs = median(measured.map(({ floorMs: sorted }) => quantile(sorted, 0.5)));
  const figures = [
    p50Ms,
    median(measured.map(({ wholeMs }) => quantile(wholeMs, 0.99))),
    Math.max(...measured.map(({ wholeMs }) => quantile(wholeMs, 1))),
    made.length === 0 ? 0 : floorMs,
    made.length === 0 ? p50Ms : p50Ms - floorMs,
  ].map((figure) => figure.toFixed(2));
  return `| ${[label, span ?? '—', made.length, (body.length / 1000).toFixed(1), ...figures].join(' | ')} |`;
}

// Powertools writes a line of metrics for each call. It is written here as well, but not among the figures.
const writeFigures = process.stdout.write.bind(process.stdout);
const nowhere = openSync(devNull, 'w');
process.stdout.write = (chunk: string | Uint8Array) => writeSync(nowhere, Buffer.from(chunk)) >= 0;

const [loadAtStart] = loadavg();
const { handler, cases } = await record();
const measured = new Map<Case, Round[]>(cases.map((one) => [one, []]));
for (let round = 0; round <= rounds; round += 1) {
  process.stderr.write(round === 0 ? 'warming up\n' : `round ${round} of ${rounds}\n`);
  for (const [one, past] of measured) {
    const figures = await measure(handler, one, callsOf(one));
    if (round > 0) past.push(figures);
  }
}
writeFigures(`Method: the handler of the query function with its middleware, called as Lambda does with API Gateway's event, on the SDK's DynamoDB
client with all it does but sockets: answers come from memory, byte by byte as the emulator gave them once. ${rounds} interleaved rounds
of ${calls} calls each (batches: a tenth, so that their p99 is about their slowest) after one to warm up; p50 and p99 are medians of the
rounds', the maximum is of all. "SDK" is the p50 of the same calls of DynamoDB with the same answers through the client alone; "ours" is
the rest of the p50. Milliseconds. Every answer was compared with the first.
Node ${process.version}, ${availableParallelism()} cores with a load of ${loadAtStart?.toFixed(1)} before this, ${new Date().toISOString().slice(0, 10)}.

| question | history | calls | answer, kB | p50 | p99 | max | SDK | ours |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
${cases.map((one) => row(one, measured.get(one) ?? [])).join('\n')}
`);
client.destroy();
