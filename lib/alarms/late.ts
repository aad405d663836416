// Counts may be late: something waits, or makes others wait. Nothing is lost by that, and it is counted when it goes on.
import { MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Configuration } from '../configuration.ts';
import { FIVE_MINUTES, ONE_MINUTE, type Reported, sums } from '../tally-metric.ts';
import type { Watched } from '../watched.ts';
import { type AlarmGroup, type AlarmPlan, onEnd } from './alarm-plan.ts';
import { alarmsOfFunctions } from './functions.ts';
import { silence } from './silence.ts';

/** What holds counts back, in the order an event passes it; then what the counts themselves say. */
export function late(c: Configuration, watched: Watched, reported: Reported): AlarmGroup {
  return {
    id: 'CountsMayBeLate',
    description:
      'Events wait somewhere on their way for longer than they should, so counts lag behind; what waits is kept, and counted when the cause is mended.',
    runbook: 'counts-may-be-late',
    alarms: [
      ...alarmsOfAggregation(c, watched, reported),
      ...alarmsOfWriting(c, watched),
      ...alarmsOfFunctions(watched, ['aggregator', 'writer', 'redriver', 'compactor']),
      ...alarmsOfDelay(c, reported),
    ],
  };
}

function alarmsOfAggregation(c: Configuration, { functions }: Watched, reported: Reported): AlarmPlan[] {
  return [
    {
      id: 'IteratorAge',
      metric: functions.aggregator.metric('IteratorAge', { statistic: 'Maximum', period: ONE_MINUTE }),
      threshold: { above: c.iteratorAgeAlarmMinutes * 60_000 },
      datapoints: 3,
      periods: 3,
      description: `The oldest record not yet aggregated is over ${c.iteratorAgeAlarmMinutes} minutes old (setting iteratorAgeAlarmMinutes): a shard is held back, counts lag, nothing is lost.`,
      runbook: 'iterator-age',
    },
    {
      id: 'AggregatorSilent',
      ...silence(reported, { service: 'aggregator', metricName: 'RecordsRead', periods: 3 }),
      description:
        "The aggregator has read nothing for 15 minutes, although the canary's records arrive every minute: its mapping is off or may not read the stream, which the iterator age can not show.",
      runbook: 'aggregator-silent',
    },
  ];
}

function alarmsOfWriting(c: Configuration, { queue, deadLetters, counters, ledger }: Watched): AlarmPlan[] {
  return [
    {
      id: 'QueueAge',
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: ONE_MINUTE }),
      threshold: { above: c.queueAgeAlarmMinutes * 60 },
      datapoints: 3,
      periods: 3,
      description: `A rollup message has waited over ${c.queueAgeAlarmMinutes} minutes (setting queueAgeAlarmMinutes), longer than all of its retries take: the writer does not keep up or the counters refuse it.`,
      runbook: 'queue-age',
    },
    {
      id: 'CountersThrottled',
      metric: counters.metric('WriteThrottleEvents', sums),
      ...onEnd,
      description:
        'Writes to the counters were throttled for 15 minutes on end: one entity is hotter than a partition takes (1,000 units a second) or the table is too small; messages wait, nothing is lost.',
      runbook: 'counters-throttled',
    },
    {
      id: 'LedgerThrottled',
      metric: new MathExpression({
        expression: 'FILL(reads, 0) + FILL(writes, 0)',
        usingMetrics: {
          reads: ledger.metric('ReadThrottleEvents', sums),
          writes: ledger.metric('WriteThrottleEvents', sums),
        },
        label: 'Throttled reads and writes of the ledger',
        period: FIVE_MINUTES,
      }),
      ...onEnd,
      description:
        'The ledger was throttled for 15 minutes on end: neither a segment is planned nor a part acknowledged without it, so everything on the way waits.',
      runbook: 'ledger-throttled',
    },
    {
      id: 'DeadLetters',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        statistic: 'Maximum',
        period: FIVE_MINUTES,
      }),
      ...onEnd,
      description:
        'Dead letters have waited for 15 minutes: the redriver empties the queue every minute while the counters are healthy, so it does not run or they are not.',
      runbook: 'dead-letters',
    },
  ];
}

/** Five minutes for everything that is repeated on the way, and as long as events may be gathered on purpose. */
function canaryLateMinutes(c: Configuration): number {
  return 5 + Math.floor((c.aggregatorWindowSeconds + c.writerWindowSeconds) / 60);
}

/** The longest that a message may wait with all its retries, and what counting takes anyway. */
function completeThroughLagSeconds(c: Configuration): number {
  return c.queueAgeAlarmMinutes * 60 + c.freshnessAlarmSeconds;
}

/** An hour is closed an hour and some minutes after it began; a run that failed is made up for by the next ones. */
const LEVELS_LAG_HOURS = 4;

function alarmsOfDelay(c: Configuration, reported: Reported): AlarmPlan[] {
  return [
    {
      id: 'Freshness',
      metric: reported('writer', 'Freshness', 'p99'),
      threshold: { above: c.freshnessAlarmSeconds * 1000 },
      datapoints: 3,
      periods: 3,
      description: `One event in a hundred took over ${c.freshnessAlarmSeconds} seconds from its arrival until it was counted (setting freshnessAlarmSeconds), for 15 minutes on end: retries and a few dead letters that come back do not last as long.`,
      runbook: 'freshness',
    },
    {
      id: 'CompleteThroughLag',
      metric: reported('accountant', 'CompleteThroughLag', 'Maximum'),
      threshold: { above: completeThroughLagSeconds(c) * 1000 },
      datapoints: 2,
      periods: 2,
      // A claim that can not be made is not reported, and neither is one by an accountant that does not run.
      missing: TreatMissingData.BREACHING,
      description: `completeThrough, up to which every answer vouches for its counts, is over ${completeThroughLagSeconds(c)} seconds old (queueAgeAlarmMinutes and freshnessAlarmSeconds), or has not been told for ten minutes, as in the first minutes of a new stack: one part that is not counted holds it back.`,
      runbook: 'complete-through-lag',
    },
    {
      id: 'LevelsLag',
      metric: reported('compactor', 'LevelsLag', 'Maximum'),
      threshold: { above: LEVELS_LAG_HOURS * 3_600_000 },
      datapoints: 3,
      periods: 3,
      // Nothing is told before the first hour is closed, and by a compactor that does not run.
      missing: TreatMissingData.BREACHING,
      description: `The hours of the last ${LEVELS_LAG_HOURS} are not in the levels, which take an hour up a few minutes after it is over, or nothing has been told for 15 minutes: answers stay right and cost more to read.`,
      runbook: 'levels-lag',
    },
    {
      id: 'CanaryLate',
      metric: reported('canary', 'CanaryLateMinutes', 'Maximum', ONE_MINUTE),
      threshold: { above: canaryLateMinutes(c) },
      datapoints: 3,
      periods: 3,
      description: `The canary's events are not counted ${canaryLateMinutes(c)} minutes later: five for what is repeated on the way, and both batching windows.`,
      runbook: 'canary-late',
    },
  ];
}
