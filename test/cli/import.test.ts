// Importing in this process: once, again, grown, renamed, changed, and where the state is kept.

import assert from 'node:assert/strict';
import { chmod, mkdir, rename, stat, symlink, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { rejectsFile } from '../../cli/import/rejects.ts';
import { ACCESS_LOGS, DATA, skipOf, trueViews } from '../support/real-logs.ts';
import { world } from './support/each-world.ts';
import type { Fault } from './support/front-door.ts';
import { ImportWorld, logLine, logLines } from './support/import-world.ts';

test('a file is imported once; the figures add up', async () => {
  const path = await world.write('a.log', `${logLines(1200)}rubbish\n${logLine(1, 404)}`);
  const { figures, rejects } = await world.import(path);
  assert.equal(figures.lines, 1202);
  assert.equal(figures.accepted, 1200);
  assert.equal(figures.malformed, 1);
  assert.equal(figures.skipped, 1);
  assert.equal(figures.requests, 3);
  assert.equal(world.door.stored.size, 1200);
  assert.equal(world.door.counts.get(`view /page/1 ${Date.parse('2026-01-01T00:00:00Z') / 1000}`), 9);
  assert.deepEqual(
    rejects.map(({ lineNumber, kind, raw }) => [lineNumber, kind, raw.toString()]),
    [[1201, 'malformed', 'rubbish']],
  );
});

describe('importing again changes nothing, weeks later', () => {
  const again = async (path: string) => {
    world.nowMs += 21 * 86_400_000;
    const requests = world.door.requests;
    const result = await world.import(path);
    assert.equal(world.door.requests, requests);
    return result;
  };

  test('the same file, renamed, compressed', async () => {
    const text = logLines(700);
    const path = await world.write('a.log', text);
    await world.import(path);
    assert.equal((await again(path)).figures.already, 700);
    await rename(path, world.path('b.log'));
    assert.equal((await again(world.path('b.log'))).figures.already, 700);
    await unlink(world.path('b.log'));
    assert.equal((await again(await world.write('c.gz', gzipSync(text)))).figures.already, 700);
    // A gzip file of several members, as log rotation creates by appending.
    const members = Buffer.concat([gzipSync(text.slice(0, 1000)), gzipSync(text.slice(1000))]);
    assert.equal((await again(await world.write('d.gz', members))).figures.already, 700);
  });

  for (const [name, count] of [
    ['shorter than the head that identifies it', 10],
    ['longer than that', 2000],
  ] as const) {
    test(`a file that has grown, ${name}`, async () => {
      const path = await world.write('a.log', logLines(count));
      await world.import(path);
      await world.write('a.log', logLines(count + 50));
      world.nowMs += 86_400_000;
      const { figures } = await world.import(path);
      assert.deepEqual([figures.already, figures.accepted], [count, 50]);
      assert.equal(world.door.stored.size, count + 50);
      assert.equal(world.door.repeated, 0);
      await world.write('a.log', logLines(count + 50, 0) + logLines(5, 9000));
      assert.equal((await world.import(path)).figures.accepted, 5);
    });
  }

  test('a last line that was only half written is imported when it is whole', async () => {
    const path = await world.write('a.log', logLines(3) + logLine(3).slice(0, 40));
    assert.equal((await world.import(path)).figures.malformed, 1);
    await world.write('a.log', logLines(4));
    const { figures } = await world.import(path);
    assert.deepEqual([figures.already, figures.accepted, figures.malformed], [3, 1, 0]);
  });

  test('a last line without a line end is one line, also when that comes later', async () => {
    const path = await world.write('a.log', logLines(3).trimEnd());
    assert.equal((await world.import(path)).figures.accepted, 3);
    await world.write('a.log', logLines(4));
    const { figures } = await world.import(path);
    assert.deepEqual([figures.already, figures.accepted], [3, 1]);
  });
});

describe('a file that is a prefix of an imported one', () => {
  for (const [name, count] of [
    ['small', 10],
    ['larger than the head', 2000],
  ] as const) {
    test(`noon, evening, and both again, in any order: ${name}`, async () => {
      const noon = await world.write('noon.log', logLines(count));
      const evening = await world.write('evening.log', logLines(count + 50));
      await world.import(noon);
      await world.import(evening);
      world.nowMs += 86_400_000;
      assert.equal((await world.import(noon)).figures.already, count);
      assert.equal((await world.import(evening)).figures.already, count + 50);
      assert.equal(world.door.stored.size, count + 50);
    });

    test(`the longer one first: ${name}`, async () => {
      await world.import(await world.write('evening.log', logLines(count + 50)));
      const { figures } = await world.import(await world.write('noon.log', logLines(count)));
      assert.deepEqual([figures.already, figures.accepted], [count, 0]);
    });
  }
});

test('a lost journal changes nothing: the same batches come again under the same keys', async () => {
  const path = await world.write('a.log', logLines(1300));
  await world.import(path, { state: world.path('one') });
  const ids = [...world.door.stored.keys()];
  await world.import(path, { state: world.path('two') });
  assert.deepEqual([...world.door.stored.keys()], ids);
  await world.write('a.log', logLines(1400));
  await world.import(path, { state: world.path('three') });
  assert.equal(world.door.stored.size, 1400);
});

test('a service is identified by its id, not by its address', async () => {
  const path = await world.write('a.log', logLines(10));
  await world.import(path, { service: 'Tally-prod/1' });
  const { figures } = await world.import(path, {
    service: 'Tally-prod/1',
    url: world.door.url.replace('127.0.0.1', 'localhost'),
  });
  assert.deepEqual([figures.already, figures.accepted], [10, 0]);
});

test('a line with many objects is one record, in as many requests as it takes', async () => {
  const events = Array.from({ length: 1200 }, (_, i) => ({ entity: `e${i}`, at: 1_793_707_200 }));
  const path = await world.write('a.json', `${JSON.stringify(events)}\n${JSON.stringify(events[0])}\n`);
  const { figures } = await world.import(path);
  assert.deepEqual([figures.lines, figures.accepted], [2, 1201]);
  assert.equal((await world.import(path)).figures.already, 1201);
});

test('a first line that is longer than what tells the format is read; one of more than 1 MiB is refused', async () => {
  const events = Array.from({ length: 8000 }, (_, i) => ({ entity: `e${i}`, at: 1_793_707_200 + i }));
  const path = await world.write('a.json', `${JSON.stringify(events)}\n`);
  assert.equal((await world.import(path)).figures.accepted, 8000);
  const longer = await world.write('b.json', JSON.stringify([...events, ...events, ...events, ...events]));
  await assert.rejects(world.import(longer), /format is not recognised/);
});

test('malformed objects on a line with several are each counted and reported', async () => {
  const good = { entity: 'a', at: 1_793_707_200 };
  const path = await world.write('a.json', `${JSON.stringify([good, { x: 1 }, { x: 2 }, good])}\n`);
  const { figures, rejects } = await world.import(path);
  assert.deepEqual([figures.lines, figures.accepted, figures.malformed, rejects.length], [1, 2, 2, 2]);
});

test('zero bytes before the first line, however many; files with such holes stay apart', async () => {
  const hole = Buffer.alloc(2 ** 20);
  const path = await world.write('a.log', Buffer.concat([hole, Buffer.from(logLines(7))]));
  assert.equal((await world.import(path)).figures.accepted, 7);
  assert.equal((await world.import(path)).figures.already, 7);
  const other = await world.write('b.log', Buffer.concat([hole, Buffer.from(logLines(5, 700))]));
  assert.equal((await world.import(other)).figures.accepted, 5);
});

test('nothing to do: an empty file, blank lines, gzip of nothing', async () => {
  for (const content of ['', '\n\n', gzipSync('')]) {
    const { plan, figures } = await world.import(await world.write('a.log', content));
    assert.deepEqual([plan, figures.accepted], [undefined, 0]);
  }
});

describe('containers', () => {
  const zeros = Buffer.alloc(3000);
  const [one, two] = [gzipSync(logLines(5)), gzipSync(logLines(5, 5))];

  test('zeros between and after gzip members are padding', async () => {
    const path = await world.write('a.gz', Buffer.concat([one, zeros, two, zeros]));
    assert.equal((await world.import(path)).figures.accepted, 10);
  });

  test('something else after a member ends the import', async () => {
    const path = await world.write('a.gz', Buffer.concat([one, zeros, Buffer.from('garbage')]));
    await assert.rejects(world.import(path), /data that is not gzip follows/);
  });

  for (const [name, bytes] of [
    ['a tar archive', Buffer.from(`${'a.log'.padEnd(257, '\0')}ustar\0`)],
    ['compressed with lz4', Buffer.from('04224d18', 'hex')],
    ['compressed with zstd', Buffer.from('502a4d18', 'hex')],
    ['a zip archive', Buffer.from('504b0304', 'hex')],
    ['UTF-16 text', Buffer.from('fffe61006200', 'hex')],
  ] as const) {
    test(`${name} is refused`, async () => {
      await assert.rejects(world.import(await world.write('a', bytes)), new RegExp(`is ${name}`));
      if (name.includes('tar'))
        await assert.rejects(world.import(await world.write('b', gzipSync(bytes))), /is a tar archive/);
    });
  }
});

test('gzip within gzip is refused', async () => {
  const path = await world.write('a.gz', gzipSync(gzipSync(logLines(5))));
  await assert.rejects(world.import(path), /is gzip within gzip: unpack it once first/);
});

describe('different sources stay apart', () => {
  test('files, also where one begins like the other', async () => {
    await world.import(await world.write('a.log', logLines(100)));
    await world.import(await world.write('b.log', logLines(100, 500)));
    await world.import(await world.write('c.log', logLines(50) + logLines(50, 800)));
    assert.equal(world.door.stored.size, 300);
    assert.equal(world.door.repeated, 0);
  });

  test('a changed file is refused, before anything is sent', async () => {
    const path = await world.write('a.log', logLines(2000));
    await world.import(path);
    const requests = world.door.requests;
    await world.write('a.log', logLines(1500) + logLines(500, 5000));
    await assert.rejects(world.import(path), /begins like .* --label/);
    assert.equal(world.door.requests, requests);
    await world.write('a.log', logLines(1500));
    assert.equal((await world.import(path, { label: 'other' })).figures.accepted, 1500);
  });

  test('metrics and services', async () => {
    const path = await world.write('a.log', logLines(10));
    await world.import(path);
    assert.equal((await world.import(path, { metric: 'hit' })).figures.accepted, 10);
    assert.equal(world.door.stored.size, 20);
    const other = await ImportWorld.open();
    try {
      assert.equal(
        (await world.import(path, { url: other.door.url, service: 'other' })).figures.accepted,
        10,
      );
    } finally {
      await other.close();
    }
  });

  test('other options for the same metric are refused', async () => {
    const path = await world.write('a.log', logLines(10));
    await world.import(path);
    await assert.rejects(
      world.import(path, { where: ['status=*'] }),
      /other options: where was \["method=GET","status=200"\] and is now \["method=GET","status=\*"\]/,
    );
    assert.equal((await world.import(path, { where: ['status=*'], metric: 'hit' })).figures.accepted, 10);
    assert.equal((await world.import(path, { format: 'combined' })).figures.already, 10);
  });

  test('--forget starts over', async () => {
    const path = await world.write('a.log', logLines(10));
    await world.import(path);
    assert.equal((await world.import(path, { forget: true })).figures.accepted, 10);
    assert.equal((await world.import(path)).figures.already, 10);
  });
});

describe('where the state is kept', () => {
  test('beside the file, or in the given folder', async () => {
    const path = await world.write('a.log', logLines(5));
    await world.import(path, { state: world.path('elsewhere') });
    assert.equal((await world.import(path)).figures.accepted, 5);
    assert.equal((await world.import(path, { state: world.path('elsewhere') })).figures.already, 5);
  });

  test('in the user’s state home where the folder is write-protected', async () => {
    const folder = world.path('protected');
    try {
      await mkdir(folder);
      await writeFile(join(folder, 'a.log'), logLines(5));
      await chmod(folder, 0o555);
      const { notes } = await world.import(join(folder, 'a.log'));
      assert.match(notes[0] ?? '', /home\/tally\/import\/.* since the file's folder cannot be written to/);
      assert.equal((await world.import(join(folder, 'a.log'))).figures.already, 5);
    } finally {
      await chmod(folder, 0o755);
    }
  });

  test('two imports of one file at once: the second is refused', async () => {
    const path = await world.write('a.log', logLines(5));
    let second: Promise<unknown> | undefined;
    world.door.script = async (): Promise<Fault> => {
      second ??= assert.rejects(world.import(path), /another import of this file is running/);
      await second;
      return 'ok';
    };
    assert.equal((await world.import(path)).figures.accepted, 5);
    assert.ok(second);
  });

  test('--dry-run sends and keeps nothing', async () => {
    const path = await world.write('a.log', logLines(5));
    assert.equal((await world.import(path, { dryRun: true })).figures.unsent, 5);
    assert.equal(world.door.requests, 0);
    assert.equal((await world.import(path)).figures.accepted, 5);
  });
});

test('a truncated gzip file: its readable part is imported, and the rest once it is complete', async () => {
  const whole = gzipSync(Buffer.from(logLines(5000)));
  const path = await world.write('a.gz', whole.subarray(0, whole.length - 5000));
  await assert.rejects(world.import(path), /cut off/);
  const first = world.door.stored.size;
  assert.ok(first > 0 && first < 5000);
  await world.write('a.gz', whole);
  const { figures } = await world.import(path);
  assert.deepEqual([figures.already, figures.accepted], [first, 5000 - first]);
  assert.equal(world.door.repeated, 0);
});

for (const [truth, file] of ACCESS_LOGS) {
  test(`${truth}, imported: every view equals the truth`, { skip: skipOf(truth) }, async () => {
    await world.import(`${DATA}${file}`, { state: world.path('state') });
    assert.deepEqual(world.viewsCounted(), await trueViews(truth));
  });
}

test('rejects are not written over the log', async () => {
  const log = await world.write('a.log', logLines(3));
  await assert.rejects(rejectsFile(log, [log]), /would overwrite/);
  const [link, later] = [world.path('link'), world.path('later.log')];
  await symlink(log, link);
  await assert.rejects(rejectsFile(link, [log]), /would overwrite/);
  await assert.rejects(rejectsFile(later, [later]), /would overwrite/);
  assert.equal((await stat(log)).size, logLines(3).length);
});
