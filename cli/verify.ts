// `tally verify`: compares every (entity, minute) count, the sums, or the rankings of a truth file with a running service.
import { Command, Option } from 'commander';
import PQueue from 'p-queue';
import type { TallyClient } from '../client/src/index.ts';
import { entityProblem } from '../formats/select.ts';
import { clientFor } from './service.ts';
import { exitCodes, messageOf, UsageError } from './shared/errors.ts';
import { wholeNumber } from './shared/options.ts';
import { addServiceOptions, type ServiceFlags, serviceOptions } from './shared/service-options.ts';
import { type Difference, differences, type Grain, grains, summed } from './verify/compare.ts';
import { countsOf } from './verify/counts.ts';
import { type Place, type TopResult, topGrains, verifyTops } from './verify/tops.ts';
import { readTruth, type Truth, type TruthColumn } from './verify/truth.ts';

interface VerifyFlags extends ServiceFlags {
  readonly truth: string;
  readonly column: TruthColumn;
  readonly by: Grain;
  readonly top?: number;
  readonly concurrency: number;
  readonly show: number;
  readonly json?: boolean;
}

export const verifyCommand = addServiceOptions(
  new Command('verify')
    .description('Compare every count of a truth file with a running Tally.')
    .requiredOption(
      '--truth <file>',
      'NAME, NAME.entity_minute.tsv or NAME.entity_minute.tsv.gz: lines of epoch of the minute, entity, views, hits, between tabs',
    ),
)
  .optionsGroup('What to compare:')
  .addOption(new Option('--column <name>', 'of the truth file').choices(['views', 'hits']).default('views'))
  .addOption(new Option('--by <grain>', 'which counts').choices(grains).default('minute'))
  .option(
    '--top <k>',
    'compare the first k entities of every hour, day or month instead',
    wholeNumber(1, 100),
  )
  .optionsGroup('Output:')
  .option('--concurrency <n>', 'queries at once', wholeNumber(1, 256), 16)
  .option('--show <n>', 'how many differing rows to show', wholeNumber(0, 1_000_000), 20)
  .option('--json', 'the result as JSON, alone on standard output')
  .addHelpText(
    'after',
    `
Example:
  npx tally verify --truth access --url http://127.0.0.1:8787

Exit codes: 0 all counts are equal; 1 some differ; 2 they could not be compared.`,
  )
  .action(async (flags: VerifyFlags) => {
    try {
      process.exitCode = await run(flags);
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
      process.exitCode = exitCodes.usage;
    }
  });

async function run(flags: VerifyFlags): Promise<number> {
  const { metric, by, top, concurrency, show, json } = flags;
  const options = serviceOptions(flags, 30, Math.min(64, concurrency));
  const grain = topGrains.find((one) => one === by);
  if (top !== undefined && grain === undefined)
    throw new UsageError(`--top takes --by ${topGrains.join(', ')}, not ${by}`);
  const truth = await readTruth(flags.truth, flags.column);
  const client = clientFor(options);
  if (top !== undefined && grain !== undefined) {
    const result = await verifyTops(client, truth, { metric, by: grain, k: top }, concurrency, show);
    if (json) process.stdout.write(`${JSON.stringify({ truth: truth.file, metric, ...result })}\n`);
    else printTops(result, truth, metric, by);
    return result.differing === 0 ? exitCodes.done : exitCodes.failed;
  }
  const result = await verify(client, truth, flags);
  if (json) process.stdout.write(`${JSON.stringify({ truth: truth.file, metric, ...result })}\n`);
  else print(result, truth, metric, by);
  return result.differing === 0 ? exitCodes.done : exitCodes.failed;
}

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
  client: TallyClient,
  truth: Truth,
  { metric, by, concurrency, show }: VerifyFlags,
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
  const queue = new PQueue({ concurrency });
  const asked = [...truth.entities].map(([entity, minutes]) => async () => {
    // The API would only answer 400 for an invalid entity.
    const found = entityProblem(entity)
      ? new Map<number, number>()
      : await countsOf(client, metric, entity, span, by);
    const differing = differences(entity, summed(by, minutes), found);
    result.entities += 1;
    for (const n of found.values()) result.found += n;
    result.differing += differing.length;
    if (differing.length > 0) result.entitiesDiffering += 1;
    result.shown.push(...differing.slice(0, Math.max(0, show - result.shown.length)));
  });
  await queue.addAll(asked);
  return result;
}

function print(result: Result, truth: Truth, metric: string, by: Grain): void {
  for (const { entity, minute, expected, found } of result.shown) {
    process.stdout.write(`${isoMinute(minute)}\t${entity}\texpected ${expected}\tfound ${found}\n`);
  }
  printHidden(result.differing - result.shown.length);
  const { entities, rows, expected, found, differing, entitiesDiffering } = result;
  const verdict =
    differing === 0
      ? `all equal (${found} events)`
      : `${differing} counts of ${entitiesDiffering} entities differ: ${expected} events expected, ${found} found`;
  const grain = by === 'minute' ? '' : `, by ${by}`;
  process.stdout.write(
    `${truth.file}, metric ${metric}: ${entities} entities, ${rows} minutes with counts${grain}: ${verdict}\n`,
  );
}

function printTops(result: TopResult, truth: Truth, metric: string, by: Grain): void {
  const name = (place: Place | undefined) => (place === undefined ? 'none' : `${place.entity} ${place.n}`);
  for (const { start, place, expected, found, note } of result.shown) {
    const says = note === undefined ? '' : `\t(${note})`;
    process.stdout.write(
      `${isoMinute(start)}\t${place}.\texpected ${name(expected)}\tfound ${name(found)}${says}\n`,
    );
  }
  printHidden(result.differing - result.shown.length);
  const { periods, places, differing, periodsDiffering } = result;
  const verdict =
    differing === 0 ? 'all equal' : `${differing} places of ${periodsDiffering} rankings differ`;
  process.stdout.write(
    `${truth.file}, metric ${metric}, top by ${by}: ${periods} rankings, ${places} places: ${verdict}\n`,
  );
}

function printHidden(hidden: number): void {
  if (hidden > 0) process.stdout.write(`… and ${hidden} more\n`);
}

function isoMinute(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(':00.000Z', 'Z');
}
