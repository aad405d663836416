// The monthly cost of a stage without clients, from its synthesized template: the canary and the schedules keep running.
import { customMetrics } from '../lib/metrics.ts';
import { PRICES, usd } from './prices.ts';

/** A template's resources, as far as needed here. */
interface PricedTemplate {
  readonly Resources: Readonly<
    Record<string, { readonly Type: string; readonly Properties?: Readonly<Record<string, unknown>> }>
  >;
}

const MONTH_HOURS = 730;
const MONTH_MINUTES = MONTH_HOURS * 60;

/** Duration of a warm run without work, seconds; approximately as measured on local emulators. */
const RUN_SECONDS = 0.25;
/** The canary's event on each shard: plan, ids, entry and head; a row and its acknowledgement; the accountant's checkpoint. */
const WRITE_UNITS_A_MINUTE = 10;
const READ_UNITS_A_MINUTE = 30;
/** Lambda polls for messages with five pollers, 20 seconds per request. */
const QUEUE_REQUESTS_A_MINUTE = 15;
/** Lambda's own three lines, and the metrics. */
const LOG_BYTES_A_RUN = 1_000;

/** Computes the bill, in dollars a month by purpose. List prices, without free tiers. */
export function idleBill({ Resources }: PricedTemplate): Readonly<Record<string, number>> {
  const of = (type: string) => Object.values(Resources).filter(({ Type }) => Type === `AWS::${type}`);
  const values = (type: string, name: string) => of(type).map(({ Properties }) => Properties?.[name]);
  const shards = sum(values('Kinesis::Stream', 'ShardCount').map((count) => Number(count ?? 1)));
  const isExtended = values('Kinesis::Stream', 'RetentionPeriodHours').some((hours) => Number(hours) > 24);
  const memoriesMb = values('Lambda::Function', 'MemorySize').map(Number);
  const memoryGb = sum(memoriesMb) / memoriesMb.length / 1024;
  const always = customMetrics().filter(({ emitted }) => emitted === 'always').length;
  const scheduled = values('Events::Rule', 'ScheduleExpression').map(
    (text) => 1 / Number(/\d+/.exec(String(text))?.[0] ?? 1),
  );
  // For the canary's event an aggregator and a writer run for each shard, and the query that checks it.
  const runs = (sum(scheduled) + 2 * shards + 1) * MONTH_MINUTES;
  return {
    'stream, by shard': usd(PRICES.shardHours, shards * MONTH_HOURS),
    'stream, seven days of retention': isExtended ? usd(PRICES.extendedShardHours, shards * MONTH_HOURS) : 0,
    dashboard: usd(PRICES.dashboardMonths, of('CloudWatch::Dashboard').length),
    alarms:
      usd(PRICES.alarmMonths, sum(values('CloudWatch::Alarm', 'Metrics').map(metricsWatched))) +
      usd(PRICES.compositeAlarmMonths, of('CloudWatch::CompositeAlarm').length),
    'custom metrics': usd(PRICES.metricMonths, always),
    functions: usd(PRICES.lambdaRequests, runs) + usd(PRICES.lambdaGbSeconds, runs * RUN_SECONDS * memoryGb),
    tables:
      usd(PRICES.writeUnits, shards * WRITE_UNITS_A_MINUTE * MONTH_MINUTES) +
      usd(PRICES.readUnits, shards * READ_UNITS_A_MINUTE * MONTH_MINUTES),
    'requests of canary and pollers':
      usd(PRICES.gatewayRequests, MONTH_MINUTES) +
      usd(PRICES.sqsRequests, QUEUE_REQUESTS_A_MINUTE * MONTH_MINUTES),
    logs: usd(PRICES.logGb, (runs * LOG_BYTES_A_RUN) / 1e9),
  };
}

/** Metrics of an alarm, each of which costs: one, or those that its expression combines. */
function metricsWatched(metrics: unknown): number {
  return Array.isArray(metrics) ? metrics.filter((each) => 'MetricStat' in each).length : 1;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}
