// The benchmark of the aggregator runs: every path counts what a plain count of the events says, and gives figures. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bench/aggregator.ts', import.meta.url));
const SIZES = ['--rounds', '1', '--events', '140', '--ids', '600', '--sample', '140'];

/** The cells of both tables. */
let rows: readonly (readonly string[])[] = [];
let output = '';

before(async () => {
  // It ends with an error when anything was counted wrong.
  output = (await promisify(execFile)(process.execPath, [PROGRAM, ...SIZES])).stdout;
  rows = output
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
});

test('every load has its row, with what it is made of', () => {
  const loads = rows.filter((cells) => cells.length === 13).slice(1);
  const shapes = loads
    .filter(([label]) => label !== '---')
    .map(([label, ...cells]) => [label, ...cells.slice(0, 4)]);
  assert.deepEqual(shapes, [
    ['usual', '140', '1', '600', '39'],
    ['batch of a 69th', '3', '1', '600', '39'],
    ['batch of about a 7th', '21', '1', '600', '39'],
    ['no ids in the window', '140', '1', '0', '39'],
    ['a tenth of the ids', '140', '1', '60', '39'],
    ['as many ids as are kept', '140', '1', '4,000', '39'],
    ['one entity', '140', '1', '600', '1'],
    ['1,000 entities', '140', '1', '600', '1,000'],
    ['100,000 entities', '140', '1', '600', '100,000'],
    ['10 events a record', '140', '10', '600', '39'],
    ['50 events a record', '140', '50', '600', '39'],
    ['times in milliseconds', '140', '1', '600', '39'],
    ['without times', '140', '1', '600', '39'],
  ]);
  for (const [label = '', , , , , ...figures] of loads) {
    assert.equal(figures.length, 8);
    if (label === '---') continue;
    for (const figure of figures)
      assert.match(figure, /^-?\d+\.\d+( \(-?\d+\.\d+–\d+\.\d+\))?$/, `${label}: ${figure}`);
  }
});

test('the parts are those of a batch on its way, from its bytes to the ledger', () => {
  const parts = rows.filter((cells) => cells.length === 3).slice(2);
  assert.deepEqual(
    parts.map(([part]) => part),
    [
      ...['floor', 'core', 'base64, JSON, validation', 'SHA-256 of ids', 'ids of the segment'],
      ...['ids of the window', 'rollup messages', 'digest', 'touched counters', 'compressing those'],
      'marshalling head and entry',
    ],
  );
});

test('memory and the reading of a window are told', () => {
  assert.match(
    output,
    /window full: \d+ MiB of memory at most \(RSS\), heap \d+ MiB and buffers \d+ MiB at the end/,
  );
  assert.match(output, /Reading the window from the ledger: \d+\.\d\d .* µs an id\./);
});
