// The alarms: each says why its threshold is what it is, leads to a section of the runbook, and tells the operator once.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { Settings } from '../../lib/configuration.ts';
import { documentedMetrics } from '../support/metrics-table.ts';
import { resourcesOf, type TemplateJson, templateJson } from '../support/stack-template.ts';
import { alarmsOf, compositesOf, metricsOf } from '../support/template-alarms.ts';

const template = templateJson('prod');
const alarms = alarmsOf(template);
const composites = compositesOf(template);
const byId = (id: string, from: TemplateJson = template) => {
  const found = alarmsOf(from).find((alarm) => alarm.id === id);
  assert.ok(found, `no alarm ${id}`);
  return found;
};
/** Every function of the template, as alarms name it; but the console, without which nothing is counted wrong. */
const nouns = resourcesOf(template, 'AWS::Lambda::Function').flatMap(([id, { Metadata }]) => {
  const noun = /^lambdas\/([a-z]+)\/handler\.ts$/.exec(String(Metadata?.['tally:entry']))?.[1];
  assert.ok(noun, id);
  return noun === 'console' ? [] : [`${noun[0]?.toUpperCase()}${noun.slice(1)}`];
});
const failures = (...of: string[]) => of.flatMap((noun) => [`${noun}Errors`, `${noun}Throttles`]);

/** Every alarm, under what it means. */
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  CountsMayBeWrong: [
    'RecordsLost',
    'Conservation',
    'HourConservation',
    'Audit',
    'LevelsMissed',
    'CanaryDifference',
  ],
  EventsMayBeLost: ['StreamRetentionAtRisk', 'QueueRetentionAtRisk', 'DeadLetterRetentionAtRisk'],
  ClientsTurnedAway: [
    ...['FrontDoorErrors', 'FrontDoorLatency', 'StreamThrottled', 'QueriesFailed'],
    ...failures('Query'),
  ],
  CountsMayBeLate: [
    ...['IteratorAge', 'AggregatorSilent', 'QueueAge', 'CountersThrottled', 'LedgerThrottled', 'DeadLetters'],
    ...['Freshness', 'CompleteThroughLag', 'LevelsLag', 'CanaryLate'],
    ...failures('Aggregator', 'Writer', 'Redriver', 'Compactor'),
  ],
  CountsUnwatched: [
    ...['AccountantSilent', 'CanarySilent', 'AuditsFailed'],
    ...failures('Accountant', 'Auditor', 'Canary'),
  ],
};
/** What waits for a person, for days if need be: as part of a group it would hide every later trouble of that group. */
const ALONE = ['Parked', 'RetryParameter', 'TopListsUncertain'];

describe('groups', () => {
  test('each alarm is in exactly one, but for tasks that wait for a person', () => {
    const found = Object.fromEntries(composites.map(({ id, children }) => [id, [...children].sort()]));
    const wanted = Object.fromEntries(
      Object.entries(GROUPS).map(([id, children]) => [id, [...children].sort()]),
    );
    assert.deepEqual(found, wanted);
    const all = [...Object.values(GROUPS).flat(), ...ALONE];
    assert.deepEqual(alarms.map(({ id }) => id).sort(), all.sort());
    for (const id of failures(...nouns)) assert.ok(all.includes(id), `${id} is in no group`);
    assert.equal(new Set(all).size, all.length);
  });

  test('only groups and tasks tell the topic, when they begin and when they are over', () => {
    const telling = [...alarms, ...composites].filter(
      ({ properties: { AlarmActions, OKActions } }) => AlarmActions ?? OKActions,
    );
    assert.deepEqual(telling.map(({ id }) => id).sort(), [...Object.keys(GROUPS), ...ALONE].sort());
    const topic = Object.keys(template.Resources).find((id) => /^ObservabilityAlarms[0-9A-F]{8}$/.test(id));
    for (const { id, properties } of telling) {
      assert.deepEqual(properties.AlarmActions, [{ Ref: topic }], id);
      assert.deepEqual(properties.OKActions, [{ Ref: topic }], id);
    }
  });

  test('an outage that makes counts late sends no second mail because the watchmen stand still', () => {
    const suppressed = composites.filter(({ properties }) => properties.ActionsSuppressor !== undefined);
    assert.deepEqual(
      suppressed.map(({ id, suppressor }) => [id, suppressor]),
      [['CountsUnwatched', 'CountsMayBeLate']],
    );
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
  /** Threshold, seconds a period, and datapoints of periods. */
  const TABLE: Readonly<Record<string, readonly [number, number, string]>> = {
    RecordsLost: [0, 300, '1/1'],
    Conservation: [0, 300, '1/1'],
    HourConservation: [0, 300, '1/1'],
    Audit: [0, 300, '1/1'],
    LevelsMissed: [0, 300, '1/1'],
    CanaryDifference: [0, 300, '1/1'],
    StreamRetentionAtRisk: [84 * 3_600_000, 60, '1/1'],
    QueueRetentionAtRisk: [2 * 86_400, 60, '1/1'],
    DeadLetterRetentionAtRisk: [7 * 86_400, 60, '1/1'],
    FrontDoorErrors: [0.01, 300, '2/3'],
    FrontDoorLatency: [5_000, 300, '3/3'],
    StreamThrottled: [0, 300, '3/3'],
    QueriesFailed: [0, 300, '3/3'],
    IteratorAge: [10 * 60_000, 60, '3/3'],
    AggregatorSilent: [1, 300, '3/3'],
    QueueAge: [15 * 60, 60, '3/3'],
    CountersThrottled: [0, 300, '3/3'],
    LedgerThrottled: [0, 300, '3/3'],
    DeadLetters: [0, 300, '3/3'],
    Freshness: [60_000, 300, '3/3'],
    CompleteThroughLag: [(15 * 60 + 60) * 1000, 300, '2/2'],
    LevelsLag: [4 * 3_600_000, 300, '3/3'],
    CanaryLate: [5, 60, '3/3'],
    AccountantSilent: [1, 300, '2/2'],
    CanarySilent: [1, 300, '2/2'],
    AuditsFailed: [0, 300, '2/12'],
    Parked: [0, 300, '1/1'],
    RetryParameter: [1, 300, '1/1'],
    TopListsUncertain: [0, 3_600, '1/25'],
    ...Object.fromEntries(failures(...nouns).map((id) => [id, [0, 300, '2/3'] as const])),
  };

  test('are these', () => {
    const found = alarms.map(({ id, properties: p }) => {
      const seconds = metricsOf(p).map(({ period }) => period);
      assert.equal(new Set(seconds).size, 1, id);
      return [id, [p.Threshold, seconds[0], `${p.DatapointsToAlarm}/${p.EvaluationPeriods}`]];
    });
    assert.deepEqual(Object.fromEntries(found), TABLE);
  });

  test('silence is an alarm where a part speaks every minute while it works, and nowhere else', () => {
    const breaching = alarms.filter(({ properties }) => properties.TreatMissingData !== 'notBreaching');
    assert.deepEqual(
      breaching.map(({ id, properties: p }) => [id, p.TreatMissingData, p.ComparisonOperator]).sort(),
      [
        ['AccountantSilent', 'breaching', 'LessThanThreshold'],
        ['AggregatorSilent', 'breaching', 'LessThanThreshold'],
        ['CanarySilent', 'breaching', 'LessThanThreshold'],
        ['CompleteThroughLag', 'breaching', 'GreaterThanThreshold'],
        ['LevelsLag', 'breaching', 'GreaterThanThreshold'],
      ],
    );
    const upwards = alarms.filter(({ id }) => !id.endsWith('Silent'));
    for (const { id, properties } of upwards)
      assert.equal(properties.ComparisonOperator, 'GreaterThanThreshold', id);
  });

  test('follow the settings', () => {
    const settings = {
      ...{ aggregatorWindowSeconds: 60, writerWindowSeconds: 80, queueVisibilitySeconds: 260 },
      ...{
        retryRereadSeconds: 300,
        freshnessAlarmSeconds: 160,
        iteratorAgeAlarmMinutes: 3,
        queueAgeAlarmMinutes: 4,
      },
    };
    const changed = templateJson('prod', settings);
    const threshold = (id: string) => byId(id, changed).properties.Threshold;
    assert.equal(threshold('CanaryLate'), 7, 'five minutes, and as long as events are gathered on purpose');
    assert.equal(threshold('Freshness'), 160_000);
    assert.equal(
      threshold('RetryParameter'),
      0,
      'read once in five minutes, one wrong reading is all there is',
    );
    assert.equal(threshold('CompleteThroughLag'), (4 * 60 + 160) * 1000);
    assert.deepEqual([threshold('IteratorAge'), threshold('QueueAge')], [180_000, 240]);
  });

  test('are on metrics that somebody emits: services of AWS, or functions of ours as documented', () => {
    const documented = new Set(documentedMetrics().map(({ name, service }) => `${service} ${name}`));
    for (const { id, properties } of alarms) {
      for (const { namespace, name, dimensions } of metricsOf(properties)) {
        if (namespace.startsWith('AWS/')) continue;
        assert.equal(namespace, 'Tally', id);
        assert.deepEqual(Object.keys(dimensions).sort(), ['service', 'stage'], id);
        assert.equal(dimensions['stage'], 'prod', id);
        assert.ok(
          documented.has(`${dimensions['service']} ${name}`),
          `${id}: ${name} is not in docs/metrics.md`,
        );
      }
    }
  });
});

test('each description has its reason and a section of the runbook, which has three parts', () => {
  const sections = new Map(
    readFileSync('docs/runbook.md', 'utf8')
      .split(/^## /m)
      .slice(1)
      .map((section) => [anchorOf(section.split('\n')[0] ?? ''), section]),
  );
  for (const { id, properties } of [...alarms, ...composites]) {
    const match = /^.{60,} Runbook: docs\/runbook\.md#([a-z-]+)$/.exec(properties.AlarmDescription);
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
