// The signed query over HTTP: its signature is recomputed here from AWS's documentation, and its answers are parsed.
import assert from 'node:assert/strict';
import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import { after, test } from 'node:test';
import { defaultProvider } from '../../lambdas/aws/credentials.ts';
import { NoCounts, signedQuery } from '../../lambdas/canary/signed-query.aws.ts';
import { listen } from '../../local/listening.ts';

const NOW_MS = Date.UTC(2026, 10, 22, 12, 7, 41);
const SECRET = 'a secret/with+signs';
process.env['AWS_ACCESS_KEY_ID'] = 'AKIDEXAMPLE';
process.env['AWS_SECRET_ACCESS_KEY'] = SECRET;
process.env['AWS_SESSION_TOKEN'] = 'a token';
const credentials = defaultProvider();

let answer: { status: number; body: string };
const requests: IncomingMessage[] = [];
const server = createServer((request, response) => {
  requests.push(request);
  response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body);
});
const { endpoint, stop } = await listen(server);
after(stop);
const url = new URL(`${endpoint}/prod/`);
const query = signedQuery(url, { region: 'eu-central-1', credentials }, { nowMs: () => NOW_MS });

test('a question is asked of the admin route, signed as API Gateway verifies it', async () => {
  const points = [
    { at: '2026-11-22T12:05:00Z', n: 1_000_000, state: 'provisional' },
    { at: '2026-11-22T12:06:00Z', n: 3, state: 'provisional' },
  ];
  answer = { status: 200, body: JSON.stringify({ points, completeThrough: '2026-11-22T12:05:30.250Z' }) };
  const fromMs = NOW_MS - (NOW_MS % 60_000) - 300_000;
  const counts = await query.readMinutes('tally.canary', 'canary', fromMs, fromMs + 360_000);
  assert.deepEqual(
    [...counts.minutes],
    [
      [Date.UTC(2026, 10, 22, 12, 5), 1_000_000],
      [Date.UTC(2026, 10, 22, 12, 6), 3],
    ],
  );
  assert.equal(counts.completeThroughMs, Date.UTC(2026, 10, 22, 12, 5, 30, 250));

  const request = requests.at(-1);
  assert.ok(request);
  assert.equal(
    request.url,
    `/prod/v1/admin/counts/tally.canary/canary?by=minute&from=${fromMs}&to=${fromMs + 360_000}`,
  );
  const { authorization } = request.headers;
  assert.ok(authorization);
  assert.equal(request.headers['x-amz-security-token'], 'a token');
  assert.match(
    authorization,
    /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/20261122\/eu-central-1\/execute-api\/aws4_request, /,
  );
  const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? [];
  for (const name of ['host', 'x-amz-date', 'x-amz-security-token']) assert.ok(signed.includes(name), name);
  assert.equal(/Signature=([0-9a-f]{64})$/.exec(authorization)?.[1], signatureOf(request, signed));
});

test('nothing counted and no watermark is an answer', async () => {
  answer = { status: 200, body: '{"points":[],"completeThrough":null}' };
  assert.deepEqual(await query.readMinutes('tally.canary', 'canary', 0, 60_000), {
    minutes: new Map(),
    completeThroughMs: 0,
  });
});

test('a refusal and an invalid answer are errors that name the cause', async () => {
  const read = () => query.readMinutes('tally.canary', 'canary', 0, 60_000);
  answer = { status: 403, body: '{"message":"no"}' };
  await assert.rejects(read(), {
    name: NoCounts.name,
    message: 'GET /prod/v1/admin/counts/tally.canary/canary answered 403: {"message":"no"}',
  });
  for (const body of ['null', '{}', '{"points":[1]}', '{"points":[{"at":"x","n":1}]}']) {
    answer = { status: 200, body };
    await assert.rejects(read(), { name: NoCounts.name }, body);
  }
});

/** Signature Version 4 of a GET without a body, step by step as in AWS's documentation. */
function signatureOf(request: IncomingMessage, signed: readonly string[]): string {
  const { pathname, searchParams } = new URL(request.url ?? '', url);
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();
  const canonical = [
    'GET',
    pathname,
    [...searchParams]
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .toSorted()
      .join('&'),
    ...signed.map((name) => `${name}:${request.headers[name]}`),
    '',
    signed.join(';'),
    sha256(''),
  ].join('\n');
  const scope = '20261122/eu-central-1/execute-api/aws4_request';
  const key = ['20261122', 'eu-central-1', 'execute-api', 'aws4_request'].reduce<string | Buffer>(
    hmac,
    `AWS4${SECRET}`,
  );
  const toSign = ['AWS4-HMAC-SHA256', '20261122T120741Z', scope, sha256(canonical)].join('\n');
  return hmac(key, toSign).toString('hex');
}
