// Every alarm of a stage: each one is worth waking someone, or requires action.
import { type IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Configuration } from './configuration.ts';
import type { HandlerFunction, Platform } from './handler-function.ts';
import { FIVE_MINUTES, ONE_MINUTE, reportedIn, sums } from './metrics.ts';

/** What alarms and the dashboard watch. */
export interface Watched extends Platform {
  readonly aggregator: HandlerFunction;
}

/** An alarm, in ALARM when `metric` exceeds the threshold in `datapoints` of `periods` periods. */
export interface AlarmPlan {
  readonly id: string;
  readonly metric: IMetric;
  readonly above: number;
  readonly datapoints: number;
  readonly periods: number;
  /** How to treat missing data. By default, no traffic means no data and no alarm. */
  readonly missing?: TreatMissingData;
  /** What it means, and what is at stake. */
  readonly description: string;
  /** Section of docs/runbook.md; by default the id: `RecordsLost`, `records-lost`. */
  readonly runbook?: string;
}

/** The composite of all alarms on late counts: one mail for an outage, not one for each alarm. */
export const LATE = {
  id: 'CountsLate',
  description:
    'Events wait longer than they should. Nothing is lost; counting goes on when the cause is mended.',
} as const;

const oldest = { statistic: 'Maximum', period: ONE_MINUTE } as const;
/** A single datapoint suffices. */
const once = { above: 0, datapoints: 1, periods: 1 } as const;
/** Sustained over three periods, not a burst. */
const onEnd = { above: 0, datapoints: 3, periods: 3 } as const;

/** Clients give up or retry long before API Gateway's own 29 seconds. */
const LATENCY_MS_MAX = 5_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** At least four failed runs (compactionSeconds), and well before deltaRetentionDays. */
const COMPACTION_LAG_HOURS = 4;

/** Alarms that each send mail. */
export function alarms({ configuration: c, frontDoor: { api }, stream, aggregator }: Watched): AlarmPlan[] {
  const reported = reportedIn(c.stage);
  return [
    // Counts may be wrong, and stay wrong until someone acts.
    {
      id: 'RecordsLost',
      metric: reported('RecordsLost'),
      ...once,
      description: 'The stream trimmed records before they were counted. Their events are lost.',
    },
    {
      id: 'ShardsLost',
      metric: reported('ShardsLost'),
      ...once,
      description:
        'The stream dropped a shard before it was read to its end. Some of its events may be lost.',
      runbook: 'records-lost',
    },
    {
      id: 'Conservation',
      metric: reported('ConservationDifference', 'Maximum'),
      ...once,
      description: 'Received events and the sum of all places differ. The ledger contradicts itself.',
    },
    {
      id: 'DeltasMissing',
      metric: reported('DeltasMissing'),
      ...once,
      description:
        'Compaction has stopped: deltas that it must read are gone or do not add up to their segment.',
    },
    {
      id: 'CanaryDifference',
      // The minimum of five readings: a single one may be slightly stale.
      metric: reported('CanaryDifference', 'Minimum'),
      ...once,
      description:
        "The canary's events are counted too often or too seldom, so other counts may be wrong too.",
    },
    // Events will be lost when the retention of their storage ends.
    {
      id: 'StreamRetentionAtRisk',
      metric: aggregator.function.metric('IteratorAge', oldest),
      ...once,
      above: (c.streamRetentionHours / 2) * HOUR_MS,
      description: `The oldest record that is not counted is over ${c.streamRetentionHours / 2} hours old, half of what the stream keeps. Last call: after the other half it is lost.`,
    },
    // Clients cannot send events, or cannot read counts.
    {
      id: 'FrontDoorErrors',
      metric: api.metricServerError({ statistic: 'Average', period: FIVE_MINUTES }),
      above: 0.01,
      datapoints: 2,
      periods: 3,
      description:
        'More than 1 % of requests were answered with 5xx for ten minutes. Clients send them again.',
    },
    {
      id: 'FrontDoorLatency',
      metric: api.metricLatency({ statistic: 'p99', period: FIVE_MINUTES }),
      ...onEnd,
      above: LATENCY_MS_MAX,
      description: `One request in a hundred took over ${LATENCY_MS_MAX / 1000} seconds for 15 minutes. Clients give up and send again, which adds to the load.`,
    },
    {
      id: 'StreamThrottled',
      metric: stream.metricWriteProvisionedThroughputExceeded(sums),
      ...onEnd,
      description: 'Writes exceeded a shard for 15 minutes. Events are refused until clients repeat them.',
    },
    {
      id: 'QueriesFailed',
      metric: reported('QueriesFailed'),
      ...onEnd,
      description: 'Queries were answered with 503 for 15 minutes. Counting is not affected.',
    },
    // Problems that persist until an operator acts.
    {
      id: 'Parked',
      metric: reported('DeadLettersParked'),
      ...once,
      description:
        'A dead letter was parked in the archive, or an object of access logs. Its events are not counted until you act.',
    },
    {
      id: 'RetryParameter',
      metric: reported('RetryParameterProblems'),
      ...once,
      // Read every minute, so a single failure may be a brief service error.
      above: 1,
      description:
        'The retry parameter is missing or wrong. The last good values hold; the change has no effect.',
    },
  ];
}

/** Five minutes for retries on the way, plus the configured batching windows. */
function canaryLateMinutes(c: Configuration): number {
  return 5 + Math.floor(c.aggregatorWindowSeconds / 60);
}

/** The longest a message may wait with all its retries, plus the normal processing time. */
function completeThroughLagSeconds(c: Configuration): number {
  return c.queueAgeAlarmMinutes * 60 + c.freshnessAlarmSeconds;
}

/** The alarms that CountsLate combines. The first one that stays in ALARM shows where to look. */
export function lateAlarms({ configuration: c, aggregator, queue, deadLetters }: Watched): AlarmPlan[] {
  const reported = reportedIn(c.stage);
  return [
    {
      id: 'IteratorAge',
      metric: aggregator.function.metric('IteratorAge', oldest),
      ...onEnd,
      above: c.iteratorAgeAlarmMinutes * MINUTE_MS,
      description: `The oldest record that is not counted is over ${c.iteratorAgeAlarmMinutes} minutes old (iteratorAgeAlarmMinutes). A shard is held back.`,
    },
    {
      id: 'QueueAge',
      metric: queue.metricApproximateAgeOfOldestMessage(oldest),
      ...onEnd,
      above: c.queueAgeAlarmMinutes * 60,
      description: `A rollup message has waited over ${c.queueAgeAlarmMinutes} minutes (queueAgeAlarmMinutes). The writer does not keep up, or the table refuses it.`,
    },
    {
      id: 'DeadLetters',
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({
        statistic: 'Maximum',
        period: FIVE_MINUTES,
      }),
      ...onEnd,
      description:
        'Dead letters have waited for 15 minutes. The redriver does not run, or the tables are not healthy.',
    },
    {
      id: 'Freshness',
      metric: reported('Freshness', 'p99'),
      ...onEnd,
      above: c.freshnessAlarmSeconds * 1000,
      description: `One event in a hundred took over ${c.freshnessAlarmSeconds} seconds until it was counted (freshnessAlarmSeconds), for 15 minutes.`,
    },
    {
      id: 'CompleteThroughLag',
      metric: reported('CompleteThroughLag', 'Maximum'),
      above: completeThroughLagSeconds(c) * 1000,
      datapoints: 2,
      periods: 2,
      // Neither an unknown watermark nor a stopped accountant reports anything.
      missing: TreatMissingData.BREACHING,
      description: `completeThrough is over ${completeThroughLagSeconds(c)} seconds old, or unknown: one part is not counted, or the aggregator or the accountant stands still.`,
    },
    {
      id: 'CompactionLag',
      metric: reported('CompactionLag', 'Maximum'),
      ...onEnd,
      above: COMPACTION_LAG_HOURS * HOUR_MS,
      missing: TreatMissingData.BREACHING,
      description: `A delta has waited over ${COMPACTION_LAG_HOURS} hours for its block, or the compactor stands still. Counts stay right; reads cost more and get slower.`,
    },
    {
      id: 'CanaryLate',
      metric: reported('CanaryLateMinutes', 'Maximum', ONE_MINUTE),
      ...onEnd,
      above: canaryLateMinutes(c),
      missing: TreatMissingData.BREACHING,
      description: `The canary's events are not counted after ${canaryLateMinutes(c)} minutes, or the canary does not run.`,
    },
  ];
}
