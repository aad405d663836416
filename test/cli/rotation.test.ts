// Following files that are rotated in every way: each line once.
import assert from 'node:assert/strict';
import {
  appendFile,
  copyFile,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { LINGER_MS } from '../../cli/follow/follower.ts';
import { world } from './support/each-world.ts';
import { CSV, counted, csv, FollowRun, followed, HEADER, path } from './support/follow-world.ts';
import { logLine, logLines } from './support/import-world.ts';

describe('rotation', () => {
  test('rename and create: the old file is read to its end, also by a writer that still has it open', async () => {
    const run = await followed(10);
    const writer = await open(path, 'a');
    await writer.appendFile(logLines(5, 10));
    await rename(path, world.path('access.log.1'));
    await run.step();
    await writer.appendFile(logLines(5, 15));
    await run.step();
    await writeFile(path, logLines(5, 20));
    await run.settle();
    await writer.appendFile(logLines(5, 25));
    await writer.close();
    await run.settle();
    assert.equal(counted(), 30);
    world.nowMs += LINGER_MS;
    await run.finish();
    assert.equal(world.door.repeated, 0);
  });

  test('copytruncate: what had not been read is found in the copy', async () => {
    const run = await followed(10);
    await appendFile(path, logLines(5, 10));
    await copyFile(path, world.path('access.log.1'));
    await truncate(path);
    await appendFile(path, logLines(5, 15));
    await run.finish();
    assert.equal(counted(), 20);
    assert.equal(world.door.repeated, 0);
  });

  test('copytruncate that has grown beyond the old size meanwhile, with a hole of zeros', async () => {
    const run = await followed(10);
    await copyFile(path, world.path('access.log.1'));
    await writeFile(path, Buffer.concat([Buffer.alloc(logLines(10).length), Buffer.from(logLines(30, 10))]));
    await run.finish();
    assert.equal(counted(), 40);
  });

  test('copytruncate, and lines with the same end as the last one grow past it', async () => {
    const long = (i: number) => logLine(i).replace('"agent"', `"${'a'.repeat(5_000)}"`);
    await writeFile(path, long(0));
    const run = await FollowRun.start(world, path);
    await run.settle();
    await copyFile(path, world.path('access.log.1'));
    await writeFile(path, long(1) + long(2));
    await run.finish();
    await FollowRun.once(world, path);
    assert.equal(world.door.total, 3);
  });

  test('removal and re-creation', async () => {
    const run = await followed(10);
    await appendFile(path, logLines(5, 10));
    await unlink(path);
    await run.settle();
    await writeFile(path, logLines(5, 15));
    await run.finish();
    assert.equal(counted(), 20);
  });

  test('while nothing followed: the rest of the old file, compressed, and a file that came and went', async () => {
    await writeFile(world.path('access.log.9'), logLines(100, 5000));
    await utimes(world.path('access.log.9'), 1, 1);
    await writeFile(path, logLines(10));
    await FollowRun.once(world, path);
    await appendFile(path, logLines(5, 10));
    await writeFile(world.path('access.log.2.gz'), gzipSync(await readFile(path)));
    await writeFile(world.path('access.log.1'), logLines(5, 15));
    await rm(path);
    await writeFile(path, logLines(5, 20));
    await FollowRun.once(world, path);
    // Not the file rotated before the first follower.
    assert.equal(counted(), 25);
    await FollowRun.once(world, path);
    assert.equal(counted(), 25);
  });

  test('compressed while its first lines wait to be sent, and more were written', async () => {
    await writeFile(path, logLines(1));
    const run = await FollowRun.start(world, path);
    await run.step();
    await appendFile(path, logLines(1, 1));
    await writeFile(`${path}.1.gz`, gzipSync(await readFile(path)));
    await unlink(path);
    await writeFile(path, logLines(1, 2));
    await run.settle();
    world.nowMs += LINGER_MS;
    await run.finish();
    assert.equal(counted(), 3);
  });

  test('compressed before its first lines are sent, and found by another follower', async () => {
    await writeFile(path, logLines(1));
    const run = await FollowRun.start(world, path);
    await run.step();
    await appendFile(path, logLines(7, 1));
    await writeFile(world.path('access.log.1.gz'), gzipSync(await readFile(path)));
    await unlink(path);
    await writeFile(path, logLines(1, 100));
    await FollowRun.once(world, path);
    await run.finish();
    await FollowRun.once(world, path);
    assert.equal(world.door.total, 9);
  });

  test('a file that was rotated before anything of it was read does not wait for the next line', async () => {
    const run = await FollowRun.start(world, path);
    await writeFile(path, '');
    await run.step();
    await appendFile(path, logLines(10));
    await rename(path, world.path('access.log.1'));
    await writeFile(path, '');
    await run.settle();
    assert.equal(counted(), 10);
    await appendFile(path, logLines(10, 10));
    await rename(path, world.path('access.log.2'));
    await run.finish();
    assert.equal(counted(), 20);
  });

  test('a rotated file whose last lines do not count is not read again at each start', async () => {
    const run = await followed(10);
    await appendFile(path, logLine(10, 404));
    await run.settle();
    await rename(path, world.path('access.log.1'));
    await writeFile(path, '');
    await run.settle();
    world.nowMs += LINGER_MS;
    await run.finish();
    const [state = ''] = (await readdir(world.path('.tally-import'))).filter((name) =>
      name.endsWith('.jsonl'),
    );
    // Another import of it would write its state anew.
    const writtenMs = async () => (await stat(world.path(`.tally-import/${state}`))).mtimeMs;
    const before = await writtenMs();
    await FollowRun.once(world, path);
    assert.deepEqual([await writtenMs(), counted()], [before, 10]);
  });

  test('lines that come when a file is done, and an import of them that is stopped before it sends any', async () => {
    const run = await followed(10);
    await rename(path, world.path('access.log.1'));
    await run.settle();
    world.nowMs += LINGER_MS;
    await run.finish();
    await appendFile(world.path('access.log.1'), logLines(5, 10));
    // In one tick of the file system's clock, whose instants are no whole milliseconds.
    const [state] = (await readdir(world.path('.tally-import'))).filter((name) => name.endsWith('.jsonl'));
    for (const name of ['access.log.1', `.tally-import/${state}`])
      await utimes(world.path(name), 1_767_225_600.0007, 1_767_225_600.0007);
    world.stop.abort();
    assert.equal((await world.import(world.path('access.log.1'))).figures.accepted, 0);
    await FollowRun.once(world, path);
    assert.equal(counted(), 15);
  });

  test('a new file that begins like the old one', async () => {
    await writeFile(path, logLine(0) + logLines(5, 1));
    const run = await FollowRun.start(world, path);
    await run.settle();
    await rename(path, world.path('access.log.1'));
    await writeFile(path, logLine(0) + logLines(5, 100));
    await run.finish();
    assert.equal(counted(), 12);
    await FollowRun.once(world, path);
    assert.equal(counted(), 12);
  });

  for (const bytes of [0, 12])
    test(`rotated unread, and ${bytes} bytes of it compressed when the next file is opened`, async () => {
      await writeFile(path, logLines(10));
      await FollowRun.once(world, path);
      await rename(path, world.path('access.log.2'));
      const written = new Date();
      const whole = gzipSync(logLines(10, 100));
      await writeFile(world.path('access.log.1.gz'), whole.subarray(0, bytes));
      await writeFile(path, logLines(10, 200));
      const run = await FollowRun.start(world, path);
      await run.settle();
      await writeFile(world.path('access.log.1.gz'), whole);
      await utimes(world.path('access.log.1.gz'), written, written);
      await rename(path, world.path('access.log.0'));
      await writeFile(path, logLines(10, 300));
      await run.finish();
      await FollowRun.once(world, path);
      assert.equal(world.door.total, 40);
    });
});

describe('rotation while the service is away', () => {
  test('rotated while the service is away: what is not read yet is not forgotten', async () => {
    const back = Promise.withResolvers<void>();
    world.door.script = () => back.promise.then(() => 'ok' as const);
    await writeFile(path, logLines(5000));
    const run = await FollowRun.start(world, path);
    for (let i = 0; i < 5; i += 1) await run.step();
    await appendFile(path, logLines(100, 5000));
    for (let i = 0; i < 3; i += 1) await run.step();
    await rename(path, world.path('access.log.1'));
    await writeFile(path, logLines(10, 6000));
    for (let i = 0; i < 3; i += 1) await run.step();
    world.nowMs += LINGER_MS;
    const stepping = run.step();
    back.resolve();
    await stepping;
    await run.settle();
    world.nowMs += LINGER_MS;
    await run.finish();
    await FollowRun.once(world, path);
    assert.equal(world.door.total, 5110);
  });

  test('written to while its last requests wait for the service', async () => {
    const back = Promise.withResolvers<void>();
    world.door.script = () => back.promise.then(() => 'ok' as const);
    await writeFile(path, logLines(10));
    const run = await FollowRun.start(world, path);
    await run.step();
    world.nowMs += 1_000;
    await run.step();
    await rename(path, world.path('access.log.1'));
    for (let i = 0; i < 3; i += 1) await run.step();
    world.nowMs += LINGER_MS;
    const closing = run.step();
    await delay(100);
    await appendFile(world.path('access.log.1'), logLines(5, 10));
    await delay(100);
    back.resolve();
    await closing;
    await writeFile(path, logLines(5, 100));
    await run.finish();
    await FollowRun.once(world, path);
    assert.equal(world.door.total, 20);
  });
});

describe('files with one header', () => {
  test('a new file that has only the header that the old one had', async () => {
    await writeFile(path, HEADER + csv(50));
    const first = await FollowRun.start(world, path, CSV);
    await first.finish();
    await rename(path, world.path('access.log.1'));
    await writeFile(path, HEADER);
    const run = await FollowRun.start(world, path, CSV);
    await run.settle();
    await appendFile(path, csv(50, 1000));
    await run.finish();
    assert.equal(world.door.total, 100);
  });

  test('a file with the header of one that is done, rotated before it was opened', async () => {
    await writeFile(path, HEADER);
    const first = await FollowRun.start(world, path, CSV);
    await first.step();
    await appendFile(path, csv(50));
    await first.finish();
    await rename(path, world.path('access.log.1'));
    await writeFile(path, HEADER + csv(50, 1000));
    await delay(50);
    // Its start finishes the first file; meanwhile the second is rotated.
    const second = await FollowRun.start(world, path, CSV);
    await rename(world.path('access.log.1'), world.path('access.log.2'));
    await rename(path, world.path('access.log.1'));
    await writeFile(path, HEADER + csv(50, 2000));
    await second.finish();
    const third = await FollowRun.start(world, path, CSV);
    await third.finish();
    assert.equal(world.door.total, 150);
  });

  test('a compressed file like one of which only the header was read, and which is still held', async () => {
    const run = await FollowRun.start(world, path, CSV);
    await writeFile(path, HEADER);
    await run.settle();
    await unlink(path);
    await run.step();
    await writeFile(world.path('access.log.1.gz'), gzipSync(HEADER + csv(10)));
    await delay(50);
    await writeFile(path, HEADER + csv(10, 1000));
    await run.settle();
    world.nowMs += LINGER_MS;
    await run.finish();
    await FollowRun.once(world, path, CSV);
    assert.equal(world.door.total, 20);
  });

  test('two files of which the header was read before their lines: read again, or imported, each counts once', async () => {
    for (const first of [0, 1000]) {
      const run = await FollowRun.start(world, path, CSV);
      await writeFile(path, HEADER);
      await run.settle();
      await appendFile(path, csv(10, first));
      await run.finish();
      if (first === 0) await unlink(path);
    }
    await FollowRun.once(world, path, CSV);
    assert.equal((await world.import(path, CSV)).figures.already, 10);
    assert.equal(world.door.total, 20);
  });

  test('an import waits for a follower that has sent nothing of the file yet', async () => {
    for (const [lines, first] of [
      [0, 0],
      [3, 1000],
    ] as const) {
      await writeFile(path, HEADER + csv(lines, first));
      const run = await FollowRun.start(world, path, CSV);
      await run.step();
      await appendFile(path, csv(10 - lines, first + lines));
      await assert.rejects(world.import(path, CSV), /another import of this file is running/);
      await run.finish();
      assert.equal((await world.import(path, CSV)).figures.already, 10);
      await unlink(path);
    }
    assert.equal(world.door.total, 20);
  });
});
