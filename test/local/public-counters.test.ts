// Public counters over HTTP: every way to write an entity meets the right counter.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countEvents } from '../browser/support/console-stack.ts';
import { startTestStack } from '../support/local-stack.ts';

const stack = await startTestStack({ settings: { publicMetrics: ['play'] } });
const timeout = 120_000;

/** Each entity has a different count: 1, 2, 3 and so on. */
const ENTITIES = [
  'blog',
  'blog/',
  '/blog',
  'a/b',
  'a%2Fb',
  'v1.json',
  'ü?x=1#y',
  'x.svg.json',
  'a//b',
  '.hidden',
  ' +&=',
  '100%',
];
const countOf = (entity: string) => ENTITIES.indexOf(entity) + 1;
const at = (path: string) => `${stack.url}/v1/public/play/${path}`;

test('the events of all cases are counted', { timeout }, () =>
  countEvents(
    stack,
    ENTITIES.map((entity) => ({ metric: 'play', entity, n: countOf(entity) })),
  ),
);

for (const [path, entity] of [
  ...ENTITIES.map((each) => [`${encodeURIComponent(each)}.json`, each] as const),
  // As they are, where a URL allows it. The slash is not the last character of the path.
  ['a/b.json', 'a/b'],
  ['a//b.json', 'a//b'],
  ['blog/.json', 'blog/'],
  ['/blog.json', '/blog'],
  ['v1.json.json', 'v1.json'],
  ['%61%2fb.json', 'a/b'],
  ['a%252Fb.json', 'a%2Fb'],
  // API Gateway drops a slash at the end.
  ['blog.json/', 'blog'],
  ['nothing.json', 'nothing'],
] as const) {
  test(`${path} is the counter "${entity}"`, { timeout }, async () => {
    const answer = await fetch(at(path));
    assert.equal(answer.status, 200);
    const { headers } = answer;
    assert.equal(headers.get('access-control-allow-origin'), '*');
    assert.equal(headers.get('cache-control'), 'public, max-age=60');
    assert.match(headers.get('content-type') ?? '', /^application\/json/);
    assert.deepEqual(await answer.json(), {
      metric: 'play',
      entity,
      total: countOf(entity),
      completeThrough: null,
    });
  });
}

for (const [path, status] of [
  ['blog', 400],
  ['blog.png', 400],
  ['.json', 400],
  ['%ff.json', 400],
  ['blog.svg?label=', 400],
  ['blog.svg?label=a&label=b', 400],
  ['../view/blog.json', 404],
] as const) {
  test(`${path} is refused: ${status}`, { timeout }, async () => {
    const answer = await fetch(at(path));
    assert.equal(answer.status, status);
    assert.match(((await answer.json()) as { message: string }).message, /\w/);
  });
}

test('a slash at the end of a path belongs to the entity only if it is encoded', {
  timeout,
}, async () => {
  for (const [path, entity] of [
    ['blog/', 'blog'],
    ['blog%2F', 'blog/'],
  ] as const) {
    const answer = await fetch(`${stack.url}/v1/counts/play/${path}`);
    const { entity: named, total } = (await answer.json()) as { entity: string; total: number };
    assert.deepEqual([named, total], [entity, countOf(entity)]);
  }
});

for (const form of ['json', 'svg', 'json?style=shields']) {
  test(`a cached ${form} is not sent again until it changes`, { timeout }, async () => {
    const url = at(`ever.${form}`);
    const first = await fetch(url);
    const etag = first.headers.get('etag') ?? '';
    assert.match(etag, /^"[^"]+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await fetch(url, { headers: { 'if-none-match': known } });
      assert.equal(again.status, 304, known);
      assert.equal(again.headers.get('etag'), etag);
      assert.equal(again.headers.get('cache-control'), 'public, max-age=60');
      assert.equal(again.headers.get('access-control-allow-origin'), '*');
    }
    await countEvents(stack, [{ metric: 'play', entity: 'ever' }]);
    const changed = await fetch(url, { headers: { 'if-none-match': etag } });
    assert.equal(changed.status, 200);
    assert.notEqual(changed.headers.get('etag'), etag);
  });
}

test('a badge is an image with a label', { timeout }, async () => {
  const badge = await fetch(at('blog.svg?label=plays'));
  assert.match(badge.headers.get('content-type') ?? '', /^image\/svg\+xml/);
  assert.match(await badge.text(), /^<svg .*<title>1 plays, counting<\/title>/);
});

test('shields.io gets exactly what it reads', { timeout }, async () => {
  const shields = await fetch(at('a%2Fb.json?style=shields&label=plays'));
  const wanted = { schemaVersion: 1, label: 'plays', message: '4', color: 'blueviolet' };
  assert.deepEqual(await shields.json(), wanted);
});
