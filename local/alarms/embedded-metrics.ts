// Metrics in the lines that functions print: CloudWatch's embedded metric format.
import { asList, asNumber, asObject, asText, isObject, parseJson } from '../json.ts';
import type { DataPoints } from './data-points.ts';

/**
 * Adds what a line publishes, if it publishes anything.
 * (docs AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html)
 */
export function addEmbeddedMetrics(line: string, points: DataPoints): void {
  if (!line.includes('"_aws"')) return;
  const root = parseJson(line);
  if (!isObject(root)) return;
  const { Timestamp, CloudWatchMetrics } = asObject(root['_aws']);
  const atMs = asNumber(Timestamp);
  if (atMs === undefined) return;
  for (const directive of asList(CloudWatchMetrics).map(asObject)) {
    const namespace = asText(directive['Namespace']) ?? '';
    for (const dimensionSet of asList(directive['Dimensions'])) {
      const names = asList(dimensionSet).map(String);
      const dimensions = Object.fromEntries(names.map((name) => [name, asText(root[name]) ?? '']));
      for (const definition of asList(directive['Metrics']).map(asObject)) {
        const name = asText(definition['Name']) ?? '';
        for (const value of [root[name]].flat()) {
          const number = asNumber(value);
          if (number !== undefined) points.add({ namespace, name, dimensions }, atMs, number);
        }
      }
    }
  }
}
