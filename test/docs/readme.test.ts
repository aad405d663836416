// The calls of README, as they are printed, give what README shows, on any day.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { startTestStack } from '../support/local-stack.ts';
import { patient, until } from '../support/patience.ts';

const run = promisify(execFile);
const readme = await readFile(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8');

/** Blocks of a command after `$` and, in their last line, its answer. */
const calls = [...readme.matchAll(/^```\n\$ (curl .+?)\n([^\n]+)\n```$/gms)].map(
  ([, command = '', answer = '']) => ({ command, answer: withoutTimes(answer) }),
);

/** @returns the text with the same word for each time, also for that of a stack that has just started */
function withoutTimes(text: string): string {
  return text
    .replaceAll('"completeThrough":null', '"completeThrough":"TIME"')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, 'TIME');
}

test('each call gives the answer beside it, the last one soon', patient, async () => {
  assert.equal(calls.length, 3);
  const stack = await startTestStack();
  for (const { command, answer } of calls) {
    const here = command.replaceAll('http://127.0.0.1:8787', stack.url);
    const [total = ''] = /"total":\d+/.exec(answer) ?? [];
    let given = '';
    await until(async () => {
      given = withoutTimes((await run('sh', ['-c', here])).stdout).trim();
      return given.includes(total);
    });
    assert.equal(given, answer);
  }
});
