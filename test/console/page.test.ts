// The console as served: small, named by content, without anything from other origins.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { type ConsoleFiles, serve } from '../../lambdas/console/serve.ts';
import { consoleFiles } from '../../lib/console-files.ts';

const files = consoleFiles();
const place = { base: '/prod', apiKeys: true, local: false };
const ask = (file?: string, ifNoneMatch?: string, where = place) =>
  serve(files, { file, ifNoneMatch }, where);

test('everything is below 80 KB compressed', () => {
  const bytes = [files.page, ...files.files].reduce((sum, { text }) => sum + gzipSync(text).length, 0);
  assert.ok(bytes < 80_000, `${bytes} bytes`);
});

test('the page names its files by their content, below the requested path', () => {
  const { statusCode, headers, body } = ask();
  assert.equal(statusCode, 200);
  assert.equal(headers['cache-control'], 'no-cache');
  assert.ok(!body.includes('{{'), 'everything is filled in');
  assert.match(body, /data-base="\/prod" data-keys="true" data-local="false"/);
  const named = [...body.matchAll(/"\/prod\/console\/([^"]+)"/g)].map(([, name]) => name ?? '');
  assert.deepEqual(named.toSorted(), files.files.map(({ name }) => name).toSorted());
  for (const name of named) {
    assert.match(name, /^app-\w{8}\.(js|css)$/);
    const file = ask(name);
    assert.equal(file.statusCode, 200);
    assert.match(file.headers['cache-control'] ?? '', /immutable/);
  }
  assert.equal(ask('app-00000000.js').statusCode, 404);
});

test('a cached page is not sent again, unless its content changes', () => {
  const { etag } = ask().headers;
  assert.equal(ask(undefined, etag).statusCode, 304);
  assert.equal(ask(undefined, `W/${etag}, "other"`).statusCode, 304);
  assert.equal(ask(undefined, etag, { ...place, base: '' }).statusCode, 200);
  assert.equal(ask(undefined, etag, { ...place, apiKeys: false }).statusCode, 200);
});

test('a path never gets into the page as markup', () => {
  const { body } = ask(undefined, undefined, { ...place, base: '/"><script>alert(1)</script>' });
  assert.ok(!body.includes('alert'));
});

test('nothing is inline or from another origin, and the policy forbids both', () => {
  const { headers, body } = ask();
  const policy = headers['content-security-policy'] ?? '';
  assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/);
  assert.ok(!policy.includes('unsafe'));
  assert.doesNotMatch(body, /<script(?![^>]* src=)|<style|style=|\son\w+=/);
  const texts = (files as ConsoleFiles).files.map(({ text }) => text);
  for (const text of texts) {
    const addresses = [...text.matchAll(/https?:\/\/[\w.-]+/g)].map(([address]) => address);
    // Names of XML namespaces, which are never loaded, and the client's example.
    assert.deepEqual(
      addresses.filter((address) => !/w3\.org|tally\.example\.com/.test(address)),
      [],
    );
  }
});
