// The dashboard: what notifies at the top, Tally's own figures, then a column for each room, left to right as an event travels.
import {
  type AlarmBase,
  AlarmStatusWidget,
  Column,
  Dashboard,
  GraphWidget,
  type IWidget,
  MathExpression,
  TextWidget,
} from 'aws-cdk-lib/aws-cloudwatch';
import type { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import { type Room, roomsAround, roomsOfTheWay } from './dashboard-rooms.ts';
import { FIVE_MINUTES, type Reported, reportedIn } from './tally-metric.ts';
import type { Watched } from './watched.ts';

const WIDTH_ALL = 24;
const GRAPH_HEIGHT = 5;

/** Which alarms the dashboard shows: those that send mails first. */
export interface ShownAlarms {
  readonly notifying: readonly AlarmBase[];
  readonly others: readonly AlarmBase[];
}

/** Creates the dashboard `tally-<stage>`. */
export function createDashboard(
  scope: Construct,
  c: Configuration,
  watched: Watched,
  { notifying, others }: ShownAlarms,
): Dashboard {
  const reported = reportedIn(c.stage);
  const dashboard = new Dashboard(scope, 'Dashboard', { dashboardName: `tally-${c.stage}` });
  const alarmsWidth = WIDTH_ALL / 2;
  dashboard.addWidgets(
    status('What sends mails', notifying, alarmsWidth, 4),
    new TextWidget({ markdown: READ_ON, width: WIDTH_ALL - alarmsWidth, height: 4 }),
  );
  dashboard.addWidgets(...ownFigures(c, reported));
  for (const rooms of [roomsOfTheWay(watched, reported), roomsAround(watched, reported)]) {
    dashboard.addWidgets(...rooms.map((room) => column(room, WIDTH_ALL / rooms.length)));
  }
  dashboard.addWidgets(status('All other alarms', others, WIDTH_ALL, 6));
  return dashboard;
}

const READ_ON = [
  '**Which alarm means what:** CountsMayBeWrong: look now. EventsMayBeLost: last call. ClientsTurnedAway: mend the door. CountsMayBeLate: waits, nothing is lost. CountsUnwatched: nobody would notice.',
  'What to do: `docs/runbook.md`, sections #counts-may-be-wrong, #events-may-be-lost, #clients-turned-away, #counts-may-be-late, #counts-unwatched, #parked, #retry-parameter. What each figure counts: `docs/metrics.md`. Where every event is: `GET /v1/status`.',
].join('\n\n');

function status(title: string, alarms: readonly AlarmBase[], width: number, height: number): IWidget {
  return new AlarmStatusWidget({ title, alarms: [...alarms], width, height });
}

/** Four golden signals of a room, one below the other. */
function column({ title, traffic, latency, errors, saturation }: Room, width: number): Column {
  const signals = { traffic, latency, errors, saturation };
  return new Column(
    ...Object.entries(signals).map(
      ([signal, left]) =>
        new GraphWidget({
          title: `${title}: ${signal}`,
          left,
          width,
          height: GRAPH_HEIGHT,
          leftYAxis: { min: 0 },
        }),
    ),
  );
}

/** What no service knows: how late counts are, whether they add up, what they cost. */
function ownFigures(c: Configuration, reported: Reported): IWidget[] {
  const graph = (title: string, left: Parameters<GraphWidget['addLeftMetric']>[0][], limitMs?: number) =>
    new GraphWidget({
      title,
      left,
      width: WIDTH_ALL / 6,
      height: GRAPH_HEIGHT + 1,
      leftYAxis: { min: 0 },
      ...(limitMs !== undefined && { leftAnnotations: [{ value: limitMs, label: 'alarm' }] }),
    });
  return [
    graph(
      'Counts: freshness',
      [reported('writer', 'Freshness', 'p50'), reported('writer', 'Freshness', 'p99')],
      c.freshnessAlarmSeconds * 1000,
    ),
    graph('Counts: completeThrough', [reported('accountant', 'CompleteThroughLag', 'Maximum')]),
    graph('Counts: events', [
      reported('aggregator', 'EventsReceived'),
      reported('writer', 'EventsCounted'),
      reported('aggregator', 'EventsDuplicate'),
      reported('aggregator', 'EventsRejected'),
      reported('aggregator', 'EventsLate'),
      reported('writer', 'EventsExpired'),
    ]),
    graph('Counts: contradictions', [
      reported('accountant', 'ConservationDifference', 'Maximum'),
      reported('accountant', 'HourConservationDifference', 'Maximum'),
      reported('auditor', 'AuditDifferences'),
      reported('canary', 'CanaryDifference', 'Maximum'),
      reported('accountant', 'EventsLost', 'Maximum'),
    ]),
    graph('Counts: waiting', [
      reported('accountant', 'EventsInFlight', 'Maximum'),
      reported('accountant', 'EventsDead', 'Maximum'),
      reported('accountant', 'EventsParked', 'Maximum'),
    ]),
    graph('Counts: write units an event', [
      perEvent('Counters', 'counters / counted', { counters: reported('writer', 'WriteUnits') }, reported),
      perEvent(
        'Ledger',
        '(planned + acknowledged) / counted',
        {
          planned: reported('aggregator', 'LedgerWriteUnits'),
          acknowledged: reported('writer', 'LedgerWriteUnits'),
        },
        reported,
      ),
    ]),
  ];
}

function perEvent(
  label: string,
  expression: string,
  units: Readonly<Record<string, ReturnType<Reported>>>,
  reported: Reported,
): MathExpression {
  const usingMetrics = { ...units, counted: reported('writer', 'EventsCounted') };
  return new MathExpression({ label, expression, usingMetrics, period: FIVE_MINUTES });
}
