// `tally plan`: dollars a month, settings, and what breaks first, for a load.
import { USUAL_WORKLOAD, type Workload } from '../plan/workload.ts';
import { commandOf, decimal, wholeNumber } from './shared/options.ts';

const usual = USUAL_WORKLOAD;

export const planCommand = commandOf(
  'plan',
  'Compute the monthly cost, the settings and the first limit for a load.',
  'npx tally plan --events-per-second 1,000 --entities 1,000,000',
)
  .option('--events-per-second <n>', 'mean of the month', decimal(0.01, 1e6), usual.eventsPerSecond)
  .option('--entities <n>', 'different entities', decimal(1, 1e7), usual.entities)
  .option('--skew <n>', "Zipf's exponent; 0: all alike", decimal(0, 5), usual.skew)
  .option('--uuid', 'entities are named by UUIDs')
  .option('--peak <n>', 'times the mean in the busiest minute', decimal(1, 1_000), usual.peakFactor)
  .option('--window <seconds>', 'aggregatorWindowSeconds', wholeNumber(1, 300), usual.windowSeconds)
  .option('--per-request <n>', 'events a request', wholeNumber(1, 500), usual.eventsPerRequest)
  .option(
    '--per-record <n>',
    'events a record: more than 1 are a batch, which is a request',
    wholeNumber(1, 500),
    usual.eventsPerRecord,
  )
  .option('--event-bytes <n>', 'an event as JSON', wholeNumber(20, 100_000), usual.eventBytes)
  .option('--sample <n>', 'events in the sample', wholeNumber(1_000, 10_000_000), 200_000)
  .option('--prices', 'print the price list')
  .action(async (given) => {
    const { priceList, report } = await import('../plan/report.ts');
    if (given.prices === true) return console.log(priceList());
    const { sample } = await import('../plan/sample.ts');
    const workload: Workload = {
      eventsPerSecond: given.eventsPerSecond,
      peakFactor: given.peak,
      entities: Math.round(given.entities),
      skew: given.skew,
      names: given.uuid === true ? 'uuid' : 'path',
      eventsPerRequest: given.perRequest,
      eventsPerRecord: given.perRecord,
      eventBytes: given.eventBytes,
      windowSeconds: given.window,
    };
    console.log(report(workload, await sample(workload, given.sample)));
  });
