// The aggregator's handler: a loss sets off its alarm, although the invocation is killed afterwards; a refused read waits.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, type TestContext, test } from 'node:test';
import { type Head, planSegment } from '../../lambdas/core/segment.ts';
import { DAY_MS } from '../../lambdas/core/time.ts';
import { headItem } from '../../lambdas/ledger/ledger-items.ts';
import { listen } from '../../local/listening.ts';
import { metricsIn } from '../support/embedded-metrics.ts';
import { until } from '../support/patience.ts';
import { CONFIG, record, SHARD, SHARD_KEY } from '../support/records.ts';

const nowMs = Date.now();
const planned = planSegment(undefined, [record(1, { id: 'a' }, nowMs)], CONFIG, []);
let puts: string[] = [];
/** The ledger's head, the puts that the ledger answers before it is silent, and the refused reads of the stream. */
let given: { head: Head; answered: number; refusals: number };
/** The services: a ledger of one shard, and a stream that holds that shard's last counted record unless the shard is lost. */
const server = createServer(async (request, response) => {
  const chunks = await Array.fromAsync(request);
  const action = String(request.headers['x-amz-target']).replace(/^.*\./, '');
  const item = Buffer.concat(chunks).toString();
  if (action === 'PutItem') puts.push(item);
  // The next plan waits until Lambda kills the invocation.
  if (puts.length > given.answered) return;
  response.setHeader('content-type', 'application/x-amz-json-1.0');
  const isRefused = action === 'GetRecords' && given.refusals-- > 0;
  response.statusCode = isRefused ? 400 : 200;
  const answers: Record<string, object> = {
    GetItem: { Item: headItem(SHARD_KEY, given.head) },
    ListShards: { Shards: given.head.status === 'planned' ? [] : [{ ShardId: SHARD }] },
    GetShardIterator: { ShardIterator: 'next' },
    GetRecords: isRefused
      ? { __type: 'ProvisionedThroughputExceededException' }
      : { Records: [{ SequenceNumber: given.head.last, Data: '' }] },
  };
  response.end(JSON.stringify(answers[action] ?? {}));
});
const { endpoint, stop } = await listen(server);
after(async () => {
  server.closeAllConnections();
  await stop();
});
Object.assign(process.env, {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  POWERTOOLS_SERVICE_NAME: 'aggregator',
  POWERTOOLS_METRICS_NAMESPACE: 'Tally',
  // Otherwise Powertools bypasses the console, and a test could not read it.
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_METRICS_DISABLED: 'false',
  STAGE: 'test',
  STREAM_NAME: 'stream',
  STREAM_GENERATION: '1',
  STREAM_GENERATION_FROM: 'heads',
  STREAM_RETENTION_HOURS: '168',
  LEDGER_TABLE: 'ledger',
  ROLLUP_QUEUE_URL: `${endpoint}/queue`,
  ARCHIVE_BUCKET: 'archive',
  ARCHIVE_RAW_EVENTS: 'false',
  HASH_SLOTS: '4',
  DEDUP_WINDOW_SECONDS: '600',
  DEDUP_IDS_MAX: '1000',
  ACCEPT_PAST_SECONDS: 'forever',
  ACCEPT_FUTURE_SECONDS: '600',
  LEDGER_RETENTION_SECONDS: 'forever',
});
const { handler } = await import('../../lambdas/aggregator/handler.ts');

/** Delivers the shard's next record to an invocation that its plan never ends. @returns the values of RecordsLost by then */
async function killed(t: TestContext, world: typeof given): Promise<(readonly number[])[]> {
  const log = t.mock.method(console, 'log', () => {});
  t.mock.method(console, 'warn', () => {});
  t.mock.method(console, 'error', () => {});
  [given, puts] = [world, []];
  const next = record(2, { id: 'b' }, nowMs);
  const kinesis = {
    sequenceNumber: next.sequenceNumber,
    approximateArrivalTimestamp: nowMs / 1000,
    data: Buffer.from(next.data).toString('base64'),
  };
  const event = { Records: [{ eventID: `${SHARD}:${next.sequenceNumber}`, kinesis }] };
  const context = { getRemainingTimeInMillis: () => 60_000 };
  handler(event as never, context as never).catch(() => {});
  await until(async () => puts.length > world.answered);
  assert.match(puts.at(-1) ?? '', /"status":\{"S":"planned"\}/);
  const emitted = log.mock.calls.flatMap(({ arguments: [line] }) => metricsIn(String(line)));
  return emitted.filter(({ name }) => name === 'RecordsLost').map(({ values }) => values);
}

test('a segment that is marked lost is reported by then: no later attempt sees it again', async (t) => {
  assert.deepEqual(await killed(t, { head: planned, answered: 2, refusals: 0 }), [[1]]);
  assert.match(puts[0] ?? '', /"lost":\{"BOOL":true\}/);
  assert.match(puts[1] ?? '', /"status":\{"S":"sent"\}/);
});

test('a gap is reported before the plan after it, from which on no attempt sees it again', async (t) => {
  const head: Head = { ...planned, status: 'sent', runMaxMs: nowMs - 8 * DAY_MS };
  assert.deepEqual(await killed(t, { head, answered: 1, refusals: 0 }), [[1]]);
  assert.match(puts[0] ?? '', /"GAP#/);
});

test('a look for the last counted record waits while the stream refuses it', async (t) => {
  const head: Head = { ...planned, status: 'sent', runMaxMs: nowMs - 2 * DAY_MS };
  // More than the SDK tries by itself.
  assert.deepEqual(await killed(t, { head, answered: 0, refusals: 4 }), []);
  assert.equal(given.refusals, -1);
});
