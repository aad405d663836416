// Every alarm of a stage: each one is worth waking someone, or requires action.
import { Duration } from 'aws-cdk-lib';
import { type AlarmProps, type IMetric, MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { OBJECTS_RETENTION_DAYS } from './collector.ts';
import type { Platform } from './handler-function.ts';
import { reportedIn, sums } from './metrics.ts';
import { DAY_SECONDS } from './settings.ts';

/** What alarms and the dashboard watch. */
export interface Watched extends Platform {
  readonly aggregator: LambdaFunction;
  readonly query: LambdaFunction;
  /** The queue of announced log objects, if the stack collects logs. */
  readonly objects: Queue | undefined;
}

/**
 * An alarm, in ALARM when its metric exceeds the threshold: by default 0, over three periods, not in a burst. By default, no
 * traffic means no data and no alarm.
 */
interface AlarmPlan extends Partial<AlarmProps> {
  readonly metric: IMetric;
  /** What it means, and what is at stake. */
  readonly description: string;
  /** Section of docs/runbook.md; by default the id: `RecordsLost`, `records-lost`. */
  readonly runbook?: string;
}

/** Alarms by id. */
export type AlarmPlans = Readonly<Record<string, AlarmPlan>>;

const ONE_MINUTE = Duration.minutes(1);
const oldest = { statistic: 'Maximum', period: ONE_MINUTE } as const;
/** A single datapoint suffices. */
const once = { datapointsToAlarm: 1, evaluationPeriods: 1 } as const;

/** Clients give up or retry long before API Gateway's own 29 seconds. */
const LATENCY_MS_MAX = 5_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** At least four failed runs (compactionSeconds), and well before deltaRetentionDays. */
const COMPACTION_LAG_HOURS = 4;

/** Alarms that each send mail. */
export function alarms(watched: Watched): AlarmPlans {
  const { configuration: c, frontDoor, stream, aggregator, query, objects } = watched;
  const { api } = frontDoor;
  const reported = reportedIn(c.stage);
  return {
    // Counts may be wrong, and stay wrong until someone acts.
    RecordsLost: {
      metric: reported('RecordsLost'),
      ...once,
      description: 'The stream trimmed records before they were counted. Their events are lost.',
    },
    ShardsLost: {
      metric: reported('ShardsLost'),
      ...once,
      description:
        'The stream dropped a shard before it was read to its end. Some of its events may be lost.',
      runbook: 'records-lost',
    },
    Conservation: {
      metric: reported('ConservationDifference', 'Maximum'),
      ...once,
      description: 'Received events and the sum of all places differ. The ledger contradicts itself.',
    },
    DeltasMissing: {
      metric: reported('DeltasMissing'),
      ...once,
      description:
        'Compaction has stopped: deltas that it must read are gone or do not add up to their segment.',
    },
    CanaryDifference: {
      // The minimum of five readings: a single one may be slightly stale.
      metric: reported('CanaryDifference', 'Minimum'),
      ...once,
      description:
        "The canary's events are counted too often or too seldom, so other counts may be wrong too.",
    },
    // Events will be lost when the retention of their storage ends.
    StreamRetentionAtRisk: {
      metric: aggregator.metric('IteratorAge', oldest),
      ...once,
      threshold: (c.streamRetentionHours / 2) * HOUR_MS,
      description: `The oldest record that is not counted is over ${c.streamRetentionHours / 2} hours old, half of what the stream keeps. Last call: after the other half it is lost.`,
    },
    ...(objects && {
      ObjectsAtRisk: {
        metric: objects.metricApproximateAgeOfOldestMessage(oldest),
        ...once,
        threshold: (OBJECTS_RETENTION_DAYS / 2) * DAY_SECONDS,
        description: `An object of access logs has waited over ${OBJECTS_RETENTION_DAYS / 2} days, half of what the queue keeps. After the other half it is forgotten.`,
        runbook: 'queue-age',
      },
    }),
    // Clients cannot send events, or cannot read counts.
    FrontDoorErrors: {
      metric: api.metricServerError({ statistic: 'Average' }),
      threshold: 0.01,
      datapointsToAlarm: 2,
      evaluationPeriods: 3,
      description:
        'More than 1 % of requests were answered with 5xx for ten minutes. Clients send them again.',
    },
    FrontDoorLatency: {
      metric: api.metricLatency({ statistic: 'p99' }),
      threshold: LATENCY_MS_MAX,
      description: `One request in a hundred took over ${LATENCY_MS_MAX / 1000} seconds for 15 minutes. Clients give up and send again, which adds to the load.`,
    },
    StreamThrottled: {
      metric: stream.metricWriteProvisionedThroughputExceeded(sums),
      description: 'Writes exceeded a shard for 15 minutes. Events are refused until clients repeat them.',
    },
    QueriesFailed: {
      // A run that is cut off reports nothing itself, and among many events it is too few for FrontDoorErrors.
      metric: new MathExpression({
        expression: 'SUM([answered, errors, throttles])',
        usingMetrics: {
          answered: reported('QueriesFailed'),
          errors: query.metricErrors(sums),
          throttles: query.metricThrottles(sums),
        },
      }),
      description: 'Queries were answered with 5xx for 15 minutes. No event is lost.',
    },
    // Problems that persist until an operator acts.
    Parked: {
      metric: reported('DeadLettersParked'),
      ...once,
      description:
        'A dead letter was parked in the archive, or an object of access logs. Its events are not counted until you act.',
    },
    RetryParameter: {
      metric: reported('RetryParameterProblems'),
      ...once,
      // Read every minute, so a single failure may be a brief service error.
      threshold: 1,
      description:
        'The retry parameter is missing or wrong. The last good values hold; the change has no effect.',
    },
  };
}

/** The alarms that CountsLate combines. The first one that stays in ALARM shows where to look. */
export function lateAlarms({ configuration: c, aggregator, queue, deadLetters }: Watched): AlarmPlans {
  const reported = reportedIn(c.stage);
  // The longest a message may wait with all its retries, plus the normal processing time.
  const lagSeconds = c.queueAgeAlarmMinutes * 60 + c.freshnessAlarmSeconds;
  // Five minutes for retries on the way, plus the configured batching windows.
  const canaryMinutes = 5 + Math.floor(c.aggregatorWindowSeconds / 60);
  return {
    IteratorAge: {
      metric: aggregator.metric('IteratorAge', oldest),
      threshold: c.iteratorAgeAlarmMinutes * MINUTE_MS,
      description: `The oldest record that is not counted is over ${c.iteratorAgeAlarmMinutes} minutes old (iteratorAgeAlarmMinutes). A shard is held back.`,
    },
    QueueAge: {
      metric: queue.metricApproximateAgeOfOldestMessage(oldest),
      threshold: c.queueAgeAlarmMinutes * 60,
      description: `A rollup message has waited over ${c.queueAgeAlarmMinutes} minutes (queueAgeAlarmMinutes). The writer does not keep up, or the table refuses it.`,
    },
    DeadLetters: {
      metric: deadLetters.metricApproximateNumberOfMessagesVisible({ statistic: 'Maximum' }),
      description:
        'Dead letters have waited for 15 minutes. The redriver does not run, or the tables are not healthy.',
    },
    Freshness: {
      metric: reported('Freshness', 'p99'),
      threshold: c.freshnessAlarmSeconds * 1000,
      description: `One event in a hundred took over ${c.freshnessAlarmSeconds} seconds until it was counted (freshnessAlarmSeconds), for 15 minutes.`,
    },
    CompleteThroughLag: {
      metric: reported('CompleteThroughLag', 'Maximum'),
      threshold: lagSeconds * 1000,
      datapointsToAlarm: 2,
      evaluationPeriods: 2,
      // Neither an unknown watermark nor a stopped accountant reports anything.
      treatMissingData: TreatMissingData.BREACHING,
      description: `completeThrough is over ${lagSeconds} seconds old, or unknown: one part is not counted, or the aggregator or the accountant stands still.`,
    },
    CompactionLag: {
      metric: reported('CompactionLag', 'Maximum'),
      threshold: COMPACTION_LAG_HOURS * HOUR_MS,
      treatMissingData: TreatMissingData.BREACHING,
      description: `A delta has waited over ${COMPACTION_LAG_HOURS} hours for its block, or the compactor stands still. Counts stay right; reads cost more and get slower.`,
    },
    CanaryLate: {
      metric: reported('CanaryLateMinutes', 'Maximum').with({ period: ONE_MINUTE }),
      threshold: canaryMinutes,
      treatMissingData: TreatMissingData.BREACHING,
      description: `The canary's events are not counted after ${canaryMinutes} minutes, or the canary cannot send, or does not run.`,
    },
  };
}
