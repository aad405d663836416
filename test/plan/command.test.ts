// The command itself: what it refuses, and how.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../bin/tally.ts', import.meta.url));

function plan(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, 'plan', ...args], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

test('an option that is not a number, or out of range, is named with its bounds', async () => {
  const { code, stderr } = await plan('--skew', '6');
  assert.equal(code, 2);
  assert.match(stderr, /--skew.*'6' is invalid\. It must be a number from 0 to 5\./);
  const unknown = await plan('--events', '10');
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /--events/);
});

test('thousands may be grouped', async () => {
  const { code, stdout } = await plan('--events-per-second', '20,000', '--sample', '2,000');
  assert.equal(code, 2, '--sample is a whole number without commas');
  assert.equal(stdout, '');
  assert.equal((await plan('--events-per-second', '20,000', '--sample', '2000')).code, 0);
});
