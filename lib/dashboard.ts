// The dashboard: one column for each room, from left to right as an event travels.
import {
  type Alarm,
  AlarmStatusWidget,
  Column,
  Dashboard,
  GraphWidget,
  type IMetric,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import type { Watched } from './observability.ts';

const WIDTH_ALL = 24;

interface Room {
  readonly title: string;
  /** How much passes. */
  readonly flow: IMetric[];
  /** How long it waits, or takes. */
  readonly delay: IMetric[];
  /** What goes wrong. */
  readonly trouble: IMetric[];
}

/** Creates the dashboard `tally-<stage>`. */
export function createDashboard(
  scope: Construct,
  c: Configuration,
  watched: Watched,
  alarms: Alarm[],
): Dashboard {
  const dashboard = new Dashboard(scope, 'Dashboard', { dashboardName: `tally-${c.stage}` });
  dashboard.addWidgets(new AlarmStatusWidget({ title: 'Alarms', alarms, width: WIDTH_ALL, height: 3 }));
  const rooms = roomsOf(watched);
  dashboard.addWidgets(...rooms.map((room) => column(room, WIDTH_ALL / rooms.length)));
  return dashboard;
}

function column({ title, flow, delay, trouble }: Room, width: number): Column {
  const graph = (subject: string, left: IMetric[]) =>
    new GraphWidget({ title: `${title}: ${subject}`, left, width, height: 6, leftYAxis: { min: 0 } });
  return new Column(graph('flow', flow), graph('delay', delay), graph('trouble', trouble));
}

/** Six columns, since 24 units divide by six. */
function roomsOf({ api, stream, queue, deadLetters, counters, ledger, functions }: Watched): Room[] {
  const { aggregator, writer, redriver } = functions;
  return [
    {
      title: 'Front door',
      flow: [api.metricCount()],
      delay: [api.metricLatency({ statistic: 'p99' }), api.metricIntegrationLatency({ statistic: 'p99' })],
      trouble: [api.metricClientError({ statistic: 'Sum' }), api.metricServerError({ statistic: 'Sum' })],
    },
    {
      title: 'Stream',
      flow: [stream.metricIncomingRecords({ statistic: 'Sum' })],
      delay: [stream.metricGetRecordsIteratorAgeMilliseconds()],
      trouble: [
        stream.metricWriteProvisionedThroughputExceeded({ statistic: 'Sum' }),
        stream.metricReadProvisionedThroughputExceeded({ statistic: 'Sum' }),
      ],
    },
    {
      title: 'Aggregator',
      flow: [aggregator.metricInvocations(), ledger.metricConsumedWriteCapacityUnits()],
      delay: [aggregator.metric('IteratorAge', { statistic: 'Maximum' }), aggregator.metricDuration()],
      trouble: [aggregator.metricErrors(), aggregator.metricThrottles()],
    },
    {
      title: 'Queue',
      flow: [queue.metricNumberOfMessagesSent(), queue.metricNumberOfMessagesDeleted()],
      delay: [queue.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum' })],
      trouble: [
        queue.metricApproximateNumberOfMessagesVisible(),
        queue.metricApproximateNumberOfMessagesNotVisible(),
      ],
    },
    {
      title: 'Writer',
      flow: [writer.metricInvocations(), counters.metricConsumedWriteCapacityUnits()],
      delay: [writer.metricDuration(), writer.metricDuration({ statistic: 'p99' })],
      trouble: [
        writer.metricErrors(),
        writer.metricThrottles(),
        counters.metric('WriteThrottleEvents', { statistic: 'Sum' }),
      ],
    },
    {
      title: 'Dead letters',
      flow: [deadLetters.metricNumberOfMessagesDeleted(), redriver.metricInvocations()],
      delay: [deadLetters.metricApproximateAgeOfOldestMessage({ statistic: 'Maximum' })],
      trouble: [deadLetters.metricApproximateNumberOfMessagesVisible(), redriver.metricErrors()],
    },
  ];
}
