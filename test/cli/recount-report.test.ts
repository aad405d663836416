// What a recount prints of its findings, and how it ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodeOf, reportOf } from '../../cli/recount/report.ts';
import type { Findings } from '../../lambdas/recount/ports.ts';

const none = { compared: 0, partly: 0, unknown: 0 };
const EQUAL: Findings = {
  segments: 1,
  events: 2,
  unknown: [],
  differences: [],
  differing: 0,
  repaired: 0,
  twice: [],
  figures: { hours: none, days: none, months: none, all: none },
  deltas: 0,
  stuck: undefined,
  restless: 0,
};

test('what was not counted again is in the JSON, in the lines and in the exit code', () => {
  const left = ['segment 1.0.7 was not counted again: trimmed'];
  assert.deepEqual(JSON.parse(reportOf(EQUAL, left, true)).left, left);
  assert.deepEqual(reportOf(EQUAL, left).split('\n').slice(0, -1), left);
  assert.deepEqual([exitCodeOf(EQUAL, []), exitCodeOf(EQUAL, left)], [0, 3]);
  assert.equal(exitCodeOf({ ...EQUAL, differing: 1 }, left), 1);
});
