// The canary's handler: while it cannot send, it reports no lateness, so that CanaryLate goes off.
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { listen } from '../../local/listening.ts';
import { metricsIn } from '../support/embedded-metrics.ts';

let takesRecords = true;
const denied = { __type: 'AccessDeniedException', message: 'not allowed' };
/** Kinesis with one shard, and the API, which has counted nothing. */
const server = createServer((request, response) => {
  const action = String(request.headers['x-amz-target'] ?? request.method).replace(/^.*\./, '');
  const answers: Record<string, object> = {
    ListShards: { Shards: [{ ShardId: 'shardId-000000000000' }] },
    PutRecords: takesRecords ? { Records: [{ SequenceNumber: '1' }] } : denied,
    GET: { points: [], completeThrough: new Date().toISOString() },
  };
  const status = action === 'PutRecords' && !takesRecords ? 400 : 200;
  response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
  request.resume().on('end', () => response.end(JSON.stringify(answers[action])));
});
const { endpoint, stop } = await listen(server);
after(stop);
Object.assign(process.env, {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  POWERTOOLS_SERVICE_NAME: 'canary',
  POWERTOOLS_METRICS_NAMESPACE: 'Tally',
  // Otherwise Powertools bypasses the console, and a test could not read it.
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_METRICS_DISABLED: 'false',
  STAGE: 'test',
  STREAM_NAME: 'stream',
  API_URL: `${endpoint}/test/`,
});
const { handler } = await import('../../lambdas/canary/handler.ts');

for (const [sends, name, reported] of [
  [true, 'a run that sends reports both figures', ['CanaryDifference', 'CanaryLateMinutes']],
  [false, 'a run that cannot send reports the difference alone, and fails', ['CanaryDifference']],
] as const) {
  test(name, async (t) => {
    takesRecords = sends;
    const log = t.mock.method(console, 'log', () => {});
    t.mock.method(console, 'error', () => {});
    const run = handler({} as never, {} as never);
    if (sends) await run;
    else await assert.rejects(run, { name: 'AccessDeniedException' });
    const emitted = log.mock.calls.flatMap(({ arguments: [line] }) => metricsIn(String(line)));
    assert.deepEqual(emitted.map((metric) => metric.name).toSorted(), reported);
  });
}
