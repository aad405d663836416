// `npm run verify`: compares every (entity, minute) count of a truth file, its sums, or its rankings with a running service.

import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Difference, differences, type Grain, grains, summed } from './compare.ts';
import { type CountsPorts, type CountsSettings, countsOf } from './counts.ts';
import { messageOf, UsageError } from './errors.ts';
import { entityProblem } from './event.ts';
import { baseUrl, httpClient } from './http-client.ts';
import { metricOf, whole } from './options.ts';
import { Pool } from './pool.ts';
import { type Place, type TopGrain, type TopResult, topGrains, verifyTops } from './tops.ts';
import { readTruth, type Truth, type TruthColumn } from './truth.ts';

const usage = `Compares every count of a truth file with a running Tally.

npm run verify -- --truth FILE --url URL [options]

  --truth FILE        NAME, NAME.entity_minute.tsv or NAME.entity_minute.tsv.gz: lines of
                      epoch of the minute, entity, views, hits, separated by tabs
  --url URL           address of the service
  --metric NAME       metric to look at (view)
  --column NAME       views or hits (views)
  --by GRAIN          minute, hour, day, month, or total of all time (minute)
  --top K             instead of counts: the first K entities (1 to 100) of every hour,
                      day or month (--by) from the truth's first minute to its last
  --concurrency N     queries at once (16)
  --show N            differing rows shown (20)
  --api-key KEY       sent as x-api-key; or TALLY_API_KEY in the environment
  --json              the result as JSON, alone on standard output

Exit codes: 0 all counts are equal; 1 some differ; 2 it could not be found out.
`;

const options = {
  truth: { type: 'string' },
  url: { type: 'string' },
  metric: { type: 'string', default: 'view' },
  column: { type: 'string', default: 'views' },
  by: { type: 'string', default: 'minute' },
  top: { type: 'string' },
  concurrency: { type: 'string', default: '16' },
  show: { type: 'string', default: '20' },
  'api-key': { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

interface Result {
  entities: number;
  /** (entity, minute) rows of the truth, and the sums of both sides. */
  rows: number;
  expected: number;
  found: number;
  differing: number;
  entitiesDiffering: number;
  shown: Difference[];
}

async function verify(
  truth: Truth,
  settings: CountsSettings & { readonly by: Grain },
  concurrency: number,
  showMax: number,
  ports: CountsPorts,
): Promise<Result> {
  const { rows, total: expected } = truth;
  const result: Result = {
    entities: 0,
    rows,
    expected,
    found: 0,
    differing: 0,
    entitiesDiffering: 0,
    shown: [],
  };
  const span = { from: truth.firstMinute, to: truth.lastMinute + 60 };
  let failure: { readonly error: unknown } | undefined;
  const pool = new Pool(concurrency, (error) => {
    failure ??= { error };
  });
  for (const [entity, minutes] of truth.entities) {
    if (failure) break;
    await pool.run(async () => {
      // The API would only answer 400 for an entity it can not hold.
      const found = entityProblem(entity)
        ? new Map<number, number>()
        : await countsOf(entity, span, settings.by, settings, ports);
      const differing = differences(entity, summed(settings.by, minutes), found);
      result.entities += 1;
      for (const n of found.values()) result.found += n;
      result.differing += differing.length;
      if (differing.length > 0) result.entitiesDiffering += 1;
      result.shown.push(...differing.slice(0, Math.max(0, showMax - result.shown.length)));
    });
  }
  await pool.drained();
  if (failure) throw failure.error;
  return result;
}

function print(result: Result, truth: Truth, metric: string, by: Grain): void {
  for (const { entity, minute, expected, found } of result.shown) {
    const at = new Date(minute * 1000).toISOString().replace(':00.000Z', 'Z');
    process.stdout.write(`${at}\t${entity}\texpected ${expected}\tfound ${found}\n`);
  }
  const hidden = result.differing - result.shown.length;
  if (hidden > 0) process.stdout.write(`… and ${hidden} more\n`);
  const { entities, rows, expected, found, differing, entitiesDiffering } = result;
  const verdict =
    differing === 0
      ? `all equal (${found} events)`
      : `${differing} counts of ${entitiesDiffering} entities differ: ${expected} events expected, ${found} found`;
  process.stdout.write(
    `${truth.file}, metric ${metric}: ${entities} entities, ${rows} minutes with counts${by === 'minute' ? '' : `, by ${by}`}: ${verdict}\n`,
  );
}

function printTops(result: TopResult, truth: Truth, metric: string, by: Grain): void {
  const name = (place: Place | undefined) => (place === undefined ? 'nobody' : `${place.entity} ${place.n}`);
  for (const { start, place, expected, found, note } of result.shown) {
    const at = new Date(start * 1000).toISOString().replace(':00.000Z', 'Z');
    const says = note === undefined ? '' : `\t(${note})`;
    process.stdout.write(`${at}\t${place}.\texpected ${name(expected)}\tfound ${name(found)}${says}\n`);
  }
  const hidden = result.differing - result.shown.length;
  if (hidden > 0) process.stdout.write(`… and ${hidden} more\n`);
  const { periods, places, differing, periodsDiffering } = result;
  const verdict =
    differing === 0 ? 'all equal' : `${differing} places of ${periodsDiffering} rankings differ`;
  process.stdout.write(
    `${truth.file}, metric ${metric}, top by ${by}: ${periods} rankings, ${places} places: ${verdict}\n`,
  );
}

/** What `--top` asks for. Throws UsageError. */
function topOf(k: string, by: Grain): { readonly by: TopGrain; readonly k: number } {
  const grain = topGrains.find((one) => one === by);
  if (grain === undefined) throw new UsageError(`--top takes --by ${topGrains.join(', ')}, not ${by}`);
  return { by: grain, k: whole('top', k, 1, 100) };
}

async function main(): Promise<number> {
  try {
    const { values } = parseArgs({ options, strict: true });
    if (values.help) {
      process.stdout.write(usage);
      return 0;
    }
    const { column } = values;
    if (values.truth === undefined || values.url === undefined)
      throw new UsageError('--truth and --url are needed');
    if (column !== 'views' && column !== 'hits')
      throw new UsageError(`--column takes views or hits, not ${column}`);
    const by = grains.find((grain) => grain === values.by);
    if (by === undefined) throw new UsageError(`--by takes ${grains.join(', ')}, not ${values.by}`);
    const top = values.top === undefined ? undefined : topOf(values.top, by);
    const metric = metricOf(values.metric);
    const concurrency = whole('concurrency', values.concurrency, 1, 256);
    const url = baseUrl(values.url);
    const truth = await readTruth(values.truth, column satisfies TruthColumn);
    const apiKey = values['api-key'] ?? process.env['TALLY_API_KEY'];
    const client = httpClient({ url, apiKey, timeoutMs: 30_000, connectionsMax: concurrency });
    try {
      const settings = { metric, by, backoff: { baseMs: 200, capMs: 5000 }, attemptsMax: 10 };
      const ports = { client, now: Date.now, random: Math.random, sleep: (ms: number) => delay(ms) };
      const show = whole('show', values.show, 0, 1_000_000);
      if (top !== undefined) {
        const result = await verifyTops(truth, { ...settings, ...top }, concurrency, show, ports);
        if (values.json)
          process.stdout.write(`${JSON.stringify({ truth: truth.file, metric, ...result })}\n`);
        else printTops(result, truth, metric, by);
        return result.differing === 0 ? 0 : 1;
      }
      const result = await verify(truth, settings, concurrency, show, ports);
      if (values.json) process.stdout.write(`${JSON.stringify({ truth: truth.file, metric, ...result })}\n`);
      else print(result, truth, metric, by);
      return result.differing === 0 ? 0 : 1;
    } finally {
      client.close();
    }
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\nnpm run verify -- --help shows the options.\n`);
    return 2;
  }
}

process.exitCode = await main();
