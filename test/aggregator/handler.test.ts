// The aggregator's handler: a lost segment sets off its alarm, although the invocation is killed afterwards.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { planSegment } from '../../lambdas/core/segment.ts';
import { headItem } from '../../lambdas/ledger/ledger-items.ts';
import { listen } from '../../local/listening.ts';
import { metricsIn } from '../support/embedded-metrics.ts';
import { until } from '../support/patience.ts';
import { CONFIG, record, SHARD, SHARD_KEY } from '../support/records.ts';

const nowMs = Date.now();
const planned = planSegment(undefined, [record(1, { id: 'a' }, nowMs)], CONFIG, []);
const puts: string[] = [];
/** The services: a ledger with a planned segment, which no longer answers once it has put that segment, and a stream without its shard. */
const server = createServer(async (request, response) => {
  const chunks = await Array.fromAsync(request);
  const action = String(request.headers['x-amz-target']).replace(/^.*\./, '');
  const item = Buffer.concat(chunks).toString();
  if (action === 'PutItem') puts.push(item);
  // The segment is lost, its head is sent, and now the next plan waits until Lambda kills the invocation.
  if (puts.length > 2) return;
  response.setHeader('content-type', 'application/x-amz-json-1.0');
  const answers: Record<string, object> = {
    GetItem: { Item: headItem(SHARD_KEY, planned) },
    ListShards: { Shards: [] },
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

test('a segment that is marked lost is reported by then: no later attempt sees it again', async (t) => {
  const log = t.mock.method(console, 'log', () => {});
  t.mock.method(console, 'warn', () => {});
  t.mock.method(console, 'error', () => {});
  const next = record(2, { id: 'b' }, nowMs);
  const kinesis = {
    sequenceNumber: next.sequenceNumber,
    approximateArrivalTimestamp: nowMs / 1000,
    data: Buffer.from(next.data).toString('base64'),
  };
  const event = { Records: [{ eventID: `${SHARD}:${next.sequenceNumber}`, kinesis }] };
  const context = { getRemainingTimeInMillis: () => 60_000 };
  const killed = handler(event as never, context as never);
  killed.catch(() => {});
  await until(async () => puts.length > 2);
  assert.match(puts[0] ?? '', /"lost":\{"BOOL":true\}/);
  assert.match(puts[1] ?? '', /"status":\{"S":"sent"\}/);
  const emitted = log.mock.calls.flatMap(({ arguments: [line] }) => metricsIn(String(line)));
  assert.deepEqual(
    emitted.filter(({ name }) => name === 'RecordsLost').map(({ values }) => values),
    [[1]],
  );
});
