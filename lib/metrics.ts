// Tally's own metrics: which function emits each, when, and what it counts. docs/metrics.md is generated from this table.
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

/**
 * All custom metrics, by name: the function in the dimension `service` (the other dimension is the stage), the unit, and what it
 * counts. Each costs $0.30 a month while it is emitted. An entity or a shard is never a dimension: each value would
 * cost as much as a metric.
 */
export const METRICS = {
  EventsReceived: always('aggregator', 'Events in committed segments, decodable or not.'),
  EventsDuplicate: sometimes(
    'aggregator',
    'Of these, dropped because their id was seen within the dedup window.',
  ),
  EventsRejected: sometimes(
    'aggregator',
    'Of these, put into the archive because they can never be counted.',
  ),
  RecordsLost: sometimes(
    'aggregator',
    'Records that the stream trimmed before they were counted. A stretch of unknown length counts as one.',
  ),
  EventsCollected: sometimes('collector', 'Events of access logs put into the stream.'),
  EventsCounted: always('writer', 'Events of parts acknowledged for the first time. Copies count nothing.'),
  EventsExpired: sometimes(
    'writer',
    'Events put into the archive because the period they belong to has expired.',
  ),
  Freshness: {
    ...always(
      'writer',
      'From the arrival of the oldest record of a segment until one of its parts is acknowledged.',
    ),
    unit: 'milliseconds',
  },
  DeadLettersReturned: sometimes(
    'redriver',
    'Dead letters sent back to the queue, or written by the redriver itself.',
  ),
  DeadLettersParked: sometimes(
    'redriver',
    'Dead letters put into the archive: poison, all rounds used up, or an object of access logs that could not be read.',
  ),
  RetryParameterProblems: sometimes('redriver', 'Readings of the retry parameter that could not be used.'),
  CompleteThroughLag: {
    ...always('accountant', 'Age of `completeThrough`. Missing until there is a watermark.'),
    unit: 'milliseconds',
  },
  ConservationDifference: sometimes(
    'accountant',
    'Received events minus the sum of all places, in all or in one hour of a shard, whichever is larger. It must be 0.',
  ),
  ShardsLost: sometimes('accountant', 'Shards that the stream dropped before they were read to their end.'),
  CompactionLag: {
    ...always('compactor', 'Age of the oldest settled delta that is not in a block.'),
    unit: 'milliseconds',
  },
  DeltasMissing: sometimes('compactor', 'Deltas that a compaction should read and could not. It must be 0.'),
  CanaryDifference: always(
    'canary',
    "By how many events the canary's complete minutes differ. It must be 0.",
  ),
  CanaryLateMinutes: always(
    'canary',
    "Age of the canary's oldest minute that is not counted in whole, in minutes. Missing while it cannot send.",
  ),
  QueriesFailed: sometimes('query', 'Requests answered with 503.'),
} as const;

export function customMetrics() {
  return Object.entries(METRICS).map(([name, metric]) => ({ name, ...metric }));
}

/** Over five minutes, CDK's default. */
export const sums = { statistic: 'Sum' } as const;

/** A stage's own metrics, by name, over five minutes. */
export function reportedIn(stage: string) {
  return (metricName: keyof typeof METRICS, statistic = 'Sum') =>
    new Metric({
      namespace: 'Tally',
      metricName,
      dimensionsMap: { service: METRICS[metricName].service, stage },
      statistic,
    });
}

/** Emitted in every invocation, even if 0. */
function always(service: string, what: string) {
  return { service, unit: 'count', emitted: 'always', what } as const;
}

/** Emitted only if nonzero. */
function sometimes(service: string, what: string) {
  return { service, unit: 'count', emitted: 'on occurrence', what } as const;
}
