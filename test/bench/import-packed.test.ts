// The benchmark of packed imports runs: it counts right, and its table has what is the same every time. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bench/import-packed.ts', import.meta.url));

test('alone each event is a record, packed some are one', { timeout: 180_000 }, async () => {
  const args = [PROGRAM, '--file', 'none.log', '--events', '700', '--rounds', '1'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  assert.match(stdout, /There is no none.log/);
  const rows = new Map(
    stdout
      .split('\n')
      .filter((line) => line.startsWith('| '))
      .map((line) => line.split('|').map((cell) => cell.trim()))
      .map(([, name = '', alone, packed]) => [name, [alone, packed]] as const),
  );
  assert.deepEqual(rows.get('700 events'), ['alone', 'packed']);
  assert.deepEqual(rows.get('requests'), ['2', '1']);
  assert.deepEqual(rows.get('records'), ['700', '16']);
  assert.deepEqual(rows.get('events a record'), ['1', '43.8']);
  for (const name of [
    'seconds until taken',
    'seconds until counted',
    'processor time of the stack, µs an event',
  ])
    for (const cell of rows.get(name) ?? []) assert.ok(Number(cell) > 0, `${name}: ${cell}`);
});
