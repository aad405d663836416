// The template's alarms: their metrics and conditions, read only from the template.
import { LocalStackError } from '../errors.ts';
import { asList, asNumber, asObject, asText, type Json, type JsonObject } from '../json.ts';
import type { Resource, Template } from '../template/template.ts';
import type { DataPoints, MetricName } from './data-points.ts';
import { SEEN_METRICS } from './service-metrics.ts';

/** An alarm on a metric, or on a sum of metrics. */
export type MetricAlarm = ReturnType<typeof metricAlarm>;

/** An alarm that is in ALARM while any of its children is. */
export type CompositeAlarm = ReturnType<typeof compositeAlarm>;

/** Every alarm of a template. */
export type TemplateAlarms = ReturnType<typeof readAlarms>;

/** Reads the alarms. @throws LocalStackError for alarms that the local stack cannot evaluate or measure */
export function readAlarms(template: Template) {
  const metricResources = template.ofType('AWS::CloudWatch::Alarm');
  const ids = new Map(metricResources.map(({ arn, logicalId }) => [arn, logicalId]));
  return {
    metric: metricResources.map(metricAlarm),
    composite: template
      .ofType('AWS::CloudWatch::CompositeAlarm')
      .map((resource) => compositeAlarm(resource, ids)),
  };
}

function compositeAlarm({ logicalId, properties }: Resource, ids: ReadonlyMap<string, string>) {
  const rule = asText(properties['AlarmRule']) ?? '';
  /** Logical ids of its children. */
  const anyOf = alarmsIn(rule, ids);
  return { kind: 'composite' as const, logicalId, name: displayName(logicalId), anyOf };
}

/** The alarms of a rule `ALARM("…") OR ALARM("…")`, by ARN. @throws LocalStackError for any other rule */
function alarmsIn(rule: string, ids: ReadonlyMap<string, string>): string[] {
  return rule.split(' OR ').map((term) => {
    const [, arn = ''] = /^\(?ALARM\("([^"]+)"\)\)?$/.exec(term.trim()) ?? [];
    const id = ids.get(arn);
    if (id === undefined)
      throw new LocalStackError(
        `The rule of a composite alarm cannot be read at "${term}": local/alarms/template-alarms.ts.`,
      );
    return id;
  });
}

/** An alarm's display name: its logical id without path and hash. */
function displayName(logicalId: string): string {
  return logicalId.replace(/^Observability/, '').replace(/[0-9A-F]{8}$/, '');
}

function metricAlarm({ logicalId, properties }: Resource) {
  const text = (name: string) => asText(properties[name]) ?? '';
  const number = (name: string) => asNumber(properties[name]);
  const missing = text('TreatMissingData');
  const threshold = number('Threshold');
  const watched = watchedMetrics(properties);
  const [first] = watched;
  if (threshold === undefined || text('ComparisonOperator') !== 'GreaterThanThreshold' || first === undefined)
    throw new LocalStackError(
      `${logicalId} is not an alarm on one metric, or on the SUM([…]) of its metrics, above a threshold, the only kinds that the local stack evaluates.`,
    );
  if (missing !== 'breaching' && missing !== 'notBreaching')
    throw new LocalStackError(
      `${logicalId} treats missing data as ${missing}: the local stack knows breaching and notBreaching.`,
    );
  for (const { namespace, name } of watched)
    if (namespace.startsWith('AWS/') && !SEEN_METRICS[namespace]?.includes(name))
      throw new LocalStackError(
        `An alarm watches ${namespace} ${name}, which the local stack does not record: add it to local/alarms/service-metrics.ts.`,
      );
  const { periodMs } = first;
  const evaluationPeriods = number('EvaluationPeriods') ?? 1;
  const datapointsToAlarm = number('DatapointsToAlarm') ?? evaluationPeriods;
  const often = `${datapointsToAlarm} of ${evaluationPeriods} periods of ${periodMs / 60_000} min`;
  return {
    ...{ kind: 'metric' as const, logicalId, name: displayName(logicalId) },
    /** Larger values than the threshold breach: in ALARM if M of the N evaluated data points do. */
    condition: { threshold, evaluationPeriods, datapointsToAlarm, missingBreaches: missing === 'breaching' },
    /** The condition in words: `Maximum of IteratorAge above 600000 in 3 of 3 periods of 1 min`. */
    shown: `${watched.map(({ statistic, name }) => `${statistic} of ${name}`).join(' + ')} above ${threshold} in ${often}`,
    periodMs,
    /** Its value in the period from `fromMs` to `toMs`, epoch milliseconds; undefined if there is none. */
    value: (points: DataPoints, fromMs: number, toMs: number): number | undefined =>
      watched
        .map((metric) => points.statistic(metric, metric.statistic, fromMs, toMs))
        .filter((value) => value !== undefined)
        .reduce<number | undefined>((sum, value) => (sum ?? 0) + value, undefined),
  };
}

/** A metric that an alarm watches, and which statistic of it. */
interface WatchedMetric extends MetricName {
  readonly statistic: string;
  readonly periodMs: number;
}

/** The one metric of an alarm, or all that it adds up, which have the same period; none if it does something else. */
function watchedMetrics(properties: JsonObject): WatchedMetric[] {
  const { MetricName, Statistic, ExtendedStatistic, Period, Metrics } = properties;
  if (asText(MetricName)) return [watchedMetric(properties, asText(Statistic) || ExtendedStatistic, Period)];
  const queries = asList(Metrics).map(asObject);
  const expressions = queries.flatMap(({ Expression }) => asText(Expression) ?? []);
  const stats = queries.filter(({ MetricStat }) => MetricStat !== undefined);
  const sum = `SUM([${stats.map(({ Id }) => asText(Id)).join(', ')}])`;
  if (expressions.length !== 1 || expressions[0] !== sum) return [];
  return stats.map((query) => {
    const { Metric, Stat, Period } = asObject(query['MetricStat']);
    return watchedMetric(asObject(Metric), Stat, Period);
  });
}

function watchedMetric(
  { Namespace, MetricName, Dimensions }: JsonObject,
  statistic: Json | undefined,
  periodSeconds: Json | undefined,
): WatchedMetric {
  return {
    namespace: asText(Namespace) ?? '',
    name: asText(MetricName) ?? '',
    dimensions: Object.fromEntries(
      asList(Dimensions)
        .map(asObject)
        .map(({ Name, Value }) => [asText(Name) ?? '', asText(Value) ?? '']),
    ),
    statistic: asText(statistic) ?? '',
    periodMs: (asNumber(periodSeconds) ?? 60) * 1_000,
  };
}
