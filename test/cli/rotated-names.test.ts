// What a file is called once it is rotated: a restarted follower reads its rest, and no other log.
import assert from 'node:assert/strict';
import { appendFile, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { LINGER_MS } from '../../cli/follow/follower.ts';
import { world } from './support/each-world.ts';
import { counted, FollowRun, followed, path } from './support/follow-world.ts';
import { logLines } from './support/import-world.ts';

for (const name of [
  'access.log.1',
  'access.log-20261203',
  'access-20261203.log',
  'access-2026-12-03T05-21-35.405.log',
  'access.2026-12-03.log',
  'access-20261203-05.1.log',
])
  for (const suffix of ['', '.gz'])
    test(`rotated to ${name}${suffix} while nothing followed`, async () => {
      await (await followed(10)).finish();
      await appendFile(path, logLines(2, 10));
      const rotated = world.path(`${name}${suffix}`);
      if (suffix === '') await rename(path, rotated);
      else {
        await writeFile(rotated, gzipSync(await readFile(path)));
        await rm(path);
      }
      await writeFile(path, logLines(3, 20));
      for (const other of ['access-api.log', 'access-api-20261203.log', 'access-20261203-api.log'])
        await writeFile(world.path(`${other}${suffix}`), logLines(5, 100));
      await FollowRun.once(world, path);
      assert.equal(counted(), 15);
      await FollowRun.once(world, path);
      assert.equal(world.door.total, 15);
    });

test('a name without an extension, and one with signs that a pattern reads otherwise', async () => {
  for (const [own, rotated, other] of [
    ['log+(1)', 'log+(1)-20261203', 'logg1-20261203'],
    ['a+b.log', 'a+b-20261203.log', 'aab-20261203.log'],
  ] as const) {
    const before = counted();
    await writeFile(world.path(own), logLines(1, before));
    await FollowRun.once(world, world.path(own));
    await appendFile(world.path(own), logLines(1, before + 1));
    await rename(world.path(own), world.path(rotated));
    await writeFile(world.path(other), logLines(1, 100));
    await FollowRun.once(world, world.path(own));
    assert.equal(counted(), before + 2);
  }
});

test('the path is a link to the dated file that is written: it is not rotated yet', async () => {
  const [first, second] = [world.path('access-20261203.log'), world.path('access-20261204.log')];
  await writeFile(first, logLines(10));
  await symlink(first, path);
  const run = await FollowRun.start(world, path);
  await run.settle();
  await writeFile(second, logLines(5, 20));
  await rm(path);
  await symlink(second, path);
  await appendFile(first, logLines(5, 10));
  await run.settle();
  world.nowMs += LINGER_MS;
  await run.finish();
  await appendFile(second, logLines(5, 25));
  const again = await FollowRun.start(world, path);
  await again.settle();
  await again.finish();
  assert.deepEqual([counted(), world.door.total, run.notes, again.notes], [25, 25, [], []]);
});
