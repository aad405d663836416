// `npm run audit` as people run it, against a service that answers page by page.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { after, beforeEach, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../operations/audit.ts', import.meta.url));
const AUDIT = 'a'.repeat(32);
const NOTHING = {
  complete: true,
  source: 'stream',
  rawDifferences: 0,
  segments: 3,
  items: 5,
  events: 9,
  itemsDiffering: 0,
  itemsUnaudited: 0,
  segmentsUnaudited: [],
  notReproducible: [],
  differences: [],
  differencesOmitted: 0,
  repaired: 0,
};
const figures = { segments: 1, itemsScanned: 0, items: 0, differences: 0 };
const page = (step: number) => ({
  complete: false,
  next: `${AUDIT}.${step}`,
  progress: { phase: 'produce', share: 0.5, ...figures },
});

/** What is answered, by the cursor asked for; '' without one. A number is a status without a report. */
let answers: Record<string, object | number | undefined> = {};
let asked: string[] = [];
const server: Server = createServer((request, response) => {
  const url = new URL(request.url ?? '', 'http://localhost');
  const cursor = url.searchParams.get('cursor') ?? '';
  const source = url.searchParams.get('source');
  const named = source === null ? cursor : `source=${source}`;
  asked.push(`${request.method} ${url.pathname} ${named}`.trim());
  const answer = answers[cursor];
  // Nothing to answer: the page takes for ever.
  if (answer === undefined) return;
  if (typeof answer === 'number') answers[cursor] = NOTHING;
  response.writeHead(typeof answer === 'number' ? answer : 200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(typeof answer === 'number' ? { message: 'not now' } : answer));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
assert.ok(typeof address === 'object' && address !== null);
const url = `http://127.0.0.1:${address.port}`;
after(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  asked = [];
});

function start(...args: string[]) {
  const child = spawn(process.execPath, [program, '--url', url, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    text.stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    text.stderr += String(chunk);
  });
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...text }));
  return { child, ended };
}
const HOURS = ['--from', '2026-11-22T05:00Z', '--to', '2026-11-22T06:00Z'];

test('it follows the cursor to the report, through an answer that fails', async () => {
  answers = { '': page(1), [`${AUDIT}.1`]: page(2), [`${AUDIT}.2`]: 503 };
  const { code, stdout, stderr } = await start(...HOURS).ended;
  assert.equal(code, 0, stderr);
  assert.match(stdout, /3 segments, 5 counter items with 9 events: 0 differences/);
  assert.deepEqual(asked, [
    'GET /v1/audit',
    `GET /v1/audit ${AUDIT}.1`,
    `GET /v1/audit ${AUDIT}.2`,
    `GET /v1/audit ${AUDIT}.2`,
  ]);
});

test('differences are exit code 1, unless all of them are repaired', async () => {
  const difference = {
    kind: 'events-differ',
    metric: 'view',
    entity: '/a',
    bucket: 'b',
    expected: 1,
    found: 2,
  };
  const found = { ...NOTHING, itemsDiffering: 1, differences: [difference] };
  answers = { '': found };
  const audited = await start(...HOURS).ended;
  assert.equal(audited.code, 1);
  assert.match(audited.stdout, /"entity":"\/a"/);
  assert.equal((await start(...HOURS, '--repair').ended).code, 1);
  answers = { '': { ...found, repaired: 1 } };
  assert.equal((await start(...HOURS, '--repair').ended).code, 0);
  assert.deepEqual(asked.at(-1), 'POST /v1/admin/repair');
});

test('the archive is asked for by name, and raw records that are missing in it are exit code 1', async () => {
  const missing = { first: '1.0.1', last: '1.0.2', segments: 2, reason: 'raw-missing' };
  answers = { '': { ...NOTHING, source: 'archive', rawDifferences: 2, segmentsUnaudited: [missing] } };
  const { code, stdout } = await start(...HOURS, '--source', 'archive').ended;
  assert.equal(code, 1);
  assert.match(stdout, /2 segments from 1\.0\.1 to 1\.0\.2 not audited: raw-missing/);
  assert.match(stdout, /raw records of 2 segments missing or changed/);
  assert.deepEqual(asked, ['GET /v1/audit source=archive']);
});

test('interrupted, it says how to go on, and goes on there', async () => {
  answers = { '': page(7), [`${AUDIT}.7`]: undefined };
  const { child, ended } = start(...HOURS, '--repair');
  while (!asked.includes(`POST /v1/admin/repair ${AUDIT}.7`)) {
    await Promise.race([once(server, 'request'), ended]);
  }
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  assert.equal(code, 130, stderr);
  assert.ok(stderr.includes(`--cursor ${AUDIT}.7 --repair`), stderr);
  answers = { [`${AUDIT}.7`]: NOTHING };
  assert.equal((await start('--cursor', `${AUDIT}.7`, '--repair').ended).code, 0);
});

test('without hours or cursor, it says how it is used', async () => {
  const { code, stdout } = await start('--from', '2026-11-22T05:00Z').ended;
  assert.equal(code, 2);
  assert.match(stdout, /--cursor/);
});
