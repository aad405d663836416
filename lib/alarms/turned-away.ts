// Clients are turned away: they can not report events, or can not read counts. What was accepted is not concerned.
import { FIVE_MINUTES, type Reported, sums } from '../tally-metric.ts';
import type { Watched } from '../watched.ts';
import { type AlarmGroup, onEnd } from './alarm-plan.ts';
import { alarmsOfFunctions } from './functions.ts';

/** Clients give up, or send again, long before API Gateway's own 29 seconds. */
const LATENCY_MS_MAX = 5_000;

/** What a client sees of trouble. */
export function turnedAway(watched: Watched, reported: Reported): AlarmGroup {
  const { api, stream } = watched;
  return {
    id: 'ClientsTurnedAway',
    description:
      'Clients can not report events or read counts, or wait too long for it; what was answered with 202 is not concerned, and what was not may be sent again.',
    runbook: 'clients-turned-away',
    alarms: [
      {
        id: 'FrontDoorErrors',
        metric: api.metricServerError({ statistic: 'Average', period: FIVE_MINUTES }),
        threshold: { above: 0.01 },
        datapoints: 2,
        periods: 3,
        description:
          'More than 1 % of requests were answered with 5xx, partly taken ones among them: clients repeat those, so a single burst is no matter, ten minutes of it are.',
        runbook: 'front-door-errors',
      },
      {
        id: 'FrontDoorLatency',
        metric: api.metricLatency({ statistic: 'p99', period: FIVE_MINUTES }),
        ...onEnd,
        threshold: { above: LATENCY_MS_MAX },
        description: `One request in a hundred took over ${LATENCY_MS_MAX / 1000} seconds for 15 minutes on end: clients give up before that and send again, which adds to what is slow.`,
        runbook: 'front-door-latency',
      },
      {
        id: 'StreamThrottled',
        metric: stream.metricWriteProvisionedThroughputExceeded(sums),
        ...onEnd,
        description:
          'Writes exceeded a shard for 15 minutes on end: events are turned away until clients repeat them, so the stream needs shards.',
        runbook: 'stream-throttled',
      },
      {
        id: 'QueriesFailed',
        metric: reported('query', 'QueriesFailed'),
        ...onEnd,
        description:
          'Queries were answered with 503 for 15 minutes on end: among many posted events they need not make the 1 % of FrontDoorErrors.',
        runbook: 'queries-failed',
      },
      ...alarmsOfFunctions(watched, ['query']),
    ],
  };
}
