// The template's alarms: what each watches and when it goes off, read from the template and from nowhere else.
import { LocalStackError } from '../errors.ts';
import { asList, asNumber, asObject, asText, type JsonObject } from '../json.ts';
import { arnOf } from '../template/names.ts';
import type { Resource, Template } from '../template/template.ts';
import { type AlarmCondition, comparison, type MissingData } from './alarm-state.ts';
import type { DataPoints, MetricName } from './data-points.ts';
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

/** An alarm on a metric. */
export interface MetricAlarm extends Named {
  readonly kind: 'metric';
  readonly condition: AlarmCondition;
  /** The condition in words: `Maximum of IteratorAge above 600000 in 3 of 3 periods of 1 min`. */
  readonly shown: string;
  readonly periodMs: number;
  /** Its value in the period from `fromMs` to `toMs`, epoch milliseconds; undefined where there is none. */
  value(points: DataPoints, fromMs: number, toMs: number): number | undefined;
}

/** An alarm that is on while one of others is. */
export interface CompositeAlarm extends Named {
  readonly kind: 'composite';
  /** Logical ids of the others. */
  readonly anyOf: readonly string[];
}

/** Every alarm of a template. */
export interface TemplateAlarms {
  readonly metric: readonly MetricAlarm[];
  readonly composite: readonly CompositeAlarm[];
}

/** Reads the alarms. @throws LocalStackError for what the local stack can not evaluate, or could never see */
export function readAlarms(template: Template): TemplateAlarms {
  const metricResources = template.ofType('AWS::CloudWatch::Alarm');
  const ids = new Map(metricResources.map((resource) => [arnOf(resource), resource.logicalId]));
  return {
    metric: metricResources.map(metricAlarm),
    composite: template.ofType('AWS::CloudWatch::CompositeAlarm').map((resource) => ({
      kind: 'composite',
      ...describe(resource),
      anyOf: alarmsIn(asText(resource.properties['AlarmRule']) ?? '', ids),
    })),
  };
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
      `${resource.logicalId} has no fixed threshold, and the local stack evaluates no other.`,
    );
  }
  const evaluationPeriods = number('EvaluationPeriods') ?? 1;
  const named = text('TreatMissingData') ?? 'missing';
  const missing = MISSING.find((known) => known === named);
  if (missing === undefined)
    throw new LocalStackError(`${resource.logicalId} treats missing data as ${named}.`);
  if (properties['Metrics'] !== undefined)
    throw new LocalStackError(
      `${resource.logicalId} is on an expression, which the local stack cannot evaluate.`,
    );
  const { periodMs, value, watched } = oneMetric(properties);
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
