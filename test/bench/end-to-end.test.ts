// The benchmark end to end runs: every system in every mode, counts equal, faults as they must come out. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findRedis } from '../../bench/end-to-end/redis.ts';

/** Runs a program of `bench/`, which ends with an error when a system counted wrong. @returns its tables, row by row, without their heads */
async function tablesOf(program: string, args: readonly string[]): Promise<string[][][]> {
  const path = fileURLToPath(new URL(`../../bench/${program}`, import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [path, ...args]);
  const tables = stdout.split('\n\n').filter((block) => block.startsWith('| '));
  return tables.map((table) => {
    const [, , ...rows] = table.trim().split('\n');
    return rows.map((row) =>
      row
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  });
}

const EMULATORS = ['dynamodb', 'kinesis', 'sqs-and-s3'];
const RIVALS = ['UpdateItem an event', ...(findRedis() === undefined ? [] : ['Redis INCRBY an event'])];
const MODES = [
  ...['1 a request', '100 a request', '100 a request, as a batch'].map((mode) => ['Tally', mode]),
  ...RIVALS.flatMap((rival) => ['1 a request', '100 a request'].map((mode) => [rival, mode])),
];

test('every system is measured in every mode, and only Tally is exact when requests are repeated', async () => {
  const [capacity = [], threads = [], rising = [], faults = []] = await tablesOf('end-to-end.ts', [
    ...['--rates', '200', '--seconds', '1', '--rounds', '1', '--events', '200', '--entities', '50'],
  ]);
  assert.deepEqual(
    capacity.map((row) => row.slice(0, 3)),
    [
      ...MODES.map((mode) => ['50, Zipf 1', ...mode]),
      ...['one', 'as many as events'].flatMap((entities) =>
        ['Tally', ...RIVALS].map((system) => [entities, system, '100 a request']),
      ),
    ],
  );
  for (const [, system, , taken = '', counted = '', times] of capacity) {
    assert.ok(
      Number.parseFloat(taken) > 0 && Number.parseFloat(counted) > 0,
      `${system}: ${taken}, ${counted}`,
    );
    if (system === 'UpdateItem an event') assert.equal(times, '1.00');
  }
  const names = threads.map(([name]) => name);
  for (const name of ['front door and mappings', ...EMULATORS, 'aggregator', 'writer'])
    assert.ok(names.includes(name), name);
  assert.deepEqual(
    rising.map((row) => row.slice(0, 3)),
    MODES.map((mode) => [...mode, '200']),
  );
  for (const row of rising) assert.equal(row[8], '10', 'one event in twenty is a probe');
  const errors = faults.map(([system, what, sent, counted]) => [system, what?.split(' ')[0], sent, counted]);
  const exact = errors.filter(([system]) => system === 'Tally');
  assert.deepEqual(exact, [
    ['Tally', 'one', '40', '40'],
    ['Tally', 'killed', '40', '40'],
  ]);
  for (const [system, , , counted] of errors.filter(([system, what]) => system !== 'Tally' && what === 'one'))
    assert.equal(counted, '60', `${system} counts a request twice that is sent twice`);
});
