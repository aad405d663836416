// Loading on demand: once for all concurrent callers, and again after a failure.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lazily } from '../../lambdas/aws/lazily.ts';

test('nothing is loaded before its first use, and then only once', async () => {
  let loads = 0;
  const get = lazily(async () => {
    loads += 1;
    return { loads };
  });
  assert.equal(loads, 0);
  const [one, other] = await Promise.all([get(), get()]);
  assert.equal(one, other);
  assert.equal(await get(), one);
  assert.equal(loads, 1);
});

test('a failed load is retried', async () => {
  let loads = 0;
  const get = lazily(async () => {
    loads += 1;
    if (loads === 1) throw new Error('no such file');
    return loads;
  });
  const both = await Promise.allSettled([get(), get()]);
  assert.deepEqual(
    both.map(({ status }) => status),
    ['rejected', 'rejected'],
  );
  assert.equal(await get(), 2);
});
