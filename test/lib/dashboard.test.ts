// The dashboard: alarms first, then each part's golden signals, left to right along the path of an event.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { customMetrics } from '../../lib/metrics.ts';
import { resourceOf, type TemplateJson, templateJson } from '../support/stack-template.ts';
import { alarmsOf, metricsOf } from '../support/template-alarms.ts';

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

const template = templateJson('prod');
const { DashboardName } = resourceOf(template, 'AWS::CloudWatch::Dashboard').Properties;
const widgets = widgetsOf(template);
const SIGNALS = ['traffic', 'latency', 'errors', 'saturation'];

test('its name holds the region: dashboards belong to an account, and a stage may be in two regions', () => {
  assert.deepEqual(DashboardName, { 'Fn::Join': ['', ['tally-prod-', { Ref: 'AWS::Region' }]] });
});

test('all alarms are at the top, beside links to the documentation', () => {
  const [alarms, meaning] = widgets.filter(({ y }) => y === 0);
  assert.equal(alarms?.properties.alarms?.length, 20);
  assert.match(meaning?.properties.markdown ?? '', /docs\/runbook\.md/);
});

test('each part has its four golden signals, and the parts follow the path of an event', () => {
  const parts = new Map<string, { x: number; signals: string[] }>();
  for (const { x, type, properties } of widgets) {
    const [part = '', signal = ''] = properties.title?.split(': ') ?? [];
    if (type !== 'metric' || part === 'Counts') continue;
    const known = parts.get(part) ?? { x, signals: [] };
    known.signals.push(signal);
    parts.set(part, known);
  }
  for (const [part, { signals }] of parts) assert.deepEqual(signals, SIGNALS, part);
  const inOrder = [...parts].toSorted(([, a], [, b]) => a.x - b.x).map(([part]) => part);
  assert.deepEqual(inOrder, ['Front door', 'Stream', 'Aggregator', 'Queue', 'Table']);
});

test('every custom metric is on the dashboard or in an alarm', () => {
  // The collector is only in a stage that names buckets.
  const whole = templateJson('prod', { accessLogs: [{ bucket: 'my-logs' }] });
  const watched = new Set([
    ...widgetsOf(whole)
      .flatMap(({ properties }) => properties.metrics ?? [])
      .map(([, name]) => name),
    ...alarmsOf(whole).flatMap(({ properties }) => metricsOf(properties).map(({ name }) => name)),
  ]);
  assert.deepEqual(
    customMetrics()
      .map(({ name }) => name)
      .filter((name) => !watched.has(name)),
    [],
  );
});

function widgetsOf(of: TemplateJson): readonly Widget[] {
  const { DashboardBody } = resourceOf(of, 'AWS::CloudWatch::Dashboard').Properties;
  const text: string = DashboardBody['Fn::Join'][1]
    .map((part: string | { 'Fn::GetAtt'?: string[]; Ref?: string }) =>
      typeof part === 'string' ? part : (part['Fn::GetAtt']?.[0] ?? part.Ref ?? ''),
    )
    .join('');
  return (JSON.parse(text) as { widgets: readonly Widget[] }).widgets;
}
