// The template's alarms: what each watches and when it goes off, read from the template and from nowhere else.
import { LocalStackError } from '../errors.ts';
import { asList, asNumber, asObject, asText, type JsonObject } from '../json.ts';
import { arnOf } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';
import { type AlarmCondition, comparison, type MissingData } from './alarm-state.ts';
import { type CompositeRule, parseRule } from './composite-rule.ts';
import type { DataPoints, MetricName } from './data-points.ts';
import { parseExpression } from './metric-math.ts';
import { SEEN_METRICS } from './service-metrics.ts';

/** What all alarms have. */
interface Named {
  readonly logicalId: string;
  /** What operators call it: the logical id without its path and hash. */
  readonly name: string;
  readonly description: string;
  /** The section of docs/runbook.md that the description names, if it names one. */
  readonly runbook: string | undefined;
}

/** An alarm on a metric, or on an expression over several. */
export interface MetricAlarm extends Named {
  readonly kind: 'metric';
  readonly condition: AlarmCondition;
  /** The condition in words: `Maximum of IteratorAge above 600000 in 3 of 3 periods of 1 min`. */
  readonly shown: string;
  readonly periodMs: number;
  /** Its value in the period from `fromMs` to `toMs`, epoch milliseconds; undefined where there is none. */
  value(points: DataPoints, fromMs: number, toMs: number): number | undefined;
}

/** An alarm on other alarms. */
export interface CompositeAlarm extends Named {
  readonly kind: 'composite';
  readonly rule: CompositeRule;
  /** Names and ARNs by which its rule may call an alarm, to logical ids. */
  readonly called: ReadonlyMap<string, string>;
}

/** Every alarm of a template. */
export interface TemplateAlarms {
  readonly metric: readonly MetricAlarm[];
  readonly composite: readonly CompositeAlarm[];
}

/** Reads the alarms. @throws LocalStackError for what the local stack can not evaluate, or could never see */
export function readAlarms(template: Template): TemplateAlarms {
  const metricResources = template.ofType('AWS::CloudWatch::Alarm');
  const compositeResources = template.ofType('AWS::CloudWatch::CompositeAlarm');
  const called = new Map(
    [...metricResources, ...compositeResources].flatMap((resource): [string, string][] => [
      [arnOf(resource), resource.logicalId],
      [asText(resource.properties['AlarmName']) ?? resource.logicalId, resource.logicalId],
    ]),
  );
  return {
    metric: metricResources.map(metricAlarm),
    composite: compositeResources.map((resource) => {
      const rule = parseRule(asText(resource.properties['AlarmRule']) ?? '');
      const stranger = rule.alarms.find((alarm) => !called.has(alarm));
      if (stranger !== undefined) {
        throw new LocalStackError(
          `${resource.logicalId} asks for the alarm ${stranger}, which is not there.`,
        );
      }
      return { kind: 'composite', ...describe(resource), rule, called };
    }),
  };
}

function describe({ logicalId, properties }: Resource): Named {
  const description = asText(properties['AlarmDescription']) ?? '';
  const [, runbook] = /docs\/runbook\.md#([\w-]+)/.exec(description) ?? [];
  return {
    logicalId,
    name: logicalId.replace(/^Observability/, '').replace(/[0-9A-F]{8}$/, ''),
    description,
    runbook,
  };
}

const MISSING: readonly MissingData[] = ['breaching', 'notBreaching', 'missing', 'ignore'];

function metricAlarm(resource: Resource): MetricAlarm {
  const { properties } = resource;
  const text = (name: string) => asText(properties[name]);
  const number = (name: string) => asNumber(properties[name]);
  const threshold = number('Threshold');
  if (threshold === undefined) {
    throw new LocalStackError(
      `${resource.logicalId} has no fixed threshold: the local stack knows no other.`,
    );
  }
  const evaluationPeriods = number('EvaluationPeriods') ?? 1;
  const named = text('TreatMissingData') ?? 'missing';
  const missing = MISSING.find((known) => known === named);
  if (missing === undefined)
    throw new LocalStackError(`${resource.logicalId} treats missing data as ${named}.`);
  const { periodMs, value, watched } =
    properties['Metrics'] === undefined ? oneMetric(properties) : expression(resource.logicalId, properties);
  const operator = text('ComparisonOperator') ?? '';
  const condition = {
    breaches: comparison(operator, threshold),
    evaluationPeriods,
    datapointsToAlarm: number('DatapointsToAlarm') ?? evaluationPeriods,
    missing,
  };
  const side = operator.startsWith('Less') ? 'below' : 'above';
  const often = `${condition.datapointsToAlarm} of ${evaluationPeriods} periods of ${periodMs / 60_000} min`;
  return {
    kind: 'metric',
    ...describe(resource),
    condition,
    shown: `${watched} ${side} ${threshold} in ${often}`,
    periodMs,
    value,
  };
}

type Measured = Pick<MetricAlarm, 'periodMs' | 'value'> & { readonly watched: string };

function oneMetric(stat: JsonObject): Measured {
  const metric = readMetric(stat);
  const statistic =
    asText(stat['Statistic']) ?? asText(stat['ExtendedStatistic']) ?? asText(stat['Stat']) ?? '';
  return {
    watched: `${statistic} of ${metric.name}`,
    periodMs: (asNumber(stat['Period']) ?? 60) * 1_000,
    value: (points, fromMs, toMs) => points.statistic(metric, statistic, fromMs, toMs),
  };
}

function readMetric(properties: JsonObject): MetricName {
  const namespace = asText(properties['Namespace']) ?? '';
  const name = asText(properties['MetricName']) ?? '';
  if (namespace.startsWith('AWS/') && !SEEN_METRICS[namespace]?.includes(name)) {
    throw new LocalStackError(
      `An alarm watches ${namespace} ${name}, which the local stack does not see: add it to local/alarms/service-metrics.ts.`,
    );
  }
  const dimensions = Object.fromEntries(
    asList(properties['Dimensions'])
      .map(asObject)
      .map(({ Name, Value }) => [asText(Name) ?? '', asText(Value) ?? '']),
  );
  return { namespace, name, dimensions };
}

function expression(logicalId: string, properties: JsonObject): Measured {
  const queries = asList(properties['Metrics']).map(asObject);
  const values = new Map<string, Measured['value']>();
  let periodMs = 0;
  for (const query of queries) {
    const id = asText(query['Id']) ?? '';
    const stat = query['MetricStat'];
    if (stat !== undefined) {
      const { Metric, ...rest } = asObject(stat);
      const measured = oneMetric({ ...asObject(Metric), ...rest });
      periodMs = Math.max(periodMs, measured.periodMs);
      values.set(id, measured.value);
      continue;
    }
    const parsed = parseExpression(asText(query['Expression']) ?? '');
    values.set(id, (points, fromMs, toMs) =>
      parsed.evaluate((name) => {
        const value = values.get(name);
        if (value === undefined)
          throw new LocalStackError(`${logicalId} reads "${name}", which it does not have.`);
        return value(points, fromMs, toMs);
      }),
    );
  }
  const returned = queries.find(({ ReturnData }) => ReturnData !== false && ReturnData !== 'false');
  const value = values.get(asText(returned?.['Id']) ?? '');
  if (value === undefined || periodMs === 0) throw new LocalStackError(`${logicalId} watches nothing.`);
  return { periodMs, value, watched: asText(returned?.['Label']) ?? asText(returned?.['Expression']) ?? '' };
}
