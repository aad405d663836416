// The benchmark of cold starts runs, and prints sizes and times. Times are not judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { onlyLong } from '../support/long.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/tally.ts', import.meta.url));

test('a function is bundled, started and asked', onlyLong, async () => {
  // It fails if the first event is not handled correctly.
  const args = [PROGRAM, 'bench', 'cold-start', '--rounds', '2', '--only', 'writer'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [row = ''] = stdout.split('\n').filter((line) => line.startsWith('| writer |'));
  const [start = NaN, startGzip = NaN, all = NaN, allGzip = NaN, init = NaN, first = NaN, since = NaN] = row
    .split(' | ')
    .slice(1)
    .map(Number.parseFloat);
  assert.ok(0 < startGzip && startGzip < start && start < all && startGzip < allGzip && allGzip < all, row);
  assert.ok(init > 0 && first > 0 && since > init, row);
});
