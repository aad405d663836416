// npm run plan: shards, windows, units, dollars and what breaks first, for a load.
import { parseArgs } from 'node:util';
import { chooseSettings, NoSettings } from './choose.ts';
import { COMPARED, comparison, planned } from './comparison.ts';
import { priceList, report } from './report.ts';
import { USUAL_WORKLOAD, type Workload } from './workload.ts';

const USAGE = `npm run plan -- --events-per-second N --entities M --skew S --freshness T
  --events-per-second N   mean of the month (${USUAL_WORKLOAD.eventsPerSecond})
  --entities M            different counters, (metric, entity) (${USUAL_WORKLOAD.entities})
  --skew S                Zipf's exponent, 0: all alike (${USUAL_WORKLOAD.skew})
  --freshness T           seconds from arrival until an event can be read, at most (${USUAL_WORKLOAD.freshnessSeconds})
  --hot-share H           share of all events that one more entity gets, 0 to below 1 (${USUAL_WORKLOAD.hotShare})
  --peak P                times the mean in the busiest minute (${USUAL_WORKLOAD.peakFactor})
  --per-request R         events a request (${USUAL_WORKLOAD.eventsPerRequest}, at most 500)
  --per-record K          events of a batch, which is a request and a record; 1: none (${USUAL_WORKLOAD.eventsPerRecord}, at most 500)
  --event-bytes B         an event as JSON (${USUAL_WORKLOAD.eventBytes})
  --table                 the table of docs/plan.md
  --prices                the price list`;

/** What an option may be. */
interface Range {
  readonly field: keyof Workload;
  readonly least: number;
  readonly most: number;
  readonly whole?: true;
}

const RANGES: Readonly<Record<string, Range>> = {
  'events-per-second': { field: 'eventsPerSecond', least: 0.001, most: 1e8 },
  entities: { field: 'entities', least: 1, most: 1e12, whole: true },
  skew: { field: 'skew', least: 0, most: 5 },
  freshness: { field: 'freshnessSeconds', least: 1, most: 86_400 },
  'hot-share': { field: 'hotShare', least: 0, most: 0.999 },
  peak: { field: 'peakFactor', least: 1, most: 1_000 },
  // As many as the front door takes at once.
  'per-request': { field: 'eventsPerRequest', least: 1, most: 500, whole: true },
  'per-record': { field: 'eventsPerRecord', least: 1, most: 500, whole: true },
  'event-bytes': { field: 'eventBytes', least: 20, most: 100_000, whole: true },
};

/** An option that is not what it must be. */
class InvalidOption extends Error {
  override readonly name = 'InvalidOption';
}

/** The load that options describe. @throws InvalidOption */
function workloadOf(values: Readonly<Record<string, string | boolean | undefined>>): Workload {
  const workload: Record<string, number> = { ...USUAL_WORKLOAD };
  for (const [name, { field, least, most, whole }] of Object.entries(RANGES)) {
    const text = values[name];
    if (typeof text !== 'string') continue;
    const value = text.trim() === '' ? Number.NaN : Number(text.replaceAll(',', ''));
    if (!(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
      throw new InvalidOption(
        `--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, not "${text}".`,
      );
    }
    workload[field] = value;
  }
  return { ...USUAL_WORKLOAD, ...workload };
}

function run(): string {
  const options = Object.fromEntries(Object.keys(RANGES).map((name) => [name, { type: 'string' as const }]));
  const flags = {
    table: { type: 'boolean' as const },
    prices: { type: 'boolean' as const },
    help: { type: 'boolean' as const },
  };
  const { values } = parseArgs({ options: { ...options, ...flags } });
  if (values.help === true) return USAGE;
  if (values.prices === true) return priceList();
  if (values.table === true) return comparison(planned(COMPARED));
  return report(chooseSettings(workloadOf(values)));
}

try {
  process.stdout.write(`${run()}\n`);
} catch (error) {
  const refused =
    error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (!(error instanceof InvalidOption) && !(error instanceof NoSettings) && !refused) throw error;
  process.stderr.write(`${error.message}${error instanceof NoSettings ? '' : `\n\n${USAGE}`}\n`);
  process.exitCode = 1;
}
