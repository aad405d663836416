// Following files that are written to, and followers that are stopped anywhere: each line once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  appendFile,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { FLUSH_MS } from '../../cli/follow/followed-file.ts';
import { CommandError } from '../../cli/shared/errors.ts';
import { FormatError } from '../../formats/reading.ts';
import { runs } from '../support/long.ts';
import { ACCESS_LOGS, DATA, skipOf, trueViews } from '../support/real-logs.ts';
import { world } from './support/each-world.ts';
import { CSV, counted, csv, FollowRun, followed, HEADER, path } from './support/follow-world.ts';
import type { Fault } from './support/front-door.ts';
import { ImportWorld, logLine, logLines } from './support/import-world.ts';

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
    await FollowRun.once(world, path);
    await appendFile(path, logLines(50, 700));
    await FollowRun.once(world, path);
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

describe('a file that something else happened to', () => {
  test('two followers of one file count it once', async () => {
    await writeFile(path, logLines(20));
    const one = await FollowRun.start(world, path);
    await one.settle();
    const two = await FollowRun.start(world, path);
    await two.settle();
    assert.match(two.notes.join(), /is locked/);
    await appendFile(path, logLines(5, 20));
    await one.finish();
    await appendFile(path, logLines(5, 25));
    world.nowMs += 5_000;
    await two.finish();
    assert.equal(world.door.total, 30);
  });

  test('a follower that starts while an import of the file is under way', async () => {
    await writeFile(path, logLines(20));
    const [asked, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    world.door.script = async () => {
      asked.resolve();
      await gate.promise;
      return 'ok' as const;
    };
    const importing = world.import(path);
    await asked.promise;
    const run = await FollowRun.start(world, path);
    const settled = run.settle();
    await delay(200);
    gate.resolve();
    await importing;
    await settled;
    await run.finish();
    assert.equal(world.door.total, 20);
  });

  test('a log that lost its last lines when the machine did is not counted again', async () => {
    await writeFile(path, logLines(1000));
    await FollowRun.once(world, path);
    await truncate(path, logLines(990).length);
    await appendFile(path, logLines(20, 2000));
    await FollowRun.once(world, path).catch(() => {});
    assert.equal(world.door.total, 1000);
  });
});

test('a first line that is longer than the head that identifies a file', async () => {
  const events = Array.from({ length: 2500 }, (_, i) => ({ entity: `e${i}`, at: 1_793_707_200 + i }));
  const line = `${JSON.stringify(events)}\n`;
  await writeFile(path, line.slice(0, 70_000));
  const run = await FollowRun.start(world, path);
  await run.settle();
  await appendFile(path, line.slice(70_000) + line.replaceAll('"e', '"f').slice(0, 10));
  await run.finish();
  assert.equal(counted(), 2500);
  assert.equal((await world.import(path)).figures.already, 2500);
});

test('a missing folder is awaited, also by a follower with saved state', async () => {
  const log = world.path('later/access.log');
  for (const lines of [5, 10]) {
    const run = await FollowRun.start(world, log);
    await run.settle();
    await mkdir(world.path('later'));
    await writeFile(log, logLines(lines));
    await run.finish();
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
  const run = await followed(5);
  assert.equal(run.figures.uncertain, 5);
  assert.match(run.notes.join(), /5 events are uncertain.*--resume-uncertain/);
  await run.close();
});

const PLAIN = { header: '', lines: logLines, format: {} };

/** After so long, a file is tried again that another run had, or one like it. */
const BUSY_MS = 5_000;

/** Ignores that a run refuses a file because of another run, or of what the file has so far. */
function inTheWay(error: unknown): void {
  if (!(error instanceof CommandError || error instanceof FormatError)) throw error;
}

async function inAnyOrder({ header, lines, format }: typeof PLAIN): Promise<void> {
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
    'later',
    'outage',
    'import',
    'import-rotated',
    'another-follower',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: 'max' }), async (steps) => {
      const small = await ImportWorld.open();
      const log = small.path('access.log');
      let [written, half, rotations] = [0, '', 0];
      let run = await FollowRun.start(small, log, format);
      // Together shorter than the dedup window, after which events that may be stored are held.
      const laterMs = Math.min(61_000, 300_000 / steps.filter((one) => one === 'later').length);
      let failing: Fault[] = [];
      small.door.script = () => failing.shift() ?? 'ok';
      const append = async (text: string) => appendFile(log, text);
      const complete = async () => {
        if (half !== '') await append(half);
        half = '';
      };
      try {
        await append(header + lines(1, written++));
        await run.settle();
        for (const what of steps) {
          if (what === 'append') {
            await complete();
            await append(lines(7, written));
            written += 7;
          } else if (what === 'half') {
            await complete();
            const line = lines(1, written++);
            await append(line.slice(0, 8));
            half = line.slice(8);
          } else if (what === 'look') await run.step();
          else if (what === 'later') small.nowMs += laterMs;
          else if (what === 'outage') failing = ['store-reset', 'throttle', 'reset', 'store-503'];
          else if (what === 'import') await small.import(log, format).catch(inTheWay);
          else if (what === 'import-rotated') {
            const rotated = (await readdir(small.path('.'))).find((name) => name.startsWith('access.log.'));
            if (rotated !== undefined) await small.import(small.path(rotated), format).catch(inTheWay);
          } else if (what === 'another-follower') await FollowRun.once(small, log, format);
          else if (what === 'settle') await run.settle();
          else if (what === 'stop' || what === 'kill') {
            await run[what === 'stop' ? 'close' : 'kill']();
            run = await FollowRun.start(small, log, format);
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
              // Lines removed before they are read are lost. A file like one that is still held is tried again after a while.
              await run.settle();
              small.nowMs += BUSY_MS;
              await run.settle();
              await unlink(log);
            }
            await append(header);
            // A file may have its header alone for a while.
            if (header === '' || rotations % 2 === 1) await append(lines(1, written++));
          }
        }
        await complete();
        await run.settle();
        small.nowMs += BUSY_MS;
        await run.finish();
        await FollowRun.once(small, log, format);
        const minutes = [...small.door.counts.values()].reduce((sum, n) => sum + n, 0);
        assert.equal(minutes, written, `${steps.join(' ')}`);
      } finally {
        await small.close();
      }
    }),
    { numRuns: runs(60) },
  );
}

test('any order of writes, rotations and stops: each line once', () => inAnyOrder(PLAIN));
test('any order, each file with a header: each line once', () =>
  inAnyOrder({ header: HEADER, lines: csv, format: CSV }));

/** The lines at a file's beginning that name its columns: a server writes them into each new file. */
function columnsOf(bytes: Buffer): Buffer {
  let end = 0;
  while (bytes[end] === 0x23) end = bytes.indexOf(10, end) + 1;
  return bytes.subarray(0, end);
}

for (const [truth, file] of ACCESS_LOGS) {
  test(`${truth}, written in pieces with rotations: every view equals the truth`, {
    skip: skipOf(truth),
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
    await run.finish();
    assert.deepEqual(world.viewsCounted(), await trueViews(truth));
  });
}
