// Sums of truth files in coarser grains, computed independently of the service.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { differences, grains, startOf, summed } from '../../cli/verify/compare.ts';
import { entitiesAtOnce } from '../../cli/verify/counts.ts';
import { readTruth } from '../../cli/verify/truth.ts';
import { temporaryFolder } from '../support/folder.ts';

const at = (iso: string) => Date.parse(iso) / 1000;

test('minutes are summed to hours, days, months and all together; sums of 0 are left out', () => {
  const minutes = new Map([
    [at('2026-02-28T23:59Z'), 2],
    [at('2026-03-01T00:00Z'), 3],
    [at('2026-03-01T00:59Z'), 4],
    [at('2026-03-01T01:00Z'), -1],
    [at('2026-03-01T01:01Z'), 1],
  ]);
  const sums = Object.fromEntries(grains.map((grain) => [grain, [...summed(grain, minutes)]]));
  assert.equal(sums['minute']?.length, 5);
  assert.deepEqual(sums['hour'], [
    [at('2026-02-28T23:00Z'), 2],
    [at('2026-03-01T00:00Z'), 7],
  ]);
  assert.deepEqual(sums['day'], [
    [at('2026-02-28T00:00Z'), 2],
    [at('2026-03-01T00:00Z'), 7],
  ]);
  assert.deepEqual(sums['month'], [
    [at('2026-02-01T00:00Z'), 2],
    [at('2026-03-01T00:00Z'), 7],
  ]);
  assert.deepEqual(sums['total'], [[0, 9]]);
  assert.equal(startOf('month', at('2024-02-29T12:34Z')), at('2024-02-01T00:00Z'));
  assert.deepEqual(differences('/a', summed('total', minutes), new Map([[0, 9]])), []);
});

test('a line with an empty field is refused: read as 0, it would compare nothing', async () => {
  const file = join(temporaryFolder(), 'truth.tsv');
  for (const line of ['60\t/a\t\t1\n', '\t/a\t1\t1\n', '60\t\t1\t1\n']) {
    await writeFile(file, `60\t/a\t1\t1\n${line}`);
    await assert.rejects(
      readTruth(file, 'views'),
      /truth\.tsv:2: expected: epoch of a minute, entity, views, hits/,
    );
  }
});

test('as many entities are asked about at once as one page has points for', () => {
  const from = at('2026-01-31T23:30Z');
  const days = (n: number) => from + n * 86_400;
  const asked = (by: (typeof grains)[number], to: number) => entitiesAtOnce({ metric: 'view', by, from, to });
  assert.equal(asked('total', days(4000)), 100);
  assert.equal(asked('minute', from + 60), 100);
  assert.equal(asked('minute', days(7)), 4);
  assert.equal(asked('minute', days(400)), 1);
  assert.equal(asked('hour', days(2_000)), 2);
  // From the day's first hour on.
  assert.equal(asked('hour', days(20)), 99);
  assert.equal(asked('day', days(4_000)), 12);
  assert.equal(asked('month', days(40_000)), 34);
});
