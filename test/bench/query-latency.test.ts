// The benchmark of the query function runs: every question is answered as expected, and gives figures. No times are judged.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const PROGRAM = fileURLToPath(new URL('../../bench/query-latency.ts', import.meta.url));
const SPANS = ['a day', 'a year', 'ten years'];
const OF_AN_ENTITY = [
  'by=minute, an hour',
  'by=minute, a day',
  'by=hour, a day',
  'by=hour, a month',
  'by=day, a month',
  'by=day, a year',
  'by=month, ten years',
  'by=total, all time',
  'by=day, a year of Europe/Berlin',
  'by=day, a year, cumulative',
  'by=day, a month, compare=previous',
  'a batch of 100: by=total, all time',
  'a batch of 100: by=day, a month',
];

/** The table's cells. */
let rows: readonly (readonly string[])[] = [];

before(async () => {
  // It ends with an error when an answer is not the expected one, or not the same each time.
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, '--rounds', '1', '--calls', '5']);
  const lines = stdout.split('\n').filter((line) => line.startsWith('| '));
  rows = lines.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
});

test('every question is asked, of every history', () => {
  assert.deepEqual(
    rows.map(([label, span]) => `${label} (${span})`),
    [
      ...OF_AN_ENTITY.flatMap((label) => SPANS.map((span) => `${label} (${span})`)),
      'the top 100 of a day (—)',
      'by=day, a month: 304 by ETag (ten years)',
      'by=week: 400 (—)',
    ],
  );
});

test('every cell after the question and the history is a number, and times are those of something that happened', () => {
  for (const [label, span, ...cells] of rows) {
    assert.equal(cells.length, 7);
    const [calls = NaN, kilobytes = NaN, p50 = NaN, p99 = NaN, max = NaN, sdk = NaN, ours = NaN] =
      cells.map(Number);
    for (const cell of [calls, kilobytes, p50, p99, max, sdk, ours])
      assert.ok(Number.isFinite(cell), `${label} (${span}): ${cells}`);
    assert.ok(0 < p50 && p50 <= p99 && p99 <= max, `${label} (${span}): ${cells}`);
    assert.equal(calls > 0, sdk > 0, 'what calls nobody spends no time in the SDK');
  }
});

test('the answers are real: longer histories have longer ones, where a question reaches so far', () => {
  const kilobytesOf = (label: string) =>
    SPANS.map((span) => Number(rows.find(([one, of]) => one === label && of === span)?.[3]));
  const [day = NaN, year = NaN, tenYears = NaN] = kilobytesOf('by=month, ten years');
  assert.ok(day < year && year < tenYears, `${[day, year, tenYears]}`);
  for (const kilobytes of kilobytesOf('by=minute, a day')) assert.ok(kilobytes > 15);
});
