// `tally late` as people run it: a share of a small file arrives a week late, and every grain has it.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { tallyOutput } from '../../proof/tally.ts';
import { temporaryFolder } from '../support/folder.ts';
import { onlyLong } from '../support/long.ts';

const folder = temporaryFolder();

/** Three entities in the last and first days of two months, one event every three hours; returns the file and its truth. */
async function files(): Promise<string[]> {
  const minutes: string[] = [];
  const lines = ['at,page'];
  for (let event = 0; event < 60; event += 1) {
    const atMs = Date.UTC(2020, 0, 28) + event * 3 * 3_600_000;
    const entity = `page-${event % 3}`;
    lines.push(`${new Date(atMs).toISOString()},${entity}`);
    minutes.push(`${atMs / 1000}\t${entity}\t1\t1\n`);
  }
  const [file, truth] = [join(folder, 'events.csv'), join(folder, 'truth.tsv')];
  await writeFile(file, `${lines.join('\n')}\n`);
  await writeFile(truth, minutes.join(''));
  return ['--file', file, '--truth', truth];
}

test('what arrives a week late is in every grain', onlyLong, async () => {
  const late = ['late', ...(await files()), '--header', '--late-percent', '20'];
  const output = await tallyOutput([...late, '--', '--format', 'csv', '--entity', 'page', '--time', 'at']);
  assert.match(output, /48 lines arrive/);
  assert.match(output, /12 lines arrive/);
  for (const by of ['', ', by hour', ', by day', ', by month', ', by total'])
    assert.match(output, new RegExp(`counts${by}: all equal \\(60 events\\)`));
  assert.match(output, /top by day: 8 rankings, 24 places: all equal/);
});
