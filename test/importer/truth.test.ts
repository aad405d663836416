// Reads the shared data sets, where they are present, and compares every (entity, minute) count with their truth.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readingPlan } from '../../importer/formats/detect.ts';
import { headBytesMax } from '../../importer/identity.ts';
import { importOptions } from '../../importer/options.ts';
import { linesOf, recordsOf } from '../../importer/records.ts';
import { openSource, readHead } from '../../importer/source.ts';
import { type MinuteCounts, readTruth } from '../../importer/truth.ts';

const data = fileURLToPath(new URL('../../../shared/data/', import.meta.url));
const absent = existsSync(data)
  ? false
  : 'the shared data sets (../shared/data beside the project) are not here';

interface Case {
  readonly truth: string;
  readonly file: string;
  readonly args?: readonly string[];
  readonly malformed: number;
  /** Every line is a view: views and hits are the same question. */
  readonly viewsOnly?: boolean;
}

const cases: readonly Case[] = [
  { truth: 'elastic_apache', file: 'elastic-examples_apache_logs.log.gz', malformed: 0 },
  { truth: 'elastic_nginx', file: 'elastic-examples_nginx_logs.log.gz', malformed: 0 },
  ...[
    ['acunetix', 174],
    ['netsparker', 136],
    ['w3af', 0],
  ].map(([name, malformed]) => ({
    truth: `ocatak_${name}`,
    file: `ocatak_apache-http-logs_${name}.txt.gz`,
    args: ['--unwrap-quotes', '--format', 'combined'],
    malformed: Number(malformed),
  })),
  { truth: 'cf_aws-samples', file: 'aws-samples_cloudfront-2018.log.gz', malformed: 0 },
  { truth: 'cf_aws-solutions', file: 'aws-solutions_cloudfront-2023.log.gz', malformed: 0 },
  { truth: 'aws-samples_alb-2018', file: 'aws-samples_alb-2018.log.gz', malformed: 0 },
  { truth: 'aws-solutions_alb-2023', file: 'aws-solutions_alb-2023.log.gz', malformed: 0 },
  { truth: 'cdluc3_alb-2023', file: 'cdluc3_alb-2023.log.gz', malformed: 0 },
  { truth: 'crowdsec-hub_aws-alb-logs', file: 'crowdsec-hub_aws-alb-logs.log.gz', malformed: 0 },
  {
    truth: 'bitly',
    file: 'pydata-book_usagov-bitly-example.jsonl.gz',
    args: ['--entity-field', 'g', '--time-field', 't'],
    malformed: 120,
    viewsOnly: true,
  },
  {
    truth: 'higgs',
    file: 'snap_higgs-activity_time.txt.gz',
    args: ['--format', 'columns', '--entity-column', '2', '--time-column', '3', '--time-unit', 's'],
    malformed: 0,
    viewsOnly: true,
  },
  {
    truth: 'thebutton',
    file: 'reddit_thebutton-presses.csv.gz',
    args: ['--entity-column', 'css', '--time-column', 'press time', '--empty-entity', '(none)'],
    malformed: 0,
    viewsOnly: true,
  },
];

async function countsOf(file: string, args: readonly string[]) {
  const options = importOptions([file, '--dry-run', ...args], {});
  if (options === 'help') throw new Error('not an import');
  const source = await openSource(file);
  const head = await readHead(source, headBytesMax);
  const plan = readingPlan(options.settings.format, head, head.length < headBytesMax, file);
  const counts = new Map<string, MinuteCounts>();
  const malformed: number[] = [];
  for await (const records of recordsOf(source.chunks(), plan)) {
    for (const { line, reading } of records) {
      if (reading.kind === 'malformed') malformed.push(line.number);
      if (reading.kind !== 'event') continue;
      const minutes = counts.get(reading.entity) ?? new Map<number, number>();
      counts.set(reading.entity, minutes);
      const minute = Math.floor(reading.at / 60_000) * 60;
      minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
    }
  }
  return { counts, malformed };
}

async function malformedLines(truth: string): Promise<number[]> {
  const source = await openSource(`${data}truth/${truth}.malformed.txt`);
  const numbers: number[] = [];
  for await (const line of linesOf(source.chunks())) numbers.push(Number.parseInt(line.bytes.toString(), 10));
  return numbers;
}

for (const { truth: name, file, args = [], malformed: malformedCount, viewsOnly = false } of cases) {
  for (const column of viewsOnly ? (['views'] as const) : (['views', 'hits'] as const)) {
    test(`${name}: every ${column} count equals the truth`, { skip: absent }, async () => {
      const truth = await readTruth(`${data}truth/${name}`, column);
      const everything = column === 'hits' ? ['--method', 'any', '--status', 'any'] : [];
      const { counts, malformed } = await countsOf(`${data}${file}`, [...args, ...everything]);
      const expected = new Map([...truth.entities].filter(([, minutes]) => minutes.size > 0));
      assert.equal(counts.size, expected.size);
      for (const [entity, minutes] of expected) assert.deepEqual(counts.get(entity), minutes, entity);
      assert.equal(malformed.length, malformedCount);
      assert.deepEqual(malformed, await malformedLines(name));
    });
  }
}

test('epa: times without month and year are refused, with the reason', { skip: absent }, async () => {
  await assert.rejects(countsOf(`${data}ita_epa-http_1995-08-29.txt.gz`, []), /no month and no year/);
});
