// The dashboard: alarms, Tally's own metrics, then the four golden signals of each stage, left to right along an event's path.
import { Aws } from 'aws-cdk-lib';
import {
  type AlarmBase,
  AlarmStatusWidget,
  Column,
  Dashboard,
  GraphWidget,
  type HorizontalAnnotation,
  type IMetric,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Watched } from './alarms.ts';
import { reportedIn, sums } from './metrics.ts';

const fromZero = { leftYAxis: { min: 0 } } as const;
const p50 = { statistic: 'p50' } as const;
const p99 = { statistic: 'p99' } as const;
const most = { statistic: 'Maximum' } as const;

const READ_ON =
  'What to do: `docs/runbook.md`, a section for each alarm. What each figure counts: `docs/metrics.md`. Where every event is: `GET /v1/status`.';

type Signals = Record<'traffic' | 'latency' | 'errors' | 'saturation', IMetric[]>;

export function createDashboard(scope: Construct, watched: Watched, alarms: AlarmBase[]): void {
  // A dashboard's name is the account's, and a stage may be in two regions.
  const dashboardName = `tally-${watched.configuration.stage}-${Aws.REGION}`;
  const dashboard = new Dashboard(scope, 'Dashboard', { dashboardName });
  dashboard.addWidgets(
    new AlarmStatusWidget({ title: 'Alarms', alarms, width: 18, height: 4 }),
    new TextWidget({ markdown: READ_ON, width: 6, height: 4 }),
  );
  dashboard.addWidgets(...ownFigures(watched));
  const columns = Object.entries(signalsOf(watched));
  const size = { width: Math.floor(24 / columns.length), height: 5 };
  const column = ([part, signals]: [string, Signals]) =>
    new Column(
      ...Object.entries(signals).map(
        ([signal, left]) => new GraphWidget({ ...fromZero, ...size, title: `${part}: ${signal}`, left }),
      ),
    );
  dashboard.addWidgets(...columns.map(column));
}

/** Client → front door → stream → aggregator → queue → table; dead letters beside it. */
function signalsOf(watched: Watched): Record<string, Signals> {
  const { configuration: c, frontDoor, stream, aggregator, queue, deadLetters, counts, ledger } = watched;
  const { api } = frontDoor;
  const reported = reportedIn(c.stage);
  return {
    'Front door': {
      traffic: [api.metricCount(sums)],
      latency: [api.metricLatency(p50), api.metricLatency(p99)],
      errors: [
        api.metricClientError(sums),
        api.metricServerError(sums),
        reported('QueriesFailed'),
        watched.query.metricErrors(sums),
      ],
      saturation: [stream.metric('PutRecords.ThrottledRecords', sums), watched.query.metricThrottles(sums)],
    },
    Stream: {
      traffic: [stream.metricIncomingRecords(sums), stream.metricIncomingBytes(sums)],
      latency: [stream.metricGetRecordsIteratorAgeMilliseconds(most)],
      errors: [stream.metric('PutRecords.FailedRecords', sums), reported('RecordsLost')],
      saturation: [stream.metricWriteProvisionedThroughputExceeded(sums)],
    },
    Aggregator: {
      traffic: [reported('EventsReceived')],
      latency: [aggregator.metric('IteratorAge', most), aggregator.metricDuration(p99)],
      errors: [aggregator.metricErrors(sums), reported('EventsRejected')],
      saturation: [aggregator.metricThrottles(sums), ledger.metric('WriteThrottleEvents', sums)],
    },
    Queue: {
      traffic: [queue.metricNumberOfMessagesSent(sums), queue.metricNumberOfMessagesDeleted(sums)],
      latency: [queue.metricApproximateAgeOfOldestMessage(most)],
      errors: [reported('DeadLettersReturned'), reported('DeadLettersParked')],
      saturation: [
        queue.metricApproximateNumberOfMessagesVisible(most),
        deadLetters.metricApproximateNumberOfMessagesVisible(most),
      ],
    },
    Table: {
      traffic: [counts.metricConsumedWriteCapacityUnits(sums), ledger.metricConsumedWriteCapacityUnits(sums)],
      latency: [reported('CompactionLag', 'Maximum')],
      errors: [reported('DeltasMissing'), reported('EventsExpired')],
      saturation: [counts.metric('WriteThrottleEvents', sums), counts.metric('ReadThrottleEvents', sums)],
    },
  };
}

/** Metrics that no AWS service has: how late counts are, whether the accounts are right, what happened to events. */
function ownFigures({ configuration: c }: Watched): GraphWidget[] {
  const reported = reportedIn(c.stage);
  const figure = (name: string, left: IMetric[], leftAnnotations: HorizontalAnnotation[] = []) =>
    new GraphWidget({ ...fromZero, title: `Counts: ${name}`, left, leftAnnotations });
  return [
    figure(
      'freshness',
      [reported('Freshness', 'p50'), reported('Freshness', 'p99')],
      [{ value: c.freshnessAlarmSeconds * 1000, label: 'alarm' }],
    ),
    figure('completeThrough', [reported('CompleteThroughLag', 'Maximum')]),
    figure('events', [
      reported('EventsReceived'),
      reported('EventsCounted'),
      reported('EventsDuplicate'),
      reported('EventsRejected'),
    ]),
    figure('contradictions', [
      reported('ConservationDifference', 'Maximum'),
      reported('CanaryDifference', 'Maximum'),
      reported('ShardsLost'),
    ]),
    ...(c.accessLogs.length === 0 ? [] : [figure('access logs', [reported('EventsCollected')])]),
  ];
}
