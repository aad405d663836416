// The dashboard: what sends mails first, then each room's golden signals, left to right as an event travels.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { documentedMetrics } from '../support/metrics-table.ts';
import { resourceOf, templateJson } from '../support/stack-template.ts';

interface Widget {
  readonly x: number;
  readonly y: number;
  readonly type: string;
  readonly properties: {
    readonly title?: string;
    readonly markdown?: string;
    readonly alarms?: readonly string[];
    readonly metrics?: readonly (readonly unknown[])[];
  };
}

const { DashboardName, DashboardBody } = resourceOf(
  templateJson('prod'),
  'AWS::CloudWatch::Dashboard',
).Properties;
const text: string = DashboardBody['Fn::Join'][1]
  .map((part: string | { 'Fn::GetAtt'?: string[]; Ref?: string }) =>
    typeof part === 'string' ? part : (part['Fn::GetAtt']?.[0] ?? part.Ref ?? ''),
  )
  .join('');
const { widgets } = JSON.parse(text) as { widgets: readonly Widget[] };
const SIGNALS = ['traffic', 'latency', 'errors', 'saturation'];

test('what sends mails is at the top, beside what it means', () => {
  assert.equal(DashboardName, 'tally-prod');
  const [alarms, meaning] = widgets.filter(({ y }) => y === 0);
  assert.deepEqual(
    alarms?.properties.alarms?.map((id) => id.replace(/^Observability/, '').replace(/[0-9A-F]{8}$/, '')),
    [
      ...['CountsMayBeWrong', 'EventsMayBeLost', 'ClientsTurnedAway', 'CountsMayBeLate', 'CountsUnwatched'],
      ...['Parked', 'RetryParameter', 'TopListsUncertain'],
    ],
  );
  assert.match(meaning?.properties.markdown ?? '', /docs\/runbook\.md.*#counts-may-be-late/s);
});

test('each room has its four golden signals, and the rooms stand as an event travels', () => {
  const rooms = new Map<string, { x: number; y: number; signals: string[] }>();
  for (const { x, y, type, properties } of widgets) {
    const [room = '', signal = ''] = properties.title?.split(': ') ?? [];
    if (type !== 'metric' || room === 'Counts') continue;
    const known = rooms.get(room) ?? { x, y, signals: [] };
    known.signals.push(signal);
    rooms.set(room, known);
  }
  for (const [room, { signals }] of rooms) assert.deepEqual(signals, SIGNALS, room);
  const inOrder = [...rooms].toSorted(([, a], [, b]) => a.y - b.y || a.x - b.x).map(([room]) => room);
  assert.deepEqual(inOrder, [
    ...['Front door', 'Stream', 'Aggregator', 'Queue', 'Writer', 'Counters'],
    ...['Dead letters', 'Ledger', 'Accountant', 'Canary', 'Auditor', 'Query'],
  ]);
});

test("Tally's own figures are there, and each is documented", () => {
  const shown = widgets
    .flatMap(({ properties }) => properties.metrics ?? [])
    .filter(([namespace]) => namespace === 'Tally')
    .map(([, name, , service, , stage]) => {
      assert.deepEqual([service, stage].length, 2);
      return `${String(service)} ${String(name)}`;
    });
  const documented = new Set(documentedMetrics().map(({ name, service }) => `${service} ${name}`));
  for (const metric of shown) assert.ok(documented.has(metric), `${metric} is not in docs/metrics.md`);
  for (const metric of [
    ...[
      'writer Freshness',
      'accountant CompleteThroughLag',
      'writer EventsCounted',
      'aggregator EventsDuplicate',
    ],
    ...['aggregator EventsRejected', 'accountant ConservationDifference', 'accountant EventsDead'],
    ...[
      'redriver DeadLettersReturned',
      'redriver DeadLettersParked',
      'canary CanaryDifference',
      'writer WriteUnits',
    ],
  ])
    assert.ok(shown.includes(metric), `${metric} is not on the dashboard`);
});
