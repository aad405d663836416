// The local API Gateway over a small template: routes, access, functions behind it.

import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { requestTooLarge } from '../../../local/functions/function.ts';
import type { InvocationOutcome } from '../../../local/functions/protocol.ts';
import { smallTemplate } from '../fixtures/small-template.ts';
import { startTestApi } from '../support/test-api.ts';

const ok = (answer: unknown): InvocationOutcome => ({ ok: true, payload: JSON.stringify(answer) });

// biome-ignore lint/suspicious/noExplicitAny: events are of every shape.
let events: any[] = [];
let outcome: InvocationOutcome = ok({ statusCode: 200 });

const { url, problems } = await startTestApi(smallTemplate('http://127.0.0.1:9'), {
  function: async (event) => {
    events.push(event);
    return outcome;
  },
});

beforeEach(() => {
  events = [];
  outcome = ok({ statusCode: 200 });
});

const status = async (path: string, init?: RequestInit) => (await fetch(url + path, init)).status;

describe('routes', () => {
  test('literal segments go before parameters, those before greedy ones', async () => {
    for (const path of ['/things/special', '/things/7', '/things/7/a/b']) await status(path);
    assert.deepEqual(
      events.map((event) => event.resource),
      ['/things/special', '/things/{thing}', '/things/{thing}/{part+}'],
    );
  });

  test('path parameters stay as they were sent, an encoded slash separates nothing', async () => {
    await status('/things/a%2Fb%20c/%2Findex%2Ehtml//%F0%9F%91%8D?x=a%20b&x=c');
    const [event] = events;
    assert.deepEqual(event.pathParameters, { thing: 'a%2Fb%20c', part: '%2Findex%2Ehtml//%F0%9F%91%8D' });
    assert.deepEqual(event.queryStringParameters, { x: 'c' });
    assert.deepEqual(event.multiValueQueryStringParameters, { x: ['a b', 'c'] });
    assert.equal(event.httpMethod, 'GET');
    assert.equal(event.body, null);
    assert.equal(event.requestContext.stage, 'local');
  });

  test('a path that is too short or too long matches no route', async () => {
    assert.deepEqual(
      [await status('/things'), await status('/things/'), await status('/admin/x')],
      [403, 403, 403],
    );
  });
});

describe('functions', () => {
  test('shape the answer', async () => {
    outcome = ok({
      statusCode: 418,
      headers: { 'X-Tea': 'green', 'Content-Type': 'text/plain' },
      body: 'short and stout',
    });
    const response = await fetch(`${url}/things/7`);
    assert.equal(response.status, 418);
    assert.equal(response.headers.get('x-tea'), 'green');
    assert.equal(response.headers.get('content-type'), 'text/plain');
    assert.equal(await response.text(), 'short and stout');
  });

  test('may return binary data', async () => {
    outcome = ok({ statusCode: 200, body: Buffer.from([0, 255]).toString('base64'), isBase64Encoded: true });
    const bytes = new Uint8Array(await (await fetch(`${url}/things/7`)).arrayBuffer());
    assert.deepEqual([...bytes], [0, 255]);
  });

  test('give 413 for an event that is too large, as on AWS', async () => {
    outcome = {
      ok: false,
      error: { errorType: requestTooLarge, errorMessage: 'Request payload size exceeded …' },
    };
    const response = await fetch(`${url}/things/7`);
    assert.equal(response.status, 413);
  });

  const failures: readonly InvocationOutcome[] = [
    ok('text'),
    ok({ body: 'no status' }),
    ok({ statusCode: 200, body: { an: 'object' } }),
    { ok: false, error: { errorType: 'Error', errorMessage: 'secret' } },
  ];
  for (const failure of failures) {
    test(`that fail give 502 and no details: ${JSON.stringify(failure)}`, async () => {
      outcome = failure;
      const response = await fetch(`${url}/things/7`);
      assert.equal(response.status, 502);
      assert.deepEqual(await response.json(), { message: 'Internal server error' });
    });
  }
});

describe('access', () => {
  test('IAM requires a signed request', async () => {
    const signed = 'AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=abc';
    const post = (authorization?: string) =>
      status('/admin', { method: 'POST', ...(authorization && { headers: { authorization } }) });
    assert.deepEqual([await post(), await post('Bearer x'), await post(signed)], [403, 403, 200]);
  });

  test('keys are required and checked', async () => {
    const get = (key?: string) =>
      status('/keyed', key === undefined ? {} : { headers: { 'x-api-key': key } });
    assert.deepEqual([await get(), await get('wrong'), await get('a-key-for-tests')], [403, 403, 200]);
  });
});

test('a service that does not answer gives 504, never a success', async () => {
  const headers = { 'content-type': 'application/json' };
  assert.equal(await status('/put', { method: 'POST', headers, body: '{}' }), 504);
});

test('the API itself never failed', () => assert.deepEqual(problems, []));
