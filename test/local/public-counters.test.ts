// Public counters over HTTP: every way to write an entity meets the right counter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countEvents } from '../browser/support/console-stack.ts';
import { startTestStack } from '../support/local-stack.ts';

const stack = await startTestStack({ settings: { publicMetrics: ['play'] } });

/** Each entity is counted another number of times. */
const ENTITIES = ['blog', 'blog/', '/blog', 'a/b', 'a%2Fb', 'v1.json', 'ü?x=1#y', 'x.svg.json'];

test('slashes, dots and percent signs meet the right counter; a slash at the end only when it is encoded', {
  timeout: 120_000,
}, async () => {
  await countEvents(
    stack,
    ENTITIES.map((entity, index) => ({ metric: 'play', entity, n: index + 1 })),
  );
  const total = async (path: string) => {
    const answer = await fetch(`${stack.url}/v1/public/play/${path}`);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.headers.get('access-control-allow-origin'), '*');
    assert.equal(answer.headers.get('cache-control'), 'public, max-age=60');
    return ((await answer.json()) as { total: number }).total;
  };
  for (const [index, entity] of ENTITIES.entries()) {
    assert.equal(await total(`${encodeURIComponent(entity)}.json`), index + 1, entity);
  }
  // As they are, where a URL takes them so. The slash here is not the last character of the path.
  assert.equal(await total('a/b.json'), 4);
  assert.equal(await total('blog/.json'), 2);
  assert.equal(await total('v1.json.json'), 6);
  assert.equal(await total('nothing.json'), 0);
  const counts = async (path: string) =>
    ((await (await fetch(`${stack.url}/v1/counts/play/${path}`)).json()) as { entity: string }).entity;
  assert.equal(await counts('blog/'), 'blog');
  assert.equal(await counts('blog%2F'), 'blog/');
});

test('a badge is a picture for any page, with a tag', { timeout: 60_000 }, async () => {
  const url = `${stack.url}/v1/public/play/blog.svg?label=plays`;
  const badge = await fetch(url);
  assert.match(badge.headers.get('content-type') ?? '', /^image\/svg\+xml/);
  assert.match(await badge.text(), /^<svg .*<title>1 plays, counting<\/title>/);
  const headers = { 'if-none-match': badge.headers.get('etag') ?? '' };
  assert.equal((await fetch(url, { headers })).status, 304);
});

test('shields.io gets exactly what it reads; another metric is not public', { timeout: 60_000 }, async () => {
  const shields = await fetch(`${stack.url}/v1/public/play/a%2Fb.json?style=shields&label=plays`);
  const wanted = { schemaVersion: 1, label: 'plays', message: '4', color: 'blueviolet' };
  assert.deepEqual(await shields.json(), wanted);
  assert.equal((await fetch(`${stack.url}/v1/public/view/blog.json`)).status, 404);
});
