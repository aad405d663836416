// The command itself: what it refuses, and how.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tally } from '../support/commands.ts';

const plan = (...args: string[]) => tally(['plan', ...args]);

test('an option that is not a number, or out of range, is named with its bounds', async () => {
  const { code, err } = await plan('--skew', '6');
  assert.equal(code, 2);
  assert.match(err, /--skew.*'6' is invalid\. It must be a number from 0 to 5\./);
  const unknown = await plan('--events', '10');
  assert.equal(unknown.code, 2);
  assert.match(unknown.err, /--events/);
});

test('thousands may be grouped', async () => {
  const { code, out } = await plan('--events-per-second', '20,000', '--sample', '2,000');
  assert.equal(code, 2, '--sample is a whole number without commas');
  assert.equal(out, '');
  assert.equal((await plan('--events-per-second', '20,000', '--sample', '2000')).code, 0);
});
