// The template's alarms over data points: what functions print and services publish, to the state of each alarm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addEmbeddedMetrics, createDataPoints } from '../../../local/alarms/data-points.ts';
import { publishServiceMetrics } from '../../../local/alarms/service-metrics.ts';
import { readAlarms } from '../../../local/alarms/template-alarms.ts';
import { watchAlarms } from '../../../local/alarms/watch.ts';
import type { Json, JsonObject } from '../../../local/json.ts';
import { StackObserver } from '../../../local/observer.ts';
import { readTemplate } from '../../../local/template/template.ts';
import { templateJson } from '../../support/stack-template.ts';

const MINUTE_MS = 60_000;
const NAMING = { queueEndpoint: '' };
const dimensions = { service: 'writer', stage: 'x' };
const metric = { namespace: 'Tally', name: 'Freshness', dimensions };

const alarm = (properties: JsonObject) => ({
  Type: 'AWS::CloudWatch::Alarm',
  Properties: {
    Namespace: 'Tally',
    MetricName: 'Freshness',
    Dimensions: Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value })),
    Statistic: 'Maximum',
    Period: 300,
    EvaluationPeriods: 1,
    Threshold: 10,
    ComparisonOperator: 'GreaterThanThreshold',
    TreatMissingData: 'notBreaching',
    ...properties,
  },
});
const read = (Resources: JsonObject) => readAlarms(readTemplate({ Resources } as Json, NAMING));

test('statistics over a span of time; other dimensions are another metric', () => {
  const points = createDataPoints();
  for (let value = 1; value <= 100; value += 1) points.add(metric, value, value);
  points.add({ ...metric, dimensions: { ...dimensions, stage: 'y' } }, 5, 1_000);
  const of = (statistic: string) => points.statistic(metric, statistic, 1, 101);
  assert.deepEqual(
    ['Sum', 'Average', 'Minimum', 'Maximum', 'p50', 'p99', 'p100'].map(of),
    [5050, 50.5, 1, 100, 50, 99, 100],
  );
  assert.equal(points.statistic(metric, 'Sum', 101, 200), undefined);
  assert.equal(points.statistic(metric, 'Sum', 2, 4), 5);
  assert.throws(() => of('tm90'), /data-points\.ts/);
});

test('an alarm evaluates the last minutes, at any time, once a minute', () => {
  const points = createDataPoints();
  const watch = watchAlarms(read({ Late: alarm({}) }), points);
  points.add(metric, 7 * MINUTE_MS, 11);
  const on = Array.from({ length: 15 }, (_, minute) => {
    watch.evaluate(minute * MINUTE_MS);
    return watch.alarming().length > 0;
  });
  // From the minute after the breach, for five minutes, and longer while there is no newer data.
  assert.deepEqual(on.indexOf(true), 8);
  points.add(metric, 15 * MINUTE_MS, 1);
  const [change] = watch.evaluate(16 * MINUTE_MS);
  assert.deepEqual([change?.to, change?.value], ['OK', 1]);
});

test('metrics in the lines of functions, with all their dimensions and values', () => {
  const points = createDataPoints();
  const line = (fields: object) =>
    JSON.stringify({
      _aws: {
        Timestamp: 1_000,
        CloudWatchMetrics: [
          {
            Namespace: 'Tally',
            Dimensions: [['service', 'stage']],
            Metrics: [{ Name: 'Freshness', Unit: 'Milliseconds' }],
          },
        ],
      },
      ...dimensions,
      ...fields,
    });
  addEmbeddedMetrics(line({ Freshness: [3, 4] }), points);
  addEmbeddedMetrics(line({ Freshness: 5 }), points);
  addEmbeddedMetrics('{"level":"INFO","message":"\\"_aws\\""}', points);
  addEmbeddedMetrics('not "_aws" json', points);
  assert.equal(points.statistic(metric, 'Sum', 0, 2_000), 12);
});

test('a composite alarm is on while one of the others is', () => {
  const points = createDataPoints();
  const rule = [
    'ALARM("',
    { 'Fn::GetAtt': ['One', 'Arn'] },
    '") OR ALARM("',
    { 'Fn::GetAtt': ['Two', 'Arn'] },
    '")',
  ];
  const resources = {
    One: alarm({}),
    Two: alarm({ Threshold: 100 }),
    Any: { Type: 'AWS::CloudWatch::CompositeAlarm', Properties: { AlarmRule: { 'Fn::Join': ['', rule] } } },
  };
  const watch = watchAlarms(read(resources), points);
  assert.deepEqual(watch.evaluate(MINUTE_MS), []);
  points.add(metric, 61_000, 11);
  const changed = watch.evaluate(2 * MINUTE_MS).map(({ alarm: { name }, to }) => [name, to]);
  assert.deepEqual(changed, [
    ['One', 'ALARM'],
    ['Any', 'ALARM'],
  ]);
});

const sum = (Expression: string, ids: readonly string[]) => ({
  ...alarm({ MetricName: null, Statistic: null }).Properties,
  Metrics: [
    { Id: 'expr_1', Expression },
    ...ids.map((Id) => ({
      Id,
      MetricStat: {
        Metric: { Namespace: 'Tally', MetricName: Id, Dimensions: [] },
        Period: 300,
        Stat: 'Sum',
      },
    })),
  ],
});

test('an alarm on a sum adds up the metrics that have data', () => {
  const points = createDataPoints();
  const { metric: alarms } = read({
    Sum: { Type: 'AWS::CloudWatch::Alarm', Properties: sum('SUM([a, b, c])', ['a', 'b', 'c']) },
  });
  const [subject] = alarms;
  assert.equal(subject?.periodMs, 5 * MINUTE_MS);
  assert.equal(subject.shown, 'Sum of a + Sum of b + Sum of c above 10 in 1 of 1 periods of 5 min');
  assert.equal(subject.value(points, 0, MINUTE_MS), undefined);
  points.add({ namespace: 'Tally', name: 'a', dimensions: {} }, 1, 2);
  points.add({ namespace: 'Tally', name: 'c', dimensions: {} }, 2, 3);
  assert.equal(subject.value(points, 0, MINUTE_MS), 5);
});

test('another expression, or a sum of others than its metrics, is an error', () => {
  for (const expression of ['a / b', 'SUM([a])', 'SUM([a, x])', 'MAX([a, b])'])
    assert.throws(
      () => read({ Sum: { Type: 'AWS::CloudWatch::Alarm', Properties: sum(expression, ['a', 'b']) } }),
      /the only kinds that the local stack evaluates/,
    );
});

test('queries that Lambda kills set off QueriesFailed, however many events are sent meanwhile', () => {
  const template = readTemplate(templateJson('prod') as unknown as Json, NAMING);
  const [query] = template
    .ofType('AWS::Lambda::Function')
    .filter(({ metadata }) => metadata['tally:entry'] === 'lambdas/query/handler.ts');
  assert.ok(query);
  const points = createDataPoints();
  const observer = new StackObserver();
  let nowMs = 0;
  publishServiceMetrics(observer, template, points, () => nowMs);
  const watch = watchAlarms(readAlarms(template), points);
  const isOn = () => watch.alarming().some(({ name }) => name === 'QueriesFailed');
  for (let minute = 1; minute <= 20; minute += 1) {
    nowMs = minute * MINUTE_MS - 1;
    for (let post = 0; post < 200; post += 1) observer.emit('apiAnswered', 202, 5);
    observer.emit('functionEnded', query.name, minute <= 15 ? 'failed' : 'succeeded');
    if (minute <= 15) observer.emit('apiAnswered', 502, 5);
    watch.evaluate(minute * MINUTE_MS);
    assert.equal(
      watch.alarming().some(({ name }) => name === 'FrontDoorErrors'),
      false,
    );
    if (minute === 15) assert.ok(isOn());
  }
  assert.ok(!isOn());
});

test("every alarm of the stack's own template can be evaluated; without data, only those go off that treat missing data as breaching", () => {
  const alarms = readAlarms(readTemplate(templateJson('prod') as unknown as Json, NAMING));
  assert.equal(alarms.metric.length, 19);
  const watch = watchAlarms(alarms, createDataPoints());
  watch.evaluate(0);
  const silent = watch.alarming().filter(({ kind }) => kind === 'metric');
  for (const { name, kind } of silent) {
    const own = alarms.metric.find((each) => each.name === name);
    assert.ok(kind === 'metric' && own?.condition.missingBreaches, name);
  }
});

test('an alarm that the local stack could never see go off is an error', () => {
  const unseen = { Late: alarm({ Namespace: 'AWS/Lambda', MetricName: 'ConcurrentExecutions' }) };
  assert.throws(() => read(unseen), /service-metrics\.ts/);
  assert.throws(() => read({ Late: alarm({ TreatMissingData: 'whatever' }) }), /missing data/);
  assert.throws(
    () => read({ Late: alarm({ ComparisonOperator: 'LessThanThreshold' }) }),
    /above a threshold/,
  );
  assert.throws(() => read({ Late: alarm({ MetricName: '' }) }), /one metric/);
  const rule = { Type: 'AWS::CloudWatch::CompositeAlarm', Properties: { AlarmRule: 'NOT ALARM("x")' } };
  assert.throws(() => read({ Any: rule }), /template-alarms\.ts/);
});
