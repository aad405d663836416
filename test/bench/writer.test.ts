// The benchmark of the writer runs: calls and counts are those that they must be, and every figure is one. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bench/writer.ts', import.meta.url));
/** More segments than one update may name. */
const SIZE = ['--segments', '60', '--counters', '3', '--events-per-row', '2', '--latency-ms', '1'];

/** The cells of both tables. */
let rows: readonly (readonly string[])[] = [];

before(async () => {
  // It ends with an error when a call, a count or an acknowledgement is not what it must be.
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--rounds', '1', ...SIZE]);
  const lines = stdout.split('\n').filter((line) => /^\| \d/.test(line));
  rows = lines.map((line) => line.slice(2, -2).split(' | '));
});

test('messages meet in updates by the batch, and 50 at the most', () => {
  assert.deepEqual(
    rows.filter(({ length }) => length === 10).map((cells) => cells.slice(0, 4)),
    [
      ['1', 'new', '180 + 60', '1'],
      ['1', 'applied already', '180 + 60', '1'],
      ['10', 'new', '18 + 60', '10'],
      ['10', 'applied already', '18 + 60', '10'],
      ['60', 'new', '6 + 60', '30'],
      ['60', 'applied already', '6 + 60', '30'],
    ],
  );
});

test('as many updates at once as the writer has are among those tried', () => {
  assert.deepEqual(
    rows.filter(({ length }) => length === 5).map(([atOnce]) => Number(atOnce)),
    [1, 4, 8, 16, 32, 64, 128],
  );
});

test('every figure is one, with its least and its most', () => {
  for (const cells of rows) {
    for (const cell of cells.slice(cells.length === 10 ? 4 : 1)) {
      const match = /^([\d.,]+) \(([\d.,]+)–([\d.,]+)\)$/.exec(cell);
      const [median = NaN, least = NaN, most = NaN] = (match ?? [])
        .slice(1)
        .map((text) => Number(text.replaceAll(',', '')));
      assert.ok(0 < least && least <= median && median <= most, cell);
    }
  }
});
