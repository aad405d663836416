// The redriver's handler: a parked dead letter sets off its alarm, however the run ends.
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { listen } from '../../local/listening.ts';
import { metricsIn } from '../support/embedded-metrics.ts';

const Body = '{"hello":"queue"}';
const poison = { MessageId: 'm-1', ReceiptHandle: 'r-1', Body, MD5OfBody: hash('md5', Body) };
/** The first receive gives a message; SQS refuses the second. */
const receives = [
  { status: 200, body: { Messages: [poison] } },
  { status: 403, body: { __type: 'AccessDeniedException', message: 'not now' } },
];
const actions: string[] = [];
/** Every service: SQS, S3, DynamoDB with empty tables, and Systems Manager with a parameter of defaults. */
const server = createServer((request, response) => {
  const action = String(request.headers['x-amz-target'] ?? request.method).replace(/^.*\./, '');
  actions.push(action);
  const answer = action === 'ReceiveMessage' ? receives.shift() : undefined;
  response.writeHead(answer?.status ?? 200, { 'content-type': 'application/x-amz-json-1.0' });
  const body = answer?.body ?? (action === 'GetParameter' ? { Parameter: { Value: '{}' } } : {});
  request.resume().on('end', () => response.end(action === 'PUT' ? '' : JSON.stringify(body)));
});
const { endpoint, stop } = await listen(server);
after(stop);
Object.assign(process.env, {
  AWS_ENDPOINT_URL: endpoint,
  AWS_REGION: 'eu-central-1',
  AWS_ACCESS_KEY_ID: 'test',
  AWS_SECRET_ACCESS_KEY: 'test',
  POWERTOOLS_SERVICE_NAME: 'redriver',
  POWERTOOLS_METRICS_NAMESPACE: 'Tally',
  // Otherwise Powertools bypasses the console, and a test could not read it.
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_METRICS_DISABLED: 'false',
  STAGE: 'test',
  COUNTS_TABLE: 'counts',
  LEDGER_TABLE: 'ledger',
  ROLLUP_QUEUE_URL: `${endpoint}/queue`,
  DEAD_LETTER_QUEUE_URL: `${endpoint}/dead-letters`,
  ARCHIVE_BUCKET: 'archive',
  MINUTE_RETENTION_SECONDS: 'forever',
  HOUR_RETENTION_SECONDS: 'forever',
  DAY_RETENTION_SECONDS: 'forever',
  DELTA_RETENTION_SECONDS: '5184000',
  RETRY_PARAMETER: '/tally/test/retries',
  RETRY_REREAD_SECONDS: '60',
});
const { handler } = await import('../../lambdas/redriver/handler.ts');

test('a dead letter that was parked is reported, although the run fails afterwards', async (t) => {
  const log = t.mock.method(console, 'log', () => {});
  t.mock.method(console, 'error', () => {});
  const context = { getRemainingTimeInMillis: () => 60_000 };
  await assert.rejects(handler({} as never, context as never), { name: 'AccessDeniedException' });
  assert.ok(actions.includes('DeleteMessage'), 'it is parked, and no longer in the queue');
  const emitted = log.mock.calls.flatMap(({ arguments: [line] }) => metricsIn(String(line)));
  assert.deepEqual(
    emitted
      .filter(({ name }) => name === 'DeadLettersParked')
      .map(({ dimensions, values }) => [dimensions, values]),
    [[{ service: 'redriver', stage: 'test' }, [1]]],
  );
});
