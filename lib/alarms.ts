// The alarms: what each watches, why its threshold is what it is, and where the runbook says what to do.
import { Duration } from 'aws-cdk-lib';
import { type IMetric, MathExpression, Metric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Configuration } from './configuration.ts';
import type { Watched } from './observability.ts';

/** One alarm. It goes off when `metric` is above the threshold in `datapoints` of `periods` periods. */
export interface AlarmPlan {
  readonly id: string;
  readonly metric: IMetric;
  readonly above: number;
  readonly datapoints: number;
  readonly periods: number;
  /** What it means that there are no figures; not breaching unless it says so. */
  readonly missing?: TreatMissingData;
  /** What it means, and why there. */
  readonly description: string;
  /** Section of docs/runbook.md. */
  readonly runbook: string;
}

const ONE_MINUTE = Duration.minutes(1);
const FIVE_MINUTES = Duration.minutes(5);
const sums = { statistic: 'Sum', period: FIVE_MINUTES } as const;

/** Every alarm of the stack, in the order an event passes what they watch. */
export function alarmPlans(c: Configuration, watched: Watched): AlarmPlan[] {
  return [...alarmsOfTheWay(c, watched), ...alarmsOfCounts(c), ...alarmsOfFunctions(watched)];
}

function alarmsOfTheWay(c: Configuration, watched: Watched): AlarmPlan[] {
  const { api, stream, queue, deadLetters, counters, functions } = watched;
  const iteratorAge = functions.aggregator.metric('IteratorAge', {
    statistic: 'Maximum',
    period: ONE_MINUTE,
  });
  const halfRetentionHours = c.streamRetentionHours / 2;
  return [
    {
      id: 'FrontDoorErrors',
      metric: api.metricServerError({ statistic: 'Average', period: FIVE_MINUTES }),
      above: 0.01,
      datapoints: 2,
      periods: 3,
      description:
        'More than 1 % of requests were answered with 5xx, partly taken ones among them: clients repeat those, so a single burst is no matter, ten minutes of it are.',
      runbook: 'front-door-errors',
    },
    {
      id: 'StreamThrottled',
      metric: stream.metricWriteProvisionedThroughputExceeded(sums),
      above: 0,
      datapoints: 3,
      periods: 3,
      description:
        'Writes exceeded a shard for 15 minutes on end: events are turned away until clients repeat them, so the stream needs shards.',
      runbook: 'stream-throttled',
    },
    {
      id: 'IteratorAge',
      metric: iteratorAge,
      above: c.iteratorAgeAlarmMinutes * 60_000,
      datapoints: 3,
      periods: 3,
      description: `The oldest record not yet aggregated is over ${c.iteratorAgeAlarmMinutes} minutes old (setting iteratorAgeAlarmMinutes): a shard is held back, counts lag, nothing is lost.`,
      runbook: 'iterator-age',
    },
    {
      id: 'RetentionAtRisk',
      metric: iteratorAge,
      above: halfRetentionHours * 3_600_000,
      datapoints: 1,
      periods: 1,
      description: `The oldest record not yet aggregated is over ${halfRetentionHours} hours old, half of what the stream keeps: past the other half events are lost.`,
      runbook: 'retention-at-risk',
    },
    {
      id: 'AggregatorSilent',
      metric: new MathExpression({
        expression: 'IF(FILL(records, 0) > 0 AND FILL(invocations, 0) == 0, 1, 0)',
        usingMetrics: {
          records: stream.metricIncomingRecords(sums),
          invocations: functions.aggregator.metricInvocations(sums),
        },
        label: 'Records, but no invocation',
        period: FIVE_MINUTES,
      }),
      above: 0,
      datapoints: 3,
      periods: 3,
      description:
        'Records arrived for 15 minutes and the aggregator was never invoked: its mapping is off or may not read the stream, which the iterator age can not show.',
      runbook: 'aggregator-silent',
    },
    {
      id: 'QueueAge',
      metric: queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum', period: ONE_MINUTE }),
      above: c.queueAgeAlarmMinutes * 60,
      datapoints: 3,
      periods: 3,
      description: `A rollup message has waited over ${c.queueAgeAlarmMinutes} minutes (setting queueAgeAlarmMinutes), longer than all of its retries take: the writer does not keep up or the counters refuse it.`,
      runbook: 'queue-age',
    },
    {
      id: 'CountersThrottled',
      metric: counters.metric('WriteThrottleEvents', sums),
      above: 0,
      datapoints: 3,
      periods: 3,
      description:
        'Writes to the counters were throttled for 15 minutes on end: one entity is hotter than a partition takes (1,000 units a second) or the table is too small; messages wait, nothing is lost.',
      runbook: 'counters-throttled',
    },
    {
      id: 'DeadLetters',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        statistic: 'Maximum',
        period: FIVE_MINUTES,
      }),
      above: 0,
      datapoints: 3,
      periods: 3,
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

/** Alarms on what the functions themselves report. */
function alarmsOfCounts(c: Configuration): AlarmPlan[] {
  const reported = (service: string, metricName: string, statistic = 'Sum', period = FIVE_MINUTES) =>
    new Metric({
      namespace: 'Tally',
      metricName,
      dimensionsMap: { service, stage: c.stage },
      statistic,
      period,
    });
  const once = { above: 0, datapoints: 1, periods: 1 };
  return [
    {
      id: 'RecordsLost',
      metric: new MathExpression({
        expression: 'FILL(lost, 0) + FILL(gaps, 0) + FILL(dropped, 0)',
        usingMetrics: {
          lost: reported('aggregator', 'RecordsLost'),
          gaps: reported('aggregator', 'StreamGaps'),
          dropped: reported('accountant', 'StreamGaps'),
        },
        label: 'Records lost and gaps',
        period: FIVE_MINUTES,
      }),
      ...once,
      description:
        'The stream trimmed records before they were counted, or may have: the only alarm that means loss, so the first one is enough.',
      runbook: 'records-lost',
    },
    {
      id: 'Parked',
      metric: reported('redriver', 'DeadLettersParked'),
      ...once,
      description:
        'A dead letter was parked in the archive: it waits there for an operator, and for nobody else, so the first one is enough.',
      runbook: 'parked',
    },
    {
      id: 'Conservation',
      metric: reported('accountant', 'ConservationDifference', 'Maximum'),
      ...once,
      description:
        'Received events and the sum of all places differ in the status, which can not be while the ledger is whole.',
      runbook: 'conservation',
    },
    {
      id: 'Audit',
      metric: reported('auditor', 'AuditDifferences'),
      ...once,
      description:
        'An audit found counter items that differ from what segments emitted, so counts may be wrong until they are repaired.',
      runbook: 'audit',
    },
    {
      id: 'CanaryDifference',
      // The least of five readings: one alone may be a moment behind.
      metric: reported('canary', 'CanaryDifference', 'Minimum'),
      ...once,
      description:
        "The canary's events of a minute are counted too often or too seldom although everything that arrived then is said to be counted, so other counts may be wrong too.",
      runbook: 'canary-difference',
    },
    {
      id: 'CanaryLate',
      metric: reported('canary', 'CanaryLateMinutes', 'Maximum', ONE_MINUTE),
      above: canaryLateMinutes(c),
      datapoints: 3,
      periods: 3,
      // A canary that can neither send nor ask reports nothing, and that is as bad as being late.
      missing: TreatMissingData.BREACHING,
      description: `The canary's events are not counted ${canaryLateMinutes(c)} minutes later (five, and both batching windows), or it has not reported for three minutes, as in the first minutes of a new stack.`,
      runbook: 'canary-late',
    },
  ];
}

function alarmsOfFunctions({ functions }: Watched): AlarmPlan[] {
  return Object.entries(functions).flatMap(([noun, watched]) => {
    const name = `${noun[0]?.toUpperCase()}${noun.slice(1)}`;
    return [
      {
        id: `${name}Errors`,
        metric: watched.metricErrors(sums),
        above: 0,
        datapoints: 2,
        periods: 3,
        description: `The ${noun} failed in two of three spans of five minutes: one failure is repeated and forgotten, a second one is a cause.`,
        runbook: 'function-errors',
      },
      {
        id: `${name}Throttles`,
        metric: watched.metricThrottles(sums),
        above: 0,
        datapoints: 2,
        periods: 3,
        description: `The ${noun} was throttled in two of three spans of five minutes: the account's concurrency is used up.`,
        runbook: 'function-throttles',
      },
    ];
  });
}
