// Alarms of a synthesized template, as data: what each watches, and which composite has it.
import { resourcesOf, type TemplateJson } from './stack-template.ts';

/** A metric that an alarm watches. */
export interface WatchedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, unknown>>;
  /** Seconds. */
  readonly period: number;
  readonly statistic: string;
}

/** The alarm's name in the code: its logical id without the construct's path and hash. */
function nameIn(logicalId: string): string {
  return logicalId.replace(/^Observability/, '').replace(/[0-9A-F]{8}$/, '');
}

/** All metric alarms. */
export function alarmsOf(template: TemplateJson) {
  return resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([id, { Properties }]) => ({
    id: nameIn(id),
    properties: Properties,
  }));
}

/** All composite alarms, with the names of their members. */
export function compositesOf(template: TemplateJson) {
  return resourcesOf(template, 'AWS::CloudWatch::CompositeAlarm').map(([id, { Properties }]) => ({
    id: nameIn(id),
    properties: Properties,
    children: (Properties.AlarmRule['Fn::Join'][1] as (string | { 'Fn::GetAtt': [string, string] })[])
      .filter((part) => typeof part !== 'string')
      .map((part) => nameIn(part['Fn::GetAtt'][0])),
    suppressor: nameIn(Properties.ActionsSuppressor?.['Fn::GetAtt']?.[0] ?? ''),
  }));
}

interface MetricJson {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions?: readonly { readonly Name: string; readonly Value: unknown }[];
}

/** The metrics of an alarm, whether it has one or an expression over several. */
// biome-ignore lint/suspicious/noExplicitAny: a template's properties are of every shape.
export function metricsOf(properties: any): WatchedMetric[] {
  const of = (metric: MetricJson, period: number, statistic: string) => ({
    namespace: metric.Namespace,
    name: metric.MetricName,
    dimensions: Object.fromEntries((metric.Dimensions ?? []).map(({ Name, Value }) => [Name, Value])),
    period,
    statistic,
  });
  const { Metrics, Period, Statistic, ExtendedStatistic } = properties;
  if (Metrics === undefined) return [of(properties, Period, Statistic ?? ExtendedStatistic)];
  return Metrics.flatMap(
    ({ MetricStat }: { MetricStat?: { Metric: MetricJson; Period: number; Stat: string } }) =>
      MetricStat === undefined ? [] : [of(MetricStat.Metric, MetricStat.Period, MetricStat.Stat)],
  );
}
