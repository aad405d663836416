// One small world explored to its end, and what an exploration sees when a protocol is broken.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { search } from '../../simulation/explore/search.ts';
import type { SmallWorld } from '../../simulation/explore/small-world.ts';
import { SMALL_WORLDS } from '../../simulation/explore/worlds.ts';

test('a writer that fails, redrive, crashes: every history keeps every promise', async (t) => {
  const world = SMALL_WORLDS.find(({ name }) => name.includes('redrive')) as SmallWorld;
  const small = { ...world, writers: 2, redrivers: 1, errors: 1 };
  const { histories, states, violation } = await search(small);
  t.diagnostic(`${histories} histories in ${states} states`);
  assert.equal(violation, undefined, JSON.stringify(violation));
  assert.ok(histories > 100n);
});
