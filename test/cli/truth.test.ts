// Reads the shared data sets, where they are present, and compares every (entity, minute) count with their truth.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSource } from '../../cli/source/source.ts';
import { type MinuteCounts, readTruth } from '../../cli/verify/truth.ts';
import { type FormatRequest, readingPlan, SAMPLE_BYTES } from '../../formats/detect.ts';
import { headOf, linesOf } from '../../formats/lines.ts';
import { RecordReader } from '../../formats/records.ts';
import { entityProblem } from '../../formats/select.ts';
import { onlyLong } from '../support/long.ts';
import { ABSENT, DATA } from '../support/real-logs.ts';

interface Case {
  readonly truth: string;
  readonly file: string;
  readonly request?: FormatRequest;
  /** Lines of all that are malformed. */
  readonly malformed: number;
  readonly except?: string;
  /** Every line is a view, so views and hits are the same. */
  readonly viewsOnly?: boolean;
  readonly large?: boolean;
}

const cases: readonly Case[] = [
  { truth: 'elastic_apache', file: 'elastic-examples_apache_logs.log.gz', malformed: 0 },
  { truth: 'elastic_nginx', file: 'elastic-examples_nginx_logs.log.gz', malformed: 0 },
  ...[
    // One line is a request without a target, where the truth uses the protocol.
    ['acunetix', 1],
    ['netsparker', 0],
    ['w3af', 0],
  ].map(([name, malformed]) => ({
    truth: `ocatak_${name}_lenient`,
    file: `ocatak_apache-http-logs_${name}.txt.gz`,
    malformed: Number(malformed),
    except: 'HTTP/1.1',
  })),
  { truth: 'cf_aws-samples', file: 'aws-samples_cloudfront-2018.log.gz', malformed: 0 },
  { truth: 'cf_aws-solutions', file: 'aws-solutions_cloudfront-2023.log.gz', malformed: 0 },
  { truth: 'aws-samples_alb-2018', file: 'aws-samples_alb-2018.log.gz', malformed: 0 },
  { truth: 'aws-solutions_alb-2023', file: 'aws-solutions_alb-2023.log.gz', malformed: 0 },
  { truth: 'cdluc3_alb-2023', file: 'cdluc3_alb-2023.log.gz', malformed: 0 },
  { truth: 'crowdsec-hub_aws-alb-logs', file: 'crowdsec-hub_aws-alb-logs.log.gz', malformed: 0 },
  {
    truth: 'cf_replicated_1000k',
    large: true,
    file: 'rkalla_cloudfront-2011_example-1000k_REPLICATED.gz',
    malformed: 0,
    viewsOnly: true,
  },
  {
    truth: 'bitly',
    file: 'pydata-book_usagov-bitly-example.jsonl.gz',
    request: { entity: 'g', time: 't' },
    malformed: 120,
    viewsOnly: true,
  },
  {
    truth: 'higgs',
    large: true,
    file: 'snap_higgs-activity_time.txt.gz',
    request: { format: 'columns', entity: '2', time: '3', timeUnit: 's' },
    malformed: 0,
    viewsOnly: true,
  },
  {
    truth: 'thebutton',
    large: true,
    file: 'reddit_thebutton-presses.csv.gz',
    request: { entity: 'css', time: 'press time', emptyEntity: '(none)' },
    malformed: 0,
    viewsOnly: true,
  },
];

async function countsOf(file: string, request: FormatRequest) {
  const source = await openSource(file);
  const { head, whole } = await headOf(source.chunks(), SAMPLE_BYTES);
  const plan = readingPlan(request, head, whole, file);
  assert.ok(plan);
  const reader = new RecordReader(plan, 'view');
  const counts = new Map<string, MinuteCounts>();
  const malformed: number[] = [];
  const take = (records: ReturnType<RecordReader['push']>) => {
    for (const { line, outcomes } of records) {
      for (const outcome of outcomes) {
        if (outcome.kind === 'malformed') malformed.push(line.number);
        if (outcome.kind !== 'event') continue;
        const minutes = counts.get(outcome.entity) ?? new Map<number, number>();
        counts.set(outcome.entity, minutes);
        const minute = Math.floor(outcome.at / 60_000) * 60;
        minutes.set(minute, (minutes.get(minute) ?? 0) + 1);
      }
    }
  };
  for await (const chunk of source.chunks()) take(reader.push(chunk));
  take(reader.end());
  return { counts, malformed };
}

async function malformedLines(truth: string): Promise<number[]> {
  const source = await openSource(`${DATA}truth/${truth}.malformed.txt`);
  const numbers: number[] = [];
  for await (const line of linesOf(source.chunks())) numbers.push(Number.parseInt(line.bytes.toString(), 10));
  return numbers;
}

for (const {
  truth: name,
  file,
  request = {},
  malformed: malformedCount,
  viewsOnly = false,
  large = false,
  except,
} of cases) {
  const skip = ABSENT || (large && onlyLong.skip);
  for (const column of viewsOnly ? (['views'] as const) : (['views', 'hits'] as const)) {
    test(`${name}: every ${column} count equals the truth`, { skip }, async () => {
      const truth = await readTruth(`${DATA}truth/${name}`, column);
      const everything = column === 'hits' ? { where: ['any'] } : {};
      const { counts, malformed } = await countsOf(`${DATA}${file}`, { ...request, ...everything });
      const expected = new Map(
        [...truth.entities].filter(
          ([entity, minutes]) => minutes.size > 0 && entity !== except && entityProblem(entity) === undefined,
        ),
      );
      assert.equal(counts.size, expected.size);
      for (const [entity, minutes] of expected) assert.deepEqual(counts.get(entity), minutes, entity);
      if (except !== undefined) assert.equal(malformed.length, column === 'hits' ? malformedCount : 0);
      else assert.deepEqual(malformed, await malformedLines(name));
      assert.ok(malformed.length <= malformedCount);
    });
  }
}

test('epa: times without month and year are refused, with the reason', { skip: ABSENT }, async () => {
  await assert.rejects(countsOf(`${DATA}ita_epa-http_1995-08-29.txt.gz`, {}), /no month and no year/);
});
