// The alarms: each is on a metric that exists, leads to a section of the runbook, and notifies the operator once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Settings } from '../../lib/configuration.ts';
import { customMetrics } from '../../lib/metrics.ts';
import { templateJson } from '../support/stack-template.ts';
import { alarmsOf, compositesOf, metricsOf } from '../support/template-alarms.ts';

const template = templateJson('prod');
const alarms = alarmsOf(template);
const composites = compositesOf(template);

/** Threshold, seconds a period, and datapoints of periods. */
type Condition = readonly [above: number, periodSeconds: number, datapoints: string];

/** Alarms that notify by themselves. */
const ALONE: Readonly<Record<string, Condition>> = {
  RecordsLost: [0, 300, '1/1'],
  ShardsLost: [0, 300, '1/1'],
  Conservation: [0, 300, '1/1'],
  DeltasMissing: [0, 300, '1/1'],
  CanaryDifference: [0, 300, '1/1'],
  StreamRetentionAtRisk: [84 * 3_600_000, 60, '1/1'],
  FrontDoorErrors: [0.01, 300, '2/3'],
  FrontDoorLatency: [5_000, 300, '3/3'],
  StreamThrottled: [0, 300, '3/3'],
  QueriesFailed: [0, 300, '3/3'],
  Parked: [0, 300, '1/1'],
  RetryParameter: [1, 300, '1/1'],
};

/** Alarms that notify through CountsLate. */
const LATE: Readonly<Record<string, Condition>> = {
  IteratorAge: [10 * 60_000, 60, '3/3'],
  QueueAge: [15 * 60, 60, '3/3'],
  DeadLetters: [0, 300, '3/3'],
  Freshness: [60_000, 300, '3/3'],
  CompleteThroughLag: [(15 * 60 + 60) * 1000, 300, '2/2'],
  CompactionLag: [4 * 3_600_000, 300, '3/3'],
  CanaryLate: [5, 60, '3/3'],
};

test('there are at most 20 alarms and 20 custom metrics', () => {
  assert.ok(alarms.length + composites.length <= 20);
  assert.ok(customMetrics().length <= 20);
});

describe('notifications', () => {
  test('an outage sends one mail: CountsLate combines the alarms that say that counts are late', () => {
    assert.deepEqual(
      composites.map(({ id, children }) => [id, [...children].sort()]),
      [['CountsLate', Object.keys(LATE).sort()]],
    );
  });

  test('all others notify by themselves, when they start and when they end', () => {
    const notifying = [...alarms, ...composites].filter(
      ({ properties: { AlarmActions, OKActions } }) => AlarmActions ?? OKActions,
    );
    assert.deepEqual(notifying.map(({ id }) => id).sort(), ['CountsLate', ...Object.keys(ALONE)].sort());
    const topic = Object.keys(template.Resources).find((id) => /^ObservabilityAlarms[0-9A-F]{8}$/.test(id));
    for (const { id, properties } of notifying) {
      assert.deepEqual(properties.AlarmActions, [{ Ref: topic }], id);
      assert.deepEqual(properties.OKActions, [{ Ref: topic }], id);
    }
  });

  test('names can be typed', () => {
    for (const { id, properties } of [...alarms, ...composites])
      assert.equal(properties.AlarmName, `tally-prod-${id}`);
  });

  test('the topic takes what alarms of this stage publish, and a mail address subscribes to it', () => {
    const [policy] = Object.values(template.Resources).filter(({ Type }) => Type === 'AWS::SNS::TopicPolicy');
    const allowed = policy?.Properties.PolicyDocument.Statement.find(
      ({ Effect }: { Effect: string }) => Effect === 'Allow',
    );
    assert.deepEqual(
      [allowed.Action, allowed.Principal],
      ['sns:Publish', { Service: 'cloudwatch.amazonaws.com' }],
    );
    assert.match(JSON.stringify(allowed.Condition), /:alarm:tally-prod-\*/);
    const subscriptions = (settings: Settings) =>
      Object.values(templateJson('prod', settings).Resources).filter(
        ({ Type }) => Type === 'AWS::SNS::Subscription',
      );
    assert.deepEqual(subscriptions({}), []);
    const [subscription] = subscriptions({ alarmEmail: 'ops@example.com' });
    assert.equal(subscription?.Properties.Endpoint, 'ops@example.com');
  });
});

describe('conditions', () => {
  test('are these', () => {
    const found = alarms.map(({ id, properties: p }) => {
      assert.equal(p.ComparisonOperator, 'GreaterThanThreshold', id);
      const [metric] = metricsOf(p);
      return [id, [p.Threshold, metric?.period, `${p.DatapointsToAlarm}/${p.EvaluationPeriods}`]];
    });
    assert.deepEqual(Object.fromEntries(found), { ...ALONE, ...LATE });
  });

  test('missing data is an alarm where a function reports in every run, and nowhere else', () => {
    const breaching = alarms.filter(({ properties }) => properties.TreatMissingData !== 'notBreaching');
    assert.deepEqual(breaching.map(({ id, properties }) => [id, properties.TreatMissingData]).sort(), [
      ['CanaryLate', 'breaching'],
      ['CompactionLag', 'breaching'],
      ['CompleteThroughLag', 'breaching'],
    ]);
  });

  test('follow the settings', () => {
    const changed = alarmsOf(
      templateJson('prod', {
        aggregatorWindowSeconds: 140,
        freshnessAlarmSeconds: 180,
        iteratorAgeAlarmMinutes: 3,
        queueAgeAlarmMinutes: 4,
      }),
    );
    const threshold = (id: string) => changed.find((alarm) => alarm.id === id)?.properties.Threshold;
    assert.equal(threshold('CanaryLate'), 7, 'five minutes, and as long as events are gathered on purpose');
    assert.equal(threshold('Freshness'), 180_000);
    assert.equal(threshold('CompleteThroughLag'), (4 * 60 + 180) * 1000);
    assert.deepEqual([threshold('IteratorAge'), threshold('QueueAge')], [180_000, 240]);
  });

  test('of failed queries: its own 503s, and what Lambda cut off or refused', () => {
    const { properties } = alarms.find(({ id }) => id === 'QueriesFailed') ?? assert.fail();
    assert.deepEqual(
      metricsOf(properties).map(({ namespace, name, dimensions }) => [
        namespace,
        name,
        JSON.stringify(dimensions).replace(/[0-9A-F]{8}"/, '"'),
      ]),
      [
        ['Tally', 'QueriesFailed', '{"service":"query","stage":"prod"}'],
        ['AWS/Lambda', 'Errors', '{"FunctionName":{"Ref":"QueryFunction"}}'],
        ['AWS/Lambda', 'Throttles', '{"FunctionName":{"Ref":"QueryFunction"}}'],
      ],
    );
  });

  test('are on metrics that exist: of an AWS service, or declared in lib/metrics.ts', () => {
    const declared = new Set(customMetrics().map(({ name, service }) => `${service} ${name}`));
    for (const { id, properties } of alarms) {
      for (const { namespace, name, dimensions } of metricsOf(properties)) {
        if (namespace.startsWith('AWS/')) continue;
        assert.deepEqual([namespace, dimensions['stage']], ['Tally', 'prod'], id);
        assert.ok(declared.has(`${dimensions['service']} ${name}`), `${id}: ${name}`);
      }
    }
  });
});

test('each description leads to a section of the runbook with three parts, and each section has an alarm', () => {
  const sections = new Map(
    readFileSync('docs/runbook.md', 'utf8')
      .split(/^## /m)
      .slice(1)
      .map((section) => [anchorOf(section.split('\n')[0] ?? ''), section]),
  );
  for (const { id, properties } of [...alarms, ...composites]) {
    const match = /^.{40,} Runbook: docs\/runbook\.md#([a-z-]+)$/.exec(properties.AlarmDescription);
    assert.ok(match, `${id}: ${properties.AlarmDescription}`);
    const section = sections.get(match[1] ?? '');
    assert.ok(section, `${id}: docs/runbook.md has no section #${match[1]}`);
    for (const part of ['Description', 'Investigation', 'Resolution'])
      assert.ok(section.includes(`**${part}.**`), `docs/runbook.md#${match[1]} has no ${part}`);
  }
});

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
