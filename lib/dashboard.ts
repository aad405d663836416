// The dashboard: alarms, Tally's own metrics, then the four golden signals of each stage, left to right along an event's path.
import {
  type AlarmBase,
  AlarmStatusWidget,
  Column,
  Dashboard,
  GraphWidget,
  type IMetric,
  type IWidget,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Watched } from './alarms.ts';
import type { Configuration } from './configuration.ts';
import { type Reported, reportedIn, sums } from './metrics.ts';

const WIDTH_ALL = 24;
const GRAPH_HEIGHT = 5;
const p50 = { statistic: 'p50' } as const;
const p99 = { statistic: 'p99' } as const;
const most = { statistic: 'Maximum' } as const;

const READ_ON =
  'What to do: `docs/runbook.md`, a section for each alarm. What each figure counts: `docs/metrics.md`. Where every event is: `GET /v1/status`.';

interface Part extends Record<'traffic' | 'latency' | 'errors' | 'saturation', IMetric[]> {
  readonly title: string;
}

export function createDashboard(scope: Construct, watched: Watched, alarms: readonly AlarmBase[]): Dashboard {
  const c = watched.configuration;
  const reported = reportedIn(c.stage);
  const dashboard = new Dashboard(scope, 'Dashboard', { dashboardName: `tally-${c.stage}` });
  dashboard.addWidgets(
    new AlarmStatusWidget({ title: 'Alarms', alarms: [...alarms], width: 18, height: 4 }),
    new TextWidget({ markdown: READ_ON, width: 6, height: 4 }),
  );
  dashboard.addWidgets(...ownFigures(c, reported));
  const parts = partsOf(watched, reported);
  dashboard.addWidgets(...parts.map((part) => column(part, WIDTH_ALL / parts.length)));
  return dashboard;
}

/** Client → front door → stream → aggregator → queue → table; dead letters beside it. */
function partsOf(
  {
    frontDoor: { api },
    stream,
    queue,
    deadLetters,
    counts,
    ledger,
    aggregator: { function: aggregator },
  }: Watched,
  reported: Reported,
): Part[] {
  return [
    {
      title: 'Front door',
      traffic: [api.metricCount(sums)],
      latency: [api.metricLatency(p50), api.metricLatency(p99)],
      errors: [api.metricClientError(sums), api.metricServerError(sums), reported('QueriesFailed')],
      saturation: [stream.metric('PutRecords.ThrottledRecords', sums)],
    },
    {
      title: 'Stream',
      traffic: [stream.metricIncomingRecords(sums), stream.metricIncomingBytes(sums)],
      latency: [stream.metricGetRecordsIteratorAgeMilliseconds(most)],
      errors: [stream.metric('PutRecords.FailedRecords', sums), reported('RecordsLost')],
      saturation: [stream.metricWriteProvisionedThroughputExceeded(sums)],
    },
    {
      title: 'Aggregator',
      traffic: [reported('EventsReceived')],
      latency: [aggregator.metric('IteratorAge', most), aggregator.metricDuration(p99)],
      errors: [aggregator.metricErrors(sums), reported('EventsRejected')],
      saturation: [aggregator.metricThrottles(sums), ledger.metric('WriteThrottleEvents', sums)],
    },
    {
      title: 'Queue',
      traffic: [queue.metricNumberOfMessagesSent(sums), queue.metricNumberOfMessagesDeleted(sums)],
      latency: [queue.metricApproximateAgeOfOldestMessage(most)],
      errors: [reported('DeadLettersReturned'), reported('DeadLettersParked')],
      saturation: [
        queue.metricApproximateNumberOfMessagesVisible(most),
        deadLetters.metricApproximateNumberOfMessagesVisible(most),
      ],
    },
    {
      title: 'Table',
      traffic: [counts.metricConsumedWriteCapacityUnits(sums), ledger.metricConsumedWriteCapacityUnits(sums)],
      latency: [reported('CompactionLag', 'Maximum')],
      errors: [reported('DeltasMissing'), reported('EventsExpired')],
      saturation: [counts.metric('WriteThrottleEvents', sums), counts.metric('ReadThrottleEvents', sums)],
    },
  ];
}

/** A stage's four golden signals, one below the other. */
function column({ title, ...signals }: Part, width: number): Column {
  return new Column(
    ...Object.entries(signals).map(
      ([signal, left]) =>
        new GraphWidget({
          title: `${title}: ${signal}`,
          left,
          width: Math.floor(width),
          height: GRAPH_HEIGHT,
          leftYAxis: { min: 0 },
        }),
    ),
  );
}

/** Metrics that no AWS service has: how late counts are, whether the accounts are right, what happened to events. */
function ownFigures(c: Configuration, reported: Reported): IWidget[] {
  const graph = (title: string, left: IMetric[], limitMs?: number) =>
    new GraphWidget({
      title,
      left,
      width: WIDTH_ALL / 4,
      height: GRAPH_HEIGHT + 1,
      leftYAxis: { min: 0 },
      ...(limitMs !== undefined && { leftAnnotations: [{ value: limitMs, label: 'alarm' }] }),
    });
  return [
    graph(
      'Counts: freshness',
      [reported('Freshness', 'p50'), reported('Freshness', 'p99')],
      c.freshnessAlarmSeconds * 1000,
    ),
    graph('Counts: completeThrough', [reported('CompleteThroughLag', 'Maximum')]),
    graph('Counts: events', [
      reported('EventsReceived'),
      reported('EventsCounted'),
      reported('EventsDuplicate'),
      reported('EventsRejected'),
    ]),
    graph('Counts: contradictions', [
      reported('ConservationDifference', 'Maximum'),
      reported('CanaryDifference', 'Maximum'),
      reported('ShardsLost'),
    ]),
    ...(c.accessLogs.length === 0 ? [] : [graph('Counts: access logs', [reported('EventsCollected')])]),
  ];
}
