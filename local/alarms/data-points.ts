// Data points as in CloudWatch: values by metric, dimensions and time, and statistics over a time range.
import { LocalStackError } from '../errors.ts';
import { asList, asNumber, asObject, asText, parseJson } from '../json.ts';

/** A metric's identity. All dimensions belong to it: the same metric with other dimensions is another metric. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Published values, and queries for them. */
export type DataPoints = ReturnType<typeof createDataPoints>;

/** Data points in memory. */
export function createDataPoints() {
  const series = new Map<string, { readonly atMs: number; readonly value: number }[]>();
  return {
    /** Adds a value. @param atMs its time, epoch milliseconds */
    add: (metric: MetricName, atMs: number, value: number): void => {
      const key = keyOf(metric);
      const points = series.get(key) ?? [];
      points.push({ atMs, value });
      series.set(key, points);
    },
    /** A statistic of the values in `fromMs <= time < toMs`; undefined if there are none. @throws LocalStackError for an unsupported statistic */
    statistic: (metric: MetricName, statistic: string, fromMs: number, toMs: number): number | undefined => {
      const values = (series.get(keyOf(metric)) ?? [])
        .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
        .map(({ value }) => value);
      return values.length === 0 ? undefined : statisticOf(statistic, values);
    },
  };
}

/**
 * Adds the values in a function's log line, if it is in CloudWatch's embedded metric format.
 * (docs AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
 */
export function addEmbeddedMetrics(line: string, points: DataPoints): void {
  if (!line.includes('"_aws"')) return;
  const root = asObject(parseJson(line));
  const { Timestamp, CloudWatchMetrics } = asObject(root['_aws']);
  for (const directive of asList(CloudWatchMetrics).map(asObject)) {
    const namespace = asText(directive['Namespace']) ?? '';
    for (const dimensionSet of asList(directive['Dimensions'])) {
      const names = asList(dimensionSet).map(String);
      const dimensions = Object.fromEntries(names.map((name) => [name, asText(root[name]) ?? '']));
      for (const definition of asList(directive['Metrics']).map(asObject)) {
        const name = asText(definition['Name']) ?? '';
        for (const value of [root[name]].flat())
          points.add({ namespace, name, dimensions }, asNumber(Timestamp) ?? 0, asNumber(value) ?? 0);
      }
    }
  }
}

function keyOf({ namespace, name, dimensions }: MetricName): string {
  const sorted = Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([namespace, name, sorted]);
}

function statisticOf(name: string, values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const sum = sorted.reduce((total, value) => total + value, 0);
  const [, percent] = /^p(\d+)$/.exec(name) ?? [];
  // The smallest value that this percentage of all values does not exceed.
  const rank = Math.max(1, Math.ceil((Number(percent) / 100) * sorted.length));
  const known: Readonly<Record<string, number | undefined>> = {
    Sum: sum,
    Average: sum / sorted.length,
    Minimum: sorted[0],
    Maximum: sorted.at(-1),
  };
  const found = percent === undefined ? known[name] : sorted[rank - 1];
  if (found !== undefined) return found;
  throw new LocalStackError(
    `An alarm uses the statistic ${name}, which the local stack does not know: add it to local/alarms/data-points.ts.`,
  );
}
