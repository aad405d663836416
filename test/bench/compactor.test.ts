// The benchmark of the compactor runs: what it counts is checked by itself, and gives figures. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bench/compactor.ts', import.meta.url));
const SIZES = { entities: 60, segments: 6, events: 50, shards: 2, held: 1_000, rounds: 1 };

let method = '';
/** The table's cells. */
let rows: readonly (readonly string[])[] = [];

before(async () => {
  // It ends with an error when a counter is recomputed twice, or a sum is not the expected one.
  const options = Object.entries(SIZES).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, ...options]);
  method = stdout.slice(0, stdout.indexOf('| what'));
  const lines = stdout.split('\n').filter((line) => line.startsWith('| '));
  rows = lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
});

test('looking and recomputing, in one pass and in several', () => {
  const touched = Number(/: (\d+) touched hours/.exec(method)?.[1]);
  const distinct = Number(/touched hours of (\d+)/.exec(method)?.[1]);
  assert.ok(distinct > 20 && distinct <= SIZES.entities && distinct < touched);
  const [, , once, passes] = rows;
  assert.deepEqual(
    rows.map(([what, , looked]) => [what, looked]),
    [
      ['look, all fit into memory', `${touched}`],
      ['look, a tenth fits', `${touched}`],
      ['look and recompute, all fit', `${touched}`],
      ['look and recompute, a quarter fits', `${touched * Number(passes?.[1])}`],
    ],
  );
  assert.equal(once?.[1], '1');
  assert.ok(Number(passes?.[1]) >= 3 && Number(passes?.[1]) <= 4, `${passes?.[1]} passes`);
  for (const row of [once, passes]) assert.equal(row?.[5], `${distinct}`, 'each counter once');
});

test('every figure is a median with the least and the most', () => {
  const [[, , , hours = '', cpu = ''] = [], , [, , , , , , items = '', cpuEach = ''] = []] = rows;
  for (const cell of [hours, items, cpuEach]) assert.match(cell, /^-?[\d,]+ \(-?[\d,]+–-?[\d,]+\)$/);
  assert.match(cpu, /^[\d.]+ \([\d.]+–[\d.]+\)$/);
});
