// Public counters: which counter a path means, and what a badge says.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InvalidQuery } from '../../lambdas/query/invalid-query.ts';
import { badgeLabel, badgeSvg, publicCounterOf } from '../../lambdas/query/public-counter.ts';

test('everything before the last .json or .svg is the entity', () => {
  for (const [name, entity, form] of [
    ['/videos/42.json', '/videos/42', 'json'],
    ['/videos/42.svg', '/videos/42', 'svg'],
    ['a.json.json', 'a.json', 'json'],
    ['a.svg.json', 'a.svg', 'json'],
    ['blog/.svg', 'blog/', 'svg'],
    ['über uns?x=1#y.json', 'über uns?x=1#y', 'json'],
    ['..json', '.', 'json'],
  ] as const) {
    assert.deepEqual(publicCounterOf(name), { entity, form }, name);
  }
  for (const wrong of ['/videos/42', '.json', '.svg', 'a.png', 'a.JSON', `${'x'.repeat(513)}.json`]) {
    assert.throws(() => publicCounterOf(wrong), InvalidQuery, wrong);
  }
});

test('a badge shows the number, its subject, and how complete it is', () => {
  const badge = { label: 'plays', total: 1_204_331n, nowMs: Date.parse('2026-11-29T12:07:00Z') };
  const said = (completeThrough: string | null) =>
    /<title>(.*)<\/title>/.exec(badgeSvg({ ...badge, completeThrough }))?.[1];
  assert.equal(said('2026-11-29T12:06:30.000Z'), '1,204,331 plays, complete to 12:06');
  assert.equal(said('2026-11-28T12:06:30.000Z'), '1,204,331 plays, complete to 2026-11-28 12:06');
  assert.equal(said(null), '1,204,331 plays, counting');
});

test('a label is text, and short', () => {
  assert.equal(badgeLabel(undefined, 'play'), 'play');
  const svg = badgeSvg({ label: '<script>"&', total: 2n ** 63n, completeThrough: null, nowMs: 0 });
  assert.ok(!svg.includes('<script'));
  assert.match(svg, /9,223,372,036,854,775,808 &#60;script&#62;&#34;&#38;/);
  for (const wrong of ['', 'x'.repeat(41), 'a\u0000b']) {
    assert.throws(() => badgeLabel(wrong, 'play'), InvalidQuery);
  }
});
