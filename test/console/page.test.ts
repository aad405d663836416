// The console as served: small, named by content, without anything from other origins.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { consoleFiles, LOCAL_CONSOLE_FILE, writeLocalConsole } from '../../lib/console-files.ts';

const files = consoleFiles();
writeLocalConsole();
Object.assign(process.env, {
  LAMBDA_TASK_ROOT: join(import.meta.dirname, '..', '..'),
  CONSOLE_FILE: LOCAL_CONSOLE_FILE,
  API_KEYS: 'true',
  LOCAL: 'false',
});
const { handler } = await import('../../lambdas/console/handler.ts');

/** The answer to a request for a file, or for the page. */
async function ask(file?: string, ifNoneMatch?: string, base = '/prod') {
  const answer = await handler({
    requestContext: { path: `${base}/${file === undefined ? '' : `console/${file}`}` },
    pathParameters: file === undefined ? null : { file },
    headers: ifNoneMatch === undefined ? {} : { 'If-None-Match': ifNoneMatch },
  } as unknown as APIGatewayProxyEvent);
  return answer as APIGatewayProxyResult & { readonly headers: Record<string, string> };
}

test('everything is below 80 KB compressed', () => {
  const bytes = [files.page, ...files.files].reduce((sum, { text }) => sum + gzipSync(text).length, 0);
  assert.ok(bytes < 80_000, `${bytes} bytes`);
});

test('the page names its files by their content, below the requested path', async () => {
  const { statusCode, headers, body } = await ask();
  assert.equal(statusCode, 200);
  assert.equal(headers['cache-control'], 'no-cache');
  assert.ok(!body.includes('{{'), 'everything is filled in');
  assert.match(body, /data-base="\/prod" data-keys="true" data-local="false"/);
  const named = [...body.matchAll(/"\/prod\/console\/([^"]+)"/g)].map(([, name]) => name ?? '');
  assert.deepEqual(named.toSorted(), files.files.map(({ name }) => name).toSorted());
  for (const name of named) {
    assert.match(name, /^app-\w{8}\.(js|css)$/);
    const file = await ask(name);
    assert.equal(file.statusCode, 200);
    assert.match(file.headers['cache-control'] ?? '', /immutable/);
  }
  const missing = await ask('app-00000000.js');
  assert.deepEqual([missing.statusCode, missing.headers['cache-control']], [404, 'no-store']);
  assert.ok(missing.headers['content-security-policy']);
});

test('a cached page is not sent again, unless its content changes', async () => {
  const { etag } = (await ask()).headers;
  assert.equal((await ask(undefined, etag)).statusCode, 304);
  assert.equal((await ask(undefined, `W/${etag}, "other"`)).statusCode, 304);
  assert.equal((await ask(undefined, etag, '')).statusCode, 200);
});

test('a path never gets into the page as markup', async () => {
  const { body } = await ask(undefined, undefined, '/"><script>alert(1)</script>');
  assert.ok(!body.includes('alert'));
});

test('nothing is inline or from another origin, and the policy forbids both', async () => {
  const { headers, body } = await ask();
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
  assert.ok(!policy.includes('unsafe'));
  assert.doesNotMatch(body, /<script(?![^>]* src=)|<style|style=|\son\w+=/);
  const texts = files.files.map(({ text }) => text);
  for (const text of texts) {
    const addresses = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address);
    // Names of XML namespaces, which are never loaded, and the client's example.
    assert.deepEqual(
      addresses.filter((address) => !/w3\.org|tally\.example\.com/.test(address)),
      [],
    );
  }
});
