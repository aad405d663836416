// `tally plan`: shards, windows, units, dollars and what breaks first, for a load.
import { Command } from 'commander';
import { USUAL_WORKLOAD, type Workload } from '../plan/workload.ts';
import { exitCodes, OperatorError } from './shared/errors.ts';
import { decimal, wholeNumber, withExample } from './shared/options.ts';

const usual = USUAL_WORKLOAD;

const command = new Command('plan')
  .description('Works out settings, units, dollars a month, and what breaks first, for a load.')
  .option('--events-per-second <n>', 'mean of the month', decimal(0.001, 1e8), usual.eventsPerSecond)
  .option('--entities <n>', 'different counters, (metric, entity)', wholeNumber(1, 1e12), usual.entities)
  .option('--skew <n>', "Zipf's exponent; 0: all alike", decimal(0, 5), usual.skew)
  .option(
    '--freshness <seconds>',
    'from arrival until an event can be read, at most',
    decimal(1, 86_400),
    usual.freshnessSeconds,
  )
  .option(
    '--hot-share <n>',
    'share of all events that one more entity gets',
    decimal(0, 0.999),
    usual.hotShare,
  )
  .option('--peak <n>', 'times the mean in the busiest minute', decimal(1, 1_000), usual.peakFactor)
  .option('--per-request <n>', 'events a request', wholeNumber(1, 500), usual.eventsPerRequest)
  .option('--per-record <n>', 'events a record', wholeNumber(1, 10_000), usual.eventsPerRecord)
  .option('--event-bytes <n>', 'an event as JSON', wholeNumber(20, 100_000), usual.eventBytes)
  .option('--table', 'print the table of docs/plan.md')
  .option('--prices', 'print the price list')
  .action(async (given) => {
    const { priceList, report } = await import('../plan/report.ts');
    if (given.prices === true) return console.log(priceList());
    if (given.table === true) {
      const { COMPARED, comparison, planned } = await import('../plan/comparison.ts');
      return console.log(comparison(planned(COMPARED)));
    }
    const { chooseSettings, NoSettings } = await import('../plan/choose.ts');
    const workload: Workload = {
      ...usual,
      eventsPerSecond: given.eventsPerSecond,
      entities: given.entities,
      skew: given.skew,
      freshnessSeconds: given.freshness,
      hotShare: given.hotShare,
      peakFactor: given.peak,
      eventsPerRequest: given.perRequest,
      eventsPerRecord: given.perRecord,
      eventBytes: given.eventBytes,
    };
    try {
      console.log(report(chooseSettings(workload)));
    } catch (error) {
      if (!(error instanceof NoSettings)) throw error;
      throw new OperatorError(error.message, exitCodes.failed, { cause: error });
    }
  });

export const planCommand = withExample(
  command,
  'npx tally plan --events-per-second 1000 --entities 1,000,000',
);
