// `tally verify`: compares every (entity, minute) count, the sums, or the rankings of a truth file with a running service.
import type { TallyClient } from '../client/src/index.ts';
import { entityProblem } from '../formats/select.ts';
import { addServiceOptions, clientFor, type ServiceFlags, serviceOptions } from './service.ts';
import { CommandError, exitCodes, messageOf, UsageError } from './shared/errors.ts';
import { choice, commandOf, wholeNumber } from './shared/options.ts';
import {
  type Compared,
  compareAll,
  type Difference,
  differences,
  type Grain,
  grains,
  type How,
  summed,
} from './verify/compare.ts';
import { countsOf, entitiesAtOnce } from './verify/counts.ts';
import { type Place, topGrains, verifyTops } from './verify/tops.ts';
import { type MinuteCounts, readTruth, type Truth, type TruthColumn } from './verify/truth.ts';

interface VerifyFlags extends ServiceFlags, How {
  readonly truth: string;
  readonly column: TruthColumn;
  readonly by: Grain;
  readonly top?: number;
  readonly json?: boolean;
}

export const verifyCommand = addServiceOptions(
  commandOf(
    'verify',
    'Compare every count of a truth file with a running Tally.',
    'npx tally verify --truth access --url http://127.0.0.1:8787',
    '0 all counts are equal; 1 some differ; 2 they could not be compared.',
  ).requiredOption(
    '--truth <file>',
    'NAME, NAME.entity_minute.tsv or NAME.entity_minute.tsv.gz: lines of epoch of the minute, entity, views, hits, between tabs',
  ),
)
  .optionsGroup('What to compare:')
  .addOption(choice('--column <name>', 'of the truth file', ['views', 'hits'], 'views'))
  .addOption(choice('--by <grain>', 'which counts', grains, 'minute'))
  .option(
    '--top <k>',
    'compare the first k entities of every hour, day or month instead',
    wholeNumber(1, 100),
  )
  .optionsGroup('Output:')
  .option('--concurrency <n>', 'queries at once', wholeNumber(1, 256), 16)
  .option('--show <n>', 'how many differing rows to show', wholeNumber(0, 1_000_000), 20)
  .option('--json', 'the result as JSON, alone on standard output')
  .action(async (flags: VerifyFlags) => {
    process.exitCode = await verify(flags).catch((cause: unknown) => {
      throw new CommandError(messageOf(cause), { exitCode: exitCodes.usage, cause });
    });
  });

async function verify(flags: VerifyFlags): Promise<number> {
  const { metric, by, top, json } = flags;
  const options = serviceOptions({ ...flags, timeout: 30, concurrency: Math.min(64, flags.concurrency) });
  const grain = topGrains.find((one) => one === by);
  if (top !== undefined && grain === undefined)
    throw new UsageError(`--top takes --by ${topGrains.join(', ')}, not ${by}`);
  const truth = await readTruth(flags.truth, flags.column);
  const client = clientFor(options);
  const result =
    top === undefined || grain === undefined
      ? await verifyCounts(client, truth, flags)
      : await verifyTops(client, truth, { metric, by: grain, k: top }, flags);
  if (json) console.log(JSON.stringify({ truth: truth.file, metric, ...result }));
  else {
    const { lines, verdict } =
      'places' in result ? topsReport(result, by) : countsReport(result, truth.rows, by);
    const hidden = result.differing - lines.length;
    if (hidden > 0) lines.push(`… and ${hidden} more`);
    console.log([...lines, `${truth.file}, metric ${metric}${verdict}`].join('\n'));
  }
  return result.differing === 0 ? exitCodes.done : exitCodes.failed;
}

/** The sums of both sides, besides what differs. */
type Counts = Compared<Difference> & { readonly expected: number; readonly found: number };

async function verifyCounts(client: TallyClient, truth: Truth, flags: VerifyFlags): Promise<Counts> {
  const { metric, by } = flags;
  const asked = { metric, by, from: truth.firstMinute, to: truth.lastMinute + 60 };
  let found = 0;
  const each = async (some: readonly [string, MinuteCounts][]) => {
    // The API answers nothing but an error for an invalid entity.
    const valid = some.map(([entity]) => entity).filter((entity) => !entityProblem(entity));
    const counts = await countsOf(client, valid, asked);
    return some.map(([entity, minutes]) => {
      const counted = counts.get(entity) ?? new Map<number, number>();
      for (const n of counted.values()) found += n;
      return differences(entity, summed(by, minutes), counted);
    });
  };
  const compared = await compareAll([...truth.entities], entitiesAtOnce(asked), each, flags);
  return { ...compared, expected: truth.total, found };
}

interface Report {
  /** A line for each difference. */
  readonly lines: string[];
  readonly verdict: string;
}

function countsReport(result: Counts, rows: number, by: Grain): Report {
  const { compared, expected, found, differing, comparedDiffering, shown } = result;
  const lines = shown.map(
    (one) => `${isoMinute(one.minute)}\t${one.entity}\texpected ${one.expected}\tfound ${one.found}`,
  );
  const said =
    differing === 0
      ? `all equal (${found} events)`
      : `${differing} counts of ${comparedDiffering} entities differ: ${expected} events expected, ${found} found`;
  const grain = by === 'minute' ? '' : `, by ${by}`;
  return { lines, verdict: `: ${compared} entities, ${rows} minutes with counts${grain}: ${said}` };
}

function topsReport(result: Awaited<ReturnType<typeof verifyTops>>, by: Grain): Report {
  const { compared, places, differing, comparedDiffering, shown } = result;
  const name = (place: Place | undefined) => (place === undefined ? 'none' : `${place.entity} ${place.n}`);
  const lines = shown.map(({ start, place, expected, found, note }) => {
    const says = note === undefined ? '' : `\t(${note})`;
    return `${isoMinute(start)}\t${place}.\texpected ${name(expected)}\tfound ${name(found)}${says}`;
  });
  const said = differing === 0 ? 'all equal' : `${differing} places of ${comparedDiffering} rankings differ`;
  return { lines, verdict: `, top by ${by}: ${compared} rankings, ${places} places: ${said}` };
}

function isoMinute(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(':00.000Z', 'Z');
}
