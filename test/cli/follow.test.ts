// Following files that are written to, rotated in every way, and followers that are stopped anywhere: each line once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { runs } from '../support/long.ts';
import { ABSENT, ACCESS_LOGS, DATA, trueViews } from '../support/real-logs.ts';
import { FLUSH_MS, FollowRun, LINGER_MS } from './support/follow-world.ts';
import { ImportWorld, logLine, logLines } from './support/import-world.ts';

let world: ImportWorld;
let path: string;

beforeEach(async () => {
  world = await ImportWorld.open();
  path = world.path('access.log');
});

afterEach(() => world.close());

/** All lines counted so far, each as often as it was stored. */
const counted = () => [...world.door.stored.values()].reduce((sum, times) => sum + times, 0);

describe('a file that grows', () => {
  test('is awaited, and read as it grows; half a line is not counted', async () => {
    const run = await FollowRun.start(world, path);
    await run.settle();
    await writeFile(path, logLines(3) + logLine(3).slice(0, 40));
    await run.settle();
    assert.equal(counted(), 3);
    await appendFile(path, logLine(3).slice(40) + logLine(4));
    await run.settle();
    assert.equal(counted(), 5);
    assert.equal(run.figures.malformed, 0);
    await run.close();
  });

  test('an event waits for others for less than a second, and not at all when a batch is full', async () => {
    await writeFile(path, logLines(10));
    const run = await FollowRun.start(world, path);
    await run.step();
    assert.equal(world.door.requests, 0);
    world.nowMs += FLUSH_MS;
    await run.step();
    await run.settle();
    assert.equal(world.door.requests, 1);
    await appendFile(path, logLines(1000, 10));
    await run.step();
    await run.settle();
    assert.ok(world.door.requests <= 4);
    assert.equal(counted(), 1010);
    assert.ok(FLUSH_MS < 1000);
    await run.close();
  });

  test('continues after a stop, and an import of the same file has nothing to do', async () => {
    await writeFile(path, logLines(700));
    const first = await FollowRun.start(world, path);
    await first.settle();
    await first.close();
    await appendFile(path, logLines(50, 700));
    const second = await FollowRun.start(world, path);
    await second.settle();
    await second.close();
    assert.equal(counted(), 750);
    assert.equal((await world.import(path)).figures.already, 750);
  });

  test('is read only as fast as the service accepts', async () => {
    await writeFile(path, logLines(20_000));
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    world.door.script = async (): Promise<'ok'> => {
      await held;
      return 'ok';
    };
    const run = await FollowRun.start(world, path);
    for (let i = 0; i < 20; i += 1) await run.step();
    assert.ok(run.figures.lines < 10_000, `${run.figures.lines} lines were read`);
    release();
    await run.settle();
    assert.equal(counted(), 20_000);
    await run.close();
  });
});

test('a missing folder is awaited, also by a follower with saved state', async () => {
  const log = world.path('later/access.log');
  for (const lines of [5, 10]) {
    const run = await FollowRun.start(world, log);
    await run.settle();
    await mkdir(world.path('later'));
    await writeFile(log, logLines(lines));
    await run.settle();
    await run.close();
    await rm(world.path('later'), { recursive: true });
  }
  assert.ok(counted() >= 10);
});

test('events that are held as uncertain are reported at once', async () => {
  const from = world.nowMs;
  world.door.script = (request) => {
    if (request === 0) return 'store-reset';
    return world.nowMs - from > 11 * 60_000 ? 'ok' : 'reset';
  };
  await writeFile(path, logLines(5));
  const run = await FollowRun.start(world, path);
  await run.settle();
  assert.equal(run.figures.uncertain, 5);
  assert.match(run.notes.join(), /5 events are uncertain.*--resume-uncertain/);
  await run.close();
});

describe('rotation', () => {
  test('rename and create: the old file is read to its end, also by a writer that still has it open', async () => {
    await writeFile(path, logLines(10));
    const run = await FollowRun.start(world, path);
    await run.settle();
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
    await run.settle();
    await run.close();
    assert.equal(world.door.repeated, 0);
  });

  test('copytruncate: what had not been read is found in the copy', async () => {
    await writeFile(path, logLines(10));
    const run = await FollowRun.start(world, path);
    await run.settle();
    await appendFile(path, logLines(5, 10));
    await copyFile(path, world.path('access.log.1'));
    await truncate(path);
    await appendFile(path, logLines(5, 15));
    await run.settle();
    await run.close();
    assert.equal(counted(), 20);
    assert.equal(world.door.repeated, 0);
  });

  test('copytruncate that has grown beyond the old size meanwhile, with a hole of zeros', async () => {
    await writeFile(path, logLines(10));
    const run = await FollowRun.start(world, path);
    await run.settle();
    await copyFile(path, world.path('access.log.1'));
    await writeFile(path, Buffer.concat([Buffer.alloc(logLines(10).length), Buffer.from(logLines(30, 10))]));
    await run.settle();
    await run.close();
    assert.equal(counted(), 40);
  });

  test('removal and re-creation', async () => {
    await writeFile(path, logLines(10));
    const run = await FollowRun.start(world, path);
    await run.settle();
    await appendFile(path, logLines(5, 10));
    await unlink(path);
    await run.settle();
    await writeFile(path, logLines(5, 15));
    await run.settle();
    await run.close();
    assert.equal(counted(), 20);
  });

  test('while nothing followed: the rest of the old file, compressed, and a file that came and went', async () => {
    await writeFile(world.path('access.log.9'), logLines(100, 5000));
    await utimes(world.path('access.log.9'), 1, 1);
    await writeFile(path, logLines(10));
    const first = await FollowRun.start(world, path);
    await first.settle();
    await first.close();
    await appendFile(path, logLines(5, 10));
    await writeFile(world.path('access.log.2.gz'), gzipSync(await readFile(path)));
    await writeFile(world.path('access.log.1'), logLines(5, 15));
    await rm(path);
    await writeFile(path, logLines(5, 20));
    const second = await FollowRun.start(world, path);
    await second.settle();
    await second.close();
    // Not the file rotated before the first follower.
    assert.equal(counted(), 25);
    const third = await FollowRun.start(world, path);
    await third.settle();
    await third.close();
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
    await run.settle();
    await run.close();
    assert.equal(counted(), 3);
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
    await run.settle();
    await run.close();
    assert.equal(counted(), 20);
  });

  test('a new file that begins like the old one', async () => {
    await writeFile(path, logLine(0) + logLines(5, 1));
    const run = await FollowRun.start(world, path);
    await run.settle();
    await rename(path, world.path('access.log.1'));
    await writeFile(path, logLine(0) + logLines(5, 100));
    await run.settle();
    await run.close();
    assert.equal(counted(), 12);
    const again = await FollowRun.start(world, path);
    await again.settle();
    await again.close();
    assert.equal(counted(), 12);
  });
});

test('any order of writes, rotations and stops: each line once', async () => {
  const step = fc.constantFrom(
    'append',
    'half',
    'rename',
    'copytruncate',
    'recreate',
    'gzip',
    'look',
    'settle',
    'stop',
    'kill',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const small = await ImportWorld.open();
      const log = small.path('access.log');
      let [written, half, rotations] = [0, '', 0];
      let run = await FollowRun.start(small, log);
      const append = async (text: string) => appendFile(log, text);
      const complete = async () => {
        if (half !== '') await append(half);
        half = '';
      };
      try {
        await append(logLine(written++));
        await run.settle();
        for (const what of steps) {
          if (what === 'append') {
            await complete();
            await append(logLines(7, written));
            written += 7;
          } else if (what === 'half') {
            await complete();
            const line = logLine(written++);
            await append(line.slice(0, 30));
            half = line.slice(30);
          } else if (what === 'look') await run.step();
          else if (what === 'settle') await run.settle();
          else if (what === 'stop' || what === 'kill') {
            await run[what === 'stop' ? 'close' : 'kill']();
            run = await FollowRun.start(small, log);
          } else {
            await complete();
            rotations += 1;
            const rotated = `${log}.${rotations}`;
            if (what === 'rename') await rename(log, rotated);
            else if (what === 'copytruncate') {
              await copyFile(log, rotated);
              await truncate(log);
            } else if (what === 'gzip') {
              await writeFile(`${rotated}.gz`, gzipSync(await readFile(log)));
              await unlink(log);
            } else {
              // Lines removed before they are read are lost.
              await run.settle();
              await unlink(log);
            }
            await append(logLine(written++));
          }
        }
        await complete();
        await run.settle();
        await run.close();
        run = await FollowRun.start(small, log);
        await run.settle();
        await run.close();
        const minutes = [...small.door.counts.values()].reduce((sum, n) => sum + n, 0);
        assert.equal(minutes, written, `${steps.join(' ')}`);
      } finally {
        await small.close();
      }
    }),
    { numRuns: runs(60) },
  );
});

/** The lines at a file's beginning that name its columns: a server writes them into each new file. */
function columnsOf(bytes: Buffer): Buffer {
  let end = 0;
  while (bytes[end] === 0x23) end = bytes.indexOf(10, end) + 1;
  return bytes.subarray(0, end);
}

for (const [truth, file] of ACCESS_LOGS) {
  test(`${truth}, written in pieces with rotations: every view equals the truth`, {
    skip: ABSENT,
  }, async () => {
    const bytes = gunzipSync(readFileSync(`${DATA}${file}`));
    const columns = columnsOf(bytes);
    const run = await FollowRun.start(world, path);
    const pieces = 7;
    for (let i = 0; i < pieces; i += 1) {
      const cut = (part: number) => Math.floor((bytes.length * part) / pieces);
      await appendFile(path, bytes.subarray(cut(i), cut(i + 1)));
      if (i % 2 === 0) await run.step();
      else {
        // Between two lines, as servers do: the written half moves to the new file.
        const whole = await readFile(path);
        const last = whole.lastIndexOf(10) + 1;
        await truncate(path, last);
        await rename(path, `${path}.${i}`);
        await writeFile(path, Buffer.concat([columns, whole.subarray(last)]));
      }
    }
    if (bytes.at(-1) !== 10) await appendFile(path, '\n');
    await run.settle();
    await run.close();
    assert.deepEqual(world.viewsCounted(), await trueViews(truth));
  });
}
