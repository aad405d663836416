// POST /v1/events of the real template through the local API Gateway: every answer a client can get.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientRequest, type OutgoingHttpHeaders, request } from 'node:http';
import { connect } from 'node:net';
import { beforeEach, describe, test } from 'node:test';
import type { RawAnswer } from '../../../local/emulators/aws-json.ts';
import type { ServiceCall } from '../../../local/emulators/fault-proxy.ts';
import type { Json } from '../../../local/json.ts';
import { AWKWARD_TEXTS } from '../../support/awkward-events.ts';
import { templateJson } from '../../support/stack-template.ts';
import { startTestApi } from '../support/test-api.ts';

let calls: ServiceCall[] = [];
let answer: (call: ServiceCall) => RawAnswer | undefined = takeAll;

const { url, problems } = await startTestApi(templateJson('local') as unknown as Json, {
  service: (call) => {
    calls.push(call);
    return answer(call);
  },
});

beforeEach(() => {
  calls = [];
  answer = takeAll;
});

function takeAll({ body }: ServiceCall): RawAnswer {
  const { Records } = JSON.parse(body) as { Records: unknown[] };
  return kinesis(200, {
    FailedRecordCount: 0,
    Records: Records.map((_, index) => ({ SequenceNumber: String(index), ShardId: 'shardId-000000000000' })),
  });
}

function kinesis(status: number, body: unknown): RawAnswer {
  return { status, headers: {}, body: typeof body === 'string' ? body : JSON.stringify(body) };
}

/** An answer of the front door, each field where it applies. */
interface Answer {
  readonly message?: string;
  readonly accepted?: number;
  readonly failed?: readonly { readonly index: number; readonly code: string }[];
}

async function post(body: unknown, contentType: string | null = 'application/json') {
  const response = await fetch(`${url}/v1/events`, {
    method: 'POST',
    headers: contentType === null ? {} : { 'content-type': contentType },
    body: typeof body === 'string' ? Buffer.from(body) : JSON.stringify(body),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: JSON.parse(text) as Answer };
}

function sentEvents(): unknown[] {
  const records = calls.flatMap(({ body }) => (JSON.parse(body) as { Records: { Data: string }[] }).Records);
  return records.map(({ Data }) => JSON.parse(Buffer.from(Data, 'base64').toString('utf8')));
}

const event = { id: 'e1', metric: 'view', entity: '/a' };

describe('accepted events', () => {
  test('are 202 with their number, and reach Kinesis as they are', async () => {
    const events = [event, { metric: 'like', entity: '/b', at: '2026-11-22T05:07:00+01:00', n: -1 }];
    const { status, body, headers } = await post({ events });
    assert.deepEqual([status, body], [202, { accepted: 2 }]);
    assert.deepEqual(sentEvents(), events);
    assert.equal(headers.get('access-control-allow-origin'), '*');
    assert.match(headers.get('x-amzn-requestid') ?? '', /^[0-9a-f-]{36}$/);
    const [call] = calls;
    assert.deepEqual([call?.service, call?.action], ['kinesis', 'PutRecords']);
  });

  for (const type of ['application/json; charset=utf-8', 'text/plain', 'text/plain;charset=UTF-8', null]) {
    test(`come as ${type}`, async () => {
      assert.equal((await post({ events: [event] }, type)).status, 202);
      assert.deepEqual(sentEvents(), [event]);
    });
  }

  test('pass unchanged, with any content', async () => {
    const events = AWKWARD_TEXTS.map((text) => ({ id: text, metric: 'view', entity: text }));
    assert.equal((await post({ events })).status, 202);
    assert.deepEqual(sentEvents(), events);
  });

  test('may be 500, in a body written with other spaces and escapes', async () => {
    const events = Array.from({ length: 500 }, (_, index) => ({
      ...event,
      id: `e${index}`,
      entity: '/\u00e9',
    }));
    const body = JSON.stringify({ events }, null, 2).replaceAll('\u00e9', '\\u00e9');
    assert.deepEqual((await post(body)).body, { accepted: 500 });
    assert.deepEqual(sentEvents(), events);
  });
});

describe('a batch', () => {
  test('is one record under its key', async () => {
    const events = AWKWARD_TEXTS.map((text) => ({ metric: 'view', entity: text }));
    for (const batch of ['0b0e7a52-7f3b-4a8e-9a49-4b0e7a527f3b', '$key "👍" #end']) {
      calls = [];
      assert.deepEqual((await post({ batch, events })).body, { accepted: 1 });
      assert.deepEqual(sentEvents(), [[1, batch, events]]);
      const [record] = (JSON.parse(calls[0]?.body ?? '') as { Records: { PartitionKey: string }[] }).Records;
      assert.equal(record?.PartitionKey, batch);
    }
  });

  test('that is too large for a record is 413', async () => {
    answer = () => kinesis(400, { __type: 'ValidationException', message: "at 'records.1.member.data'" });
    const { status, body } = await post({ batch: 'key', events: [event] });
    assert.deepEqual([status, /1 MiB .* new batch key/.test(body.message ?? '')], [413, true]);
  });

  test('that is throttled is named as index 0', async () => {
    answer = () => kinesis(200, { FailedRecordCount: 1, Records: [{ ErrorCode: 'InternalFailure' }] });
    const { status, body } = await post({ batch: 'key', events: [event, event] });
    assert.deepEqual([status, body.accepted, body.failed], [503, 0, [{ index: 0, code: 'InternalFailure' }]]);
  });
});

describe('events that Kinesis did not accept', () => {
  test('are 503 with their index and code', async () => {
    const failure = {
      ErrorCode: 'ProvisionedThroughputExceededException',
      ErrorMessage: 'Rate "x" exceeded',
    };
    answer = () =>
      kinesis(200, { FailedRecordCount: 1, Records: [{ SequenceNumber: '1', ShardId: 's' }, failure] });
    const { status, body, headers } = await post({ events: [event, event] });
    assert.equal(status, 503);
    assert.equal(body.accepted, 1);
    assert.deepEqual(body.failed, [{ index: 1, code: 'ProvisionedThroughputExceededException' }]);
    assert.ok(Number(headers.get('retry-after')) > 0);
  });

  test('are 429 when the whole call is throttled', async () => {
    answer = () => kinesis(400, { __type: 'ProvisionedThroughputExceededException', message: 'slow "down"' });
    const { status, headers } = await post({ events: [event] });
    assert.equal(status, 429);
    assert.ok(Number(headers.get('retry-after')) > 0);
  });

  for (const [status, body] of [
    [400, { __type: 'ResourceNotFoundException' }],
    [403, 'no'],
    [500, { __type: 'InternalFailure' }],
    [503, ''],
    [204, ''],
    [302, ''],
    [200, 'not JSON'],
    [200, {}],
  ] as const) {
    test(`are never a success when it answers ${status} ${JSON.stringify(body)}`, async () => {
      answer = () => kinesis(status, body);
      assert.ok((await post({ events: [event] })).status >= 500);
    });
  }

  test('are never a success when Kinesis does not answer', async () => {
    answer = () => undefined;
    assert.equal((await post({ events: [event] })).status, 504);
  });
});

describe('refused requests', () => {
  const invalid: readonly [name: string, body: unknown, field: RegExp][] = [
    ['no events', {}, /#: required key \[events\]/],
    ['an empty list', { events: [] }, /#\/events/],
    ['501 events', { events: Array.from({ length: 501 }, () => event) }, /#\/events/],
    ['a list at the top', [event], /#: expected type: object/],
    ['no metric', { events: [{ entity: '/a' }] }, /#\/events\/0: required key \[metric\]/],
    ['a bad metric', { events: [event, { ...event, metric: 'a b' }] }, /#\/events\/1\/metric/],
    ['a metric of 65', { events: [{ ...event, metric: 'm'.repeat(65) }] }, /#\/events\/0\/metric/],
    ['an empty entity', { events: [{ ...event, entity: '' }] }, /#\/events\/0\/entity/],
    ['an entity of 513', { events: [{ ...event, entity: 'é'.repeat(513) }] }, /#\/events\/0\/entity/],
    ['a control character', { events: [{ ...event, entity: 'a\nb' }] }, /#\/events\/0\/entity/],
    ['an id of 129', { events: [{ ...event, id: 'i'.repeat(129) }] }, /#\/events\/0\/id/],
    ['a number as id', { events: [{ ...event, id: 5 }] }, /#\/events\/0\/id: expected type: string/],
    ['a fraction as n', { events: [{ ...event, n: 1.5 }] }, /#\/events\/0\/n/],
    ['too large an n', { events: [{ ...event, n: 1_000_000_001 }] }, /#\/events\/0\/n/],
    ['an unknown field', { events: [{ ...event, '"a\\': 1 }] }, /extraneous key \["a\\\]/],
    [
      'seconds as at',
      { events: [{ ...event, at: 1_793_696_402 }] },
      /#\/events\/0\/at: .*epoch milliseconds \(13 digits; 10 are seconds\); GET \/v1\/openapi\.json/,
    ],
    ['microseconds as at', { events: [{ ...event, at: 1_793_696_402_000_000 }] }, /#\/events\/0\/at/],
    ['a float as at', { events: [{ ...event, at: 1_793_696_402.25 }] }, /#\/events\/0\/at/],
    ['no zone in at', { events: [{ ...event, at: '2026-11-22T05:07:00' }] }, /#\/events\/0\/at.*with a zone/],
    ['the far future as at', { events: [{ ...event, at: '2126-11-22T05:07:00Z' }] }, /#\/events\/0\/at/],
    ['an empty key', { batch: '', events: [event] }, /#\/batch/],
    ['a key of 129', { batch: 'k'.repeat(129), events: [event] }, /#\/batch/],
    ['a control character in a key', { batch: 'a\nb', events: [event] }, /#\/batch/],
    ['a number as a key', { batch: 7, events: [event] }, /#\/batch/],
    ['another field at the top', { events: [event], more: 1 }, /#: extraneous key \[more\]/],
    ['no JSON', '{"events":[', /not JSON/],
    ['nothing', '', /not JSON/],
  ];
  for (const [name, body, field] of invalid) {
    test(`${name}: 400 that names the field`, async () => {
      const refused = await post(body);
      assert.equal(refused.status, 400);
      assert.match(refused.body.message ?? '', field);
      assert.equal(refused.headers.get('access-control-allow-origin'), '*');
      assert.equal(calls.length, 0);
    });
  }

  test('an emoji counts as one character', async () => {
    assert.equal((await post({ events: [{ ...event, entity: '👍'.repeat(512) }] })).status, 202);
    assert.equal((await post({ events: [{ ...event, entity: '👍'.repeat(513) }] })).status, 400);
  });

  for (const type of ['application/xml', 'application/x-www-form-urlencoded', 'text/html', 'x']) {
    test(`${type}: 415`, async () => {
      assert.equal((await post({ events: [event] }, type)).status, 415);
      assert.equal((await post('<events/>', type)).status, 415);
      assert.equal(calls.length, 0);
    });
  }

  test('an unknown path is 404, another method 405, both with the routes', async () => {
    for (const [path, method, status, allow] of [
      ['/v1/nothing', 'GET', 404, null],
      ['/V1/events', 'POST', 404, null],
      ['/v1', 'GET', 404, null],
      ['/v1/top', 'GET', 404, null],
      ['/v1/counts/play/', 'GET', 404, null],
      ['/nowhere/at/all', 'PUT', 404, null],
      ['/v1/events', 'DELETE', 405, 'POST'],
      ['/v1/events', 'GET', 405, 'POST'],
      ['/', 'POST', 405, 'GET'],
    ] as const) {
      const response = await fetch(url + path, { method });
      assert.equal(response.status, status, `${method} ${path}`);
      assert.equal(response.headers.get('allow'), allow);
      const { message } = (await response.json()) as { message: string };
      assert.match(message, /POST \/v1\/events, .*GET \/v1\/status/);
    }
  });
});

describe('requests that are too large', () => {
  const bytesMax = 10 * 1024 * 1024;

  /** The status of the answer that comes before the request has ended. */
  async function statusOf(headers: OutgoingHttpHeaders, send: (outgoing: ClientRequest) => void) {
    const outgoing = request(`${url}/v1/events`, { method: 'POST', headers });
    outgoing.on('error', () => {});
    send(outgoing);
    const [response] = await once(outgoing, 'response');
    outgoing.destroy();
    return response.statusCode;
  }

  test('by their length: 413 at once', async () => {
    const headers = { 'content-type': 'application/json', 'content-length': bytesMax + 1 };
    assert.equal(await statusOf(headers, (outgoing) => outgoing.write('{')), 413);
  });

  test('by their length, asking first: 413 without sending', async () => {
    const status = await statusOf({ 'content-length': bytesMax + 1, expect: '100-continue' }, (outgoing) => {
      outgoing.once('continue', () => assert.fail('was told to go on'));
      outgoing.flushHeaders();
    });
    assert.equal(status, 413);
  });

  test('in chunks: 413 before the end', async () => {
    const headers = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
    const megabyte = Buffer.alloc(1024 * 1024, ' ');
    const status = await statusOf(headers, (outgoing) => {
      for (let sent = 0; sent < 11; sent += 1) outgoing.write(megabyte);
    });
    assert.equal(status, 413);
  });

  test('sent to the end: the client reads 413 and may continue', async () => {
    const padded = JSON.stringify({ events: [event] }).padEnd(bytesMax + 1);
    assert.equal((await post(padded)).status, 413);
    assert.equal((await post(padded.slice(0, bytesMax))).status, 202);
  });
});

test('an upload that breaks off does no harm', async () => {
  const { port } = new URL(url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    'POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{',
  );
  socket.destroy();
  assert.equal((await post({ events: [event] })).status, 202);
});

test('browsers get their preflight, also for a beacon, which carries credentials', async () => {
  for (const path of ['/v1/events', '/v1/status', '/v1/counts/view/a/b']) {
    const origin = 'https://example.com';
    const { status, headers } = await fetch(url + path, { method: 'OPTIONS', headers: { origin } });
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), origin);
    assert.equal(headers.get('access-control-allow-credentials'), 'true');
    assert.match(headers.get('access-control-allow-methods') ?? '', /POST|GET/);
  }
  const body = JSON.stringify({ events: [event] });
  const headers = { origin: 'https://example.com', 'content-type': 'application/json' };
  const answered = await fetch(`${url}/v1/events`, { method: 'POST', headers, body });
  assert.equal(answered.headers.get('access-control-allow-origin'), 'https://example.com');
});

test('the API itself was never at fault', () => assert.deepEqual(problems, []));
