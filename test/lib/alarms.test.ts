// The alarms: each says why its threshold is what it is and leads to a section of the runbook.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Settings } from '../../lib/configuration.ts';
import { resourceOf, resourcesOf, templateJson } from '../support/stack-template.ts';

const template = templateJson('prod');
const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({
  id: id.replace(/^Observability/, '').replace(/[0-9A-F]{8}$/, ''),
  ...Properties,
}));

test('what may go wrong has an alarm, and each tells the topic', () => {
  const nouns = ['Aggregator', 'Writer', 'Redriver', 'Accountant', 'Query', 'Auditor', 'Canary'];
  assert.deepEqual(
    alarms.map(({ id }) => id).sort(),
    [
      ...['FrontDoorErrors', 'StreamThrottled', 'IteratorAge', 'RetentionAtRisk', 'AggregatorSilent'],
      ...['QueueAge', 'CountersThrottled', 'DeadLetters'],
      ...['RecordsLost', 'Parked', 'Conservation', 'Audit'],
      ...['CanaryDifference', 'CanaryLate'],
      ...nouns.flatMap((noun) => [`${noun}Errors`, `${noun}Throttles`]),
    ].sort(),
  );
  const [topic] = resourcesOf(template, 'AWS::SNS::Topic')[0] ?? assert.fail();
  for (const alarm of alarms) assert.deepEqual(alarm.AlarmActions, [{ Ref: topic }], alarm.id);
});

test('thresholds follow the settings', () => {
  const threshold = (id: string) => alarms.find((alarm) => alarm.id === id)?.Threshold;
  assert.equal(threshold('IteratorAge'), 10 * 60_000);
  assert.equal(threshold('RetentionAtRisk'), 84 * 3_600_000);
  assert.equal(threshold('QueueAge'), 15 * 60);
  assert.equal(threshold('DeadLetters'), 0);
});

test('no figures are no alarm, but for a canary that says nothing', () => {
  const breaching = alarms.filter(({ TreatMissingData }) => TreatMissingData !== 'notBreaching');
  assert.deepEqual(
    breaching.map(({ id, TreatMissingData }) => [id, TreatMissingData]),
    [['CanaryLate', 'breaching']],
  );
});

test('the canary may be as late as events are gathered on purpose, and five minutes', () => {
  const late = (settings: Settings) =>
    resourceOf(templateJson('prod', settings), 'AWS::CloudWatch::Alarm', 'ObservabilityCanaryLate').Properties
      .Threshold;
  assert.equal(late({}), 5);
  assert.equal(
    late({ aggregatorWindowSeconds: 60, writerWindowSeconds: 80, queueVisibilitySeconds: 260 }),
    7,
  );
});

test('each description has its reason and a section of the runbook', () => {
  const runbook = existsSync('docs/runbook.md') ? readFileSync('docs/runbook.md', 'utf8') : undefined;
  const sections = runbook?.match(/^#+ .*$/gm)?.map(anchorOf);
  for (const { id, AlarmDescription } of alarms) {
    const match = /^.{60,} Runbook: docs\/runbook\.md#([a-z-]+)$/.exec(AlarmDescription);
    assert.ok(match, `${id}: ${AlarmDescription}`);
    if (sections !== undefined)
      assert.ok(sections.includes(match[1] ?? ''), `docs/runbook.md has no section #${match[1]}`);
  }
});

test('the dashboard reads from left to right as an event travels', () => {
  const { DashboardName, DashboardBody } = resourceOf(template, 'AWS::CloudWatch::Dashboard').Properties;
  assert.equal(DashboardName, 'tally-prod');
  const text = DashboardBody['Fn::Join'][1]
    .map((part: unknown) => (typeof part === 'string' ? part : 'x'))
    .join('');
  const { widgets } = JSON.parse(text) as {
    widgets: { x: number; type: string; properties: { title: string } }[];
  };
  const columns = new Map(
    widgets.filter(({ type }) => type === 'metric').map((w) => [w.properties.title.split(':')[0], w.x]),
  );
  assert.deepEqual(
    [...columns].toSorted(([, a], [, b]) => a - b).map(([title]) => title),
    ['Front door', 'Stream', 'Aggregator', 'Queue', 'Writer', 'Dead letters'],
  );
});

/** A heading's anchor, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .replace(/^#+ /, '')
    .toLowerCase()
    .replace(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
}
