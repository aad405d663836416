// Every answer of the local stack is documented, and every documented answer is provoked here or explained.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiDocument } from '../../api/openapi.ts';
import { recordAnswers } from '../support/answer-recorder.ts';
import { startTestStack } from '../support/local-stack.ts';
import { patient } from '../support/patience.ts';

const stack = await startTestStack({
  faults: true,
  settings: { publicMetrics: ['view'] },
});
const recorder = recordAnswers();
const SIGNED = { authorization: 'AWS4-HMAC-SHA256 Credential=local, SignedHeaders=host, Signature=0' };
const HOURS = 'from=2026-11-20T00:00Z&to=2026-11-21T00:00Z';
const WEEKS = 'from=2026-11-09T00:00Z&to=2026-11-23T00:00Z';

async function status(path: string, init: RequestInit = {}): Promise<number> {
  const answer = await recorder.fetch(`${stack.url}${path}`, init);
  await answer.arrayBuffer();
  return answer.status;
}
const send = (events: unknown[], contentType = 'application/json', batch?: string) =>
  status('/v1/events', {
    method: 'POST',
    headers: { 'content-type': contentType },
    body: JSON.stringify({ batch, events }),
  });
const view = { metric: 'view', entity: '/a', id: 'a', at: '2026-11-20T05:07:59Z' };

/** The front door calls Kinesis with a role, functions as themselves. */
const isFrontDoor = (caller: string) => caller.startsWith('role ');

/** Kinesis answers like this while `work` runs. */
async function withKinesis<T>(code: number, body: unknown, work: () => Promise<T>): Promise<T> {
  const answer = { status: code, headers: {}, body: JSON.stringify(body) };
  stack.setFault(({ caller }) => (isFrontDoor(caller) ? answer : 'pass'));
  try {
    return await work();
  } finally {
    stack.setFault(undefined);
  }
}
/** The functions get no answers from tables while `work` runs. */
async function withoutTables<T>(work: () => Promise<T>): Promise<T> {
  const body = JSON.stringify({
    __type: 'com.amazonaws.dynamodb.v20120810#ValidationException',
    message: 'x',
  });
  stack.setFault(({ service }) => (service === 'dynamodb' ? { status: 400, headers: {}, body } : 'pass'));
  try {
    return await work();
  } finally {
    stack.setFault(undefined);
  }
}

test('events', patient, async () => {
  assert.equal(await send([view]), 202);
  assert.equal(await send([{ ...view, metric: 'no spaces' }]), 400);
  assert.equal(await send([view], 'application/xml'), 415);
  assert.equal(await send([view], 'text/plain', 'a key'), 202);
  assert.equal(await send([view], 'text/plain', ''), 400);
  for (const __type of ['ValidationException', 'InvalidArgumentException'])
    assert.equal(await withKinesis(400, { __type }, () => send([view], 'text/plain', 'a key')), 413);
  assert.equal(await send([{ ...view, entity: 'x'.repeat(11_000_000) }]), 413);
  const throttled = { __type: 'ProvisionedThroughputExceededException' };
  assert.equal(await withKinesis(400, throttled, () => send([view])), 429);
  assert.equal(await withKinesis(400, { __type: 'AccessDeniedException' }, () => send([view])), 500);
  assert.equal(await withKinesis(500, {}, () => send([view])), 503);
  const Records = [{ ErrorCode: 'InternalFailure' }, { SequenceNumber: '1', ShardId: 's' }];
  assert.equal(await withKinesis(200, { FailedRecordCount: 1, Records }, () => send([view, view])), 503);
  stack.setFault(({ caller }) => (isFrontDoor(caller) ? 'lose-answer' : 'pass'));
  assert.equal(await send([view]), 504);
  stack.setFault(undefined);
});

test('counts', patient, async () => {
  for (const [prefix, headers] of [
    ['/v1', {}],
    ['/v1/admin', SIGNED],
  ] as const) {
    const ask = (query: string) => status(`${prefix}/counts/view/%2Fa${query}`, { headers });
    assert.equal(await ask(''), 200);
    assert.equal(await ask(`?by=hour&fill=zero&cumulative=true&compare=previous&${HOURS}`), 200);
    assert.equal(await ask(`?by=day&tz=Asia/Kathmandu&limit=1&${HOURS}`), 200);
    assert.equal(await ask(`?by=week&${WEEKS}`), 200);
    assert.equal(await ask('?by=year'), 400);
    const known = { 'if-none-match': '*' };
    assert.equal(await status(`${prefix}/counts/view/%2Fa`, { headers: { ...headers, ...known } }), 304);
    assert.equal(await withoutTables(() => ask('')), 503);
  }
  assert.equal(await status('/v1/admin/counts/view/a'), 403);
});

test('the metrics', patient, async () => {
  assert.equal(await status('/v1/metrics'), 200);
  assert.equal(await status('/v1/metrics', { headers: { 'if-none-match': '*' } }), 304);
  assert.equal(await withoutTables(() => status('/v1/metrics')), 503);
});

test('the top', patient, async () => {
  const ask = (query: string) => status(`/v1/top/view${query}`);
  assert.equal(await ask(''), 200);
  assert.equal(await ask('?by=hour&at=2026-11-20T05:00Z&k=3'), 200);
  assert.equal(await ask('?k=101'), 400);
  assert.equal(await status('/v1/top/view', { headers: { 'if-none-match': '*' } }), 304);
  assert.equal(await withoutTables(() => ask('')), 503);
});

test('public counters', patient, async () => {
  const ask = (path: string, headers = {}) => status(`/v1/public/${path}`, { headers });
  assert.equal(await ask('view/%2Fa.json'), 200);
  assert.equal(await ask('view/%2Fa.json?style=shields&label=views'), 200);
  assert.equal(await ask('view/%2Fa.json', { 'if-none-match': '*' }), 304);
  assert.equal(await ask('view/%2Fa'), 400);
  assert.equal(await ask('play/%2Fa.json'), 404);
  assert.equal(await withoutTables(() => ask('view/%2Fa.json')), 503);
});

test('counts in a batch', patient, async () => {
  const ask = (body: unknown) => status('/v1/counts:batch', { method: 'POST', body: JSON.stringify(body) });
  const fine = { metric: 'view', entity: '/a', by: 'day', tz: 'Europe/Berlin', cumulative: true, limit: 2 };
  assert.equal(await ask({ queries: [fine, { ...fine, by: 'year' }] }), 200);
  assert.equal(await ask({ queries: [] }), 400);
  assert.equal(await ask({ queries: [{ ...fine, entity: 'x'.repeat(11_000_000) }] }), 413);
  assert.equal(await withoutTables(() => ask({ queries: [fine] })), 503);
});

test('the status, also with events on their way', patient, async () => {
  assert.equal(await status('/v1/status'), 200);
  assert.equal(await status('/v1/status?hours=49'), 400);
  assert.equal(await withoutTables(() => status('/v1/status')), 503);
});

test('the document is served, and names where it was asked for', patient, async () => {
  const answer = await recorder.fetch(`${stack.url}/v1/openapi.json`);
  assert.equal(answer.status, 200);
  assert.deepEqual(await answer.json(), openApiDocument('/'));
});

/** Documented answers that cannot be provoked here, and why. */
const NOT_HERE: readonly (readonly [RegExp, string])[] = [
  [
    /^GET \/v1\/(counts|metrics|top|public|status|openapi).* 403$|^POST \/v1\/(events|counts:batch) 403$/,
    'the local stage wants no API keys',
  ],
  [
    /^(GET|POST) (?!\/v1\/events).* 429$/,
    "API Gateway's own throttle, the same for all routes: test/local/api-gateway",
  ],
  [/ 502$/, 'only if a function cannot even answer: test/local/api-gateway'],
  [/^(GET|POST) (?!\/v1\/events).* 504$/, 'only after 29 seconds: test/local/api-gateway'],
];

test('every documented answer was seen, or there is a reason', () => {
  const unseen = recorder.unseen();
  assert.deepEqual(
    unseen.filter((name) => !NOT_HERE.some(([pattern]) => pattern.test(name))),
    [],
  );
  for (const [pattern] of NOT_HERE)
    assert.ok(
      unseen.some((name) => pattern.test(name)),
      `${pattern} is of no use`,
    );
});
