// Invalid requests are refused in JSON, checked byte for byte; AWS's limit for headers applies.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, test } from 'node:test';
import { startApiServer } from '../../../local/api-gateway/server.ts';

const server = await startApiServer(
  async () => ({ status: 200, headers: { 'content-type': 'application/json' }, body: '{"ok":true}' }),
  0,
  false,
);
after(() => server.stop(100));

/** Everything that comes back until the server closes. */
async function send(bytes: string, end = false): Promise<string> {
  const socket = connect({ port: Number(new URL(server.url).port), host: '127.0.0.1', allowHalfOpen: true });
  socket.write(bytes);
  if (end) socket.end();
  const received = await text(socket);
  socket.destroy();
  return received;
}

const CASES: readonly [name: string, request: string, status: RegExp][] = [
  ['no HTTP', 'HELO example\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['two lengths', 'POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', /^HTTP\/1\.1 400 /],
  [
    'length and chunks',
    'POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  ['a head above 10,240 bytes', `GET / HTTP/1.1\r\nX: ${'x'.repeat(10_300)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
  ['a head of megabytes', `GET / HTTP/1.1\r\nX: ${'x'.repeat(3_000_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
];

for (const [name, request, status] of CASES) {
  test(`${name}: a refusal in JSON with its length`, async () => {
    const received = await send(request);
    assert.match(received, status);
    const [head = '', body = ''] = received.split('\r\n\r\n');
    assert.match(head, /content-type: application\/json/);
    assert.match(head, new RegExp(`content-length: ${Buffer.byteLength(body)}(\r|$)`));
    assert.ok(JSON.parse(body).message.length > 10);
  });
}

test('headers just within the limit pass', async () => {
  const received = await send(`GET / HTTP/1.1\r\nConnection: close\r\nX: ${'x'.repeat(10_000)}\r\n\r\n`);
  assert.match(received, /^HTTP\/1\.1 200 /);
});

test('a client that closes its writing side still gets its answer', async () => {
  const received = await send('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', true);
  assert.match(received, /^HTTP\/1\.1 200 [\s\S]*\{"ok":true\}$/);
});

test('a request without a host, or with an unknown expectation, is not refused', async () => {
  assert.match(await send('GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
  assert.match(await send('GET / HTTP/1.1\r\nExpect: tea\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 200 /);
});
