// The benchmark of cold starts runs: sizes, packages, and times of something that happened. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bench/cold-start.ts', import.meta.url));

test('a function is bundled, started and asked, beside an empty process and its floor', async () => {
  // It ends with an error when the first event is not handled as it should be.
  const args = [PROGRAM, '--rounds', '2', '--only', 'writer'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const rows = stdout.split('\n').filter((line) => line.startsWith('| writer |'));
  const [sizes = [], times = []] = rows.map((row) => row.split(' | '));
  assert.equal(rows.length, 2);
  const [start = NaN, startGzip = NaN, all = NaN, allGzip = NaN] = sizes.slice(1, 5).map(Number);
  assert.ok(
    0 < startGzip && startGzip < start && start < all && startGzip < allGzip && allGzip < all,
    rows[0],
  );
  assert.equal(sizes[5]?.split(', ').length, 10);
  assert.match(sizes[5] ?? '', /@smithy\/core \d+\.\d/);
  const [init = NaN, first = NaN, sinceStart = NaN] = times.slice(1, 4).map(Number.parseFloat);
  assert.ok(init > 0 && first > 0 && sinceStart > init, rows[1]);
  assert.match(times[4] ?? '', /^dynamo-db, sqs \(\d+ kB\)$/);
});
