// Procedures of the runbook against the template.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

const read = (page: string) => readFileSync(`docs/${page}`, 'utf8');

test('a stream is replaced only when every function that writes to it stands still', () => {
  const [, section = ''] = read('runbook.md').split('### Replace the stream');
  const [steps = ''] = section.split('\n### ');
  const writers = read('security.md').matchAll(/^\| ([a-z ]+) \| stream \| .*kinesis:PutRecords/gm);
  const named = [...writers].map(([, role = '']) => role);
  assert.ok(named.includes('canary'));
  // The template has a collector only with `accessLogs`.
  for (const role of [...named, 'collector']) assert.ok(steps.includes(role), role);
});
