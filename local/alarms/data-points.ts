// Data points as CloudWatch keeps them: values by metric, dimensions and time, and statistics over a span of time.
import { LocalStackError } from '../errors.ts';

/** Which metric. Every dimension belongs to its name: the same metric with other dimensions is another metric. */
export interface MetricName {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

/** Values that were published, and questions about them. */
export interface DataPoints {
  /** Adds a value. @param atMs when it was published for, epoch milliseconds */
  add(metric: MetricName, atMs: number, value: number): void;
  /** A statistic of the values in `fromMs <= time < toMs`; undefined where there are none. @throws LocalStackError for a statistic it does not know */
  statistic(metric: MetricName, statistic: string, fromMs: number, toMs: number): number | undefined;
  /** Every metric of which there is a value. */
  metrics(): readonly MetricName[];
}

/** Data points in memory. */
export function createDataPoints(): DataPoints {
  const series = new Map<
    string,
    { metric: MetricName; points: { readonly atMs: number; readonly value: number }[] }
  >();
  return {
    add: (metric, atMs, value) => {
      const key = keyOf(metric);
      const found = series.get(key) ?? { metric, points: [] };
      found.points.push({ atMs, value });
      series.set(key, found);
    },
    statistic: (metric, statistic, fromMs, toMs) => {
      const compute = statisticNamed(statistic);
      const values = (series.get(keyOf(metric))?.points ?? [])
        .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
        .map(({ value }) => value);
      return values.length === 0 ? undefined : compute(values);
    },
    metrics: () => [...series.values()].map(({ metric }) => metric),
  };
}

function keyOf({ namespace, name, dimensions }: MetricName): string {
  return JSON.stringify([
    namespace,
    name,
    Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]);
}

type Statistic = (values: readonly number[]) => number;

const sum: Statistic = (values) => values.reduce((total, value) => total + value, 0);

const statistics: Readonly<Record<string, Statistic>> = {
  Sum: sum,
  Average: (values) => sum(values) / values.length,
  Minimum: (values) => Math.min(...values),
  Maximum: (values) => Math.max(...values),
  SampleCount: (values) => values.length,
};

function statisticNamed(name: string): Statistic {
  const known = Object.hasOwn(statistics, name) ? statistics[name] : undefined;
  if (known !== undefined) return known;
  const [, percent] = /^p(\d{1,2}(?:\.\d+)?|100)$/.exec(name) ?? [];
  if (percent === undefined) {
    throw new LocalStackError(
      `An alarm uses the statistic ${name}, which the local stack does not know: add it to local/alarms/data-points.ts.`,
    );
  }
  return (values) => percentile(values, Number(percent));
}

/** The smallest value that so many per cent of all values do not exceed. */
function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const rank = Math.max(1, Math.ceil((percent / 100) * sorted.length));
  return sorted[rank - 1] ?? Number.NaN;
}
