// The functions as they are deployed, not from source: the whole local stack on bundles, and single bundles in fresh processes.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { type BundledFunction, startBundledStack } from '../../bench/bundled-stack.ts';
import { coldStart } from '../../bench/cold-process.ts';
import { post, settled } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

/** What functions wrote. */
const lines: string[] = [];
const { stack, functions } = await startBundledStack({
  schedules: false,
  faults: true,
  onFunctionOutput: (name, line) => lines.push(`${name} ${line}`),
});
after(() => stack.stop());

const functionOf = (noun: string): BundledFunction => {
  const found = functions.find((each) => each.noun === noun);
  assert.ok(found, `no function ${noun}`);
  return found;
};
const AT = '2026-11-20T05:07:59Z';
const RANGE = { from: '2026-11-20T00:00Z', to: '2026-11-21T00:00Z' };
const QUESTION = {
  resource: '/v1/counts/{metric}/{entity+}',
  httpMethod: 'GET',
  headers: {},
  pathParameters: { metric: 'view', entity: '%2Fbundled' },
  queryStringParameters: { by: 'hour', ...RANGE },
  requestContext: {},
};

test('every function runs as a bundle', () => {
  assert.equal(functions.length, stack.functions.all.length);
  for (const { definition } of stack.functions.all) assert.match(definition.entry, /\/index\.mjs$/);
});

test(
  'it serves clients, schedules and operators, with requests signed by each function itself',
  patient,
  async () => {
    const callers = new Set<string>();
    stack.setFault(({ caller }) => {
      if (caller.startsWith('function ')) callers.add(caller);
      return 'pass';
    });
    await post(stack.url, [{ id: 'a', metric: 'view', entity: '/bundled', at: AT }]);
    await settled(stack, 1);
    for (const noun of ['accountant', 'compactor', 'canary', 'redriver']) {
      const outcome = await stack.invoke(functionOf(noun).name, {});
      assert.ok(outcome.ok, `${noun}: ${JSON.stringify(outcome)}`);
    }
    // The canary sends one event a shard, and one.
    await settled(stack, 4);
    const query = new URLSearchParams({ by: 'hour', ...RANGE });
    const counts = await fetch(`${stack.url}/v1/counts/view/%2Fbundled?${query}`);
    assert.equal(((await counts.json()) as { total: number }).total, 1);
    const api = await fetch(`${stack.url}/v1/openapi.json`);
    assert.equal(((await api.json()) as { openapi: string }).openapi.slice(0, 3), '3.1');
    assert.match(await (await fetch(stack.url)).text(), /<html/i);
    stack.setFault(undefined);
    // The console calls no service.
    const calling = functions.filter(({ noun }) => noun !== 'console');
    assert.deepEqual([...callers].toSorted(), calling.map(({ name }) => `function ${name}`).toSorted());
  },
);

test(
  'code loaded on demand is in the bundle: S3 for a rejected event, the parameter for a failed message',
  patient,
  async () => {
    const before = await stack.status();
    let failures = 0;
    let parameterReads = 0;
    stack.setFault(({ service, action, body }) => {
      if (service === 'ssm') parameterReads += 1;
      if (action !== 'PutItem' || !body.includes('TablesCounters') || failures > 0) return 'pass';
      failures += 1;
      return {
        status: 400,
        headers: { 'content-type': 'application/x-amz-json-1.0' },
        body: '{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"no table"}',
      };
    });
    await post(stack.url, [
      { id: 'b', metric: 'view', entity: '/bundled', at: '2099-01-01T00:00:00Z' },
      { id: 'c', metric: 'view', entity: '/bundled', at: AT },
    ]);
    await settled(stack, before.received + 2);
    stack.setFault(undefined);
    const { counted, rejected } = await stack.status();
    assert.deepEqual([counted - before.counted, rejected - before.rejected], [1, 1]);
    assert.deepEqual([failures, parameterReads > 0], [1, true]);
    // Minified class names would appear here.
    assert.ok(lines.some((line) => line.includes('ResourceNotFoundException: no table')));
  },
);

test("a query is answered by a process with only the bundle and Lambda's variables", patient, async () => {
  const { entry, environment } = functionOf('query');
  const { answer } = await coldStart(entry, environment(), QUESTION);
  const { statusCode, body } = answer as { statusCode: number; body: string };
  assert.equal(statusCode, 200);
  assert.equal(JSON.parse(body).total, 2);
});

test('without credentials in the environment there are none, and the log reports it', patient, async () => {
  const { entry, environment } = functionOf('query');
  const { AWS_ACCESS_KEY_ID: _, ...without } = environment();
  const { answer, output } = await coldStart(entry, without, QUESTION);
  assert.equal((answer as { statusCode: number }).statusCode, 503);
  assert.match(output, /CredentialsProviderError.*Unable to find environment variable credentials/);
});

test('a batch of the stream is rolled up by such a process', patient, async () => {
  const before = await stack.status();
  const { entry, environment } = functionOf('aggregator');
  const { answer } = await coldStart(entry, environment(), {
    Records: [
      {
        eventID: `shardId-000000000042:${'4'.repeat(56)}`,
        kinesis: {
          sequenceNumber: '4'.repeat(56),
          approximateArrivalTimestamp: Date.now() / 1000,
          data: Buffer.from(JSON.stringify({ id: 'd', metric: 'view', entity: '/bundled', at: AT })).toString(
            'base64',
          ),
        },
      },
    ],
  });
  assert.deepEqual(answer, { batchItemFailures: [] });
  await settled(stack, before.received + 1);
  assert.equal((await stack.status()).counted, before.counted + 1);
});
