// Metrics in embedded metric format, read from the lines that functions write.

/** One metric of one line. */
export interface EmittedMetric {
  readonly namespace: string;
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, unknown>>;
  readonly values: readonly number[];
}

interface Directive {
  readonly Namespace: string;
  readonly Dimensions: readonly (readonly string[])[];
  readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
}

/** The metrics in a line; none when it is something else. */
export function metricsIn(line: string): EmittedMetric[] {
  if (!line.startsWith('{') || !line.includes('"_aws"')) return [];
  const blob = JSON.parse(line) as Record<string, unknown> & {
    _aws: { CloudWatchMetrics: readonly Directive[] };
  };
  return blob._aws.CloudWatchMetrics.flatMap(({ Namespace, Dimensions, Metrics }) =>
    Metrics.flatMap(({ Name, Unit }) =>
      Dimensions.map((names) => ({
        namespace: Namespace,
        name: Name,
        unit: Unit,
        dimensions: Object.fromEntries(names.map((name) => [name, blob[name]])),
        values: [blob[Name]].flat() as number[],
      })),
    ),
  );
}
