// The benchmark end to end runs: every system in every mode, and every counter as sent. Times are not judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findRedis } from '../../bench/end-to-end/redis.ts';
import { onlyLong } from '../support/long.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/tally.ts', import.meta.url));
const RIVALS = ['UpdateItem an event', ...(findRedis() === undefined ? [] : ['Redis INCRBY an event'])];
const MODES = [
  ...['1 a request', '100 a request', '100 a request, as a batch'].map((mode) => ['Tally', mode]),
  ...RIVALS.flatMap((rival) => ['1 a request', '100 a request'].map((mode) => [rival, mode])),
];

test('every system is measured in every mode, and counts what was sent', onlyLong, async () => {
  // It fails if a counter differs from what was sent.
  const args = ['--rates', '200', '--seconds', '1', '--rounds', '1', '--events', '200', '--entities', '50'];
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, 'bench', 'end-to-end', ...args]);
  const [fullSpeed = [], rising = []] = stdout
    .split('\n\n')
    .filter((block) => block.startsWith('| '))
    .map((block) => block.trim().split('\n').slice(2).map(cellsOf));
  assert.deepEqual(
    fullSpeed.map((row) => row.slice(0, 3)),
    [
      ...MODES.map((mode) => ['50, Zipf 1', ...mode]),
      ...['one', 'as many as events'].flatMap((entities) =>
        ['Tally', ...RIVALS].map((system) => [entities, system, '100 a request']),
      ),
    ],
  );
  for (const [, system, , taken = '', counted = '', times] of fullSpeed) {
    assert.ok(
      Number.parseFloat(taken) > 0 && Number.parseFloat(counted) > 0,
      `${system}: ${taken}, ${counted}`,
    );
    if (system === 'UpdateItem an event') assert.equal(times, '1.00');
  }
  assert.deepEqual(
    rising.map((row) => row.slice(0, 3)),
    MODES.map((mode) => [...mode, '200']),
  );
  for (const system of ['Tally', ...RIVALS]) assert.match(stdout, new RegExp(`${system}: \\d+ counters and`));
});

function cellsOf(row: string): string[] {
  return row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
}
