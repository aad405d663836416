// Events may be lost: what waits has used up half of the time for which it is kept. A second mail, after the one that it is late.

import type { Configuration } from '../configuration.ts';
import { ONE_MINUTE } from '../tally-metric.ts';
import type { Watched } from '../watched.ts';
import type { AlarmGroup } from './alarm-plan.ts';

const DAY_SECONDS = 86_400;
const HOUR_MS = 3_600_000;

/** What runs out of retention: each the first time that half of it is gone. */
export function atRisk(c: Configuration, { queue, deadLetters, functions }: Watched): AlarmGroup {
  const first = { datapoints: 1, periods: 1, runbook: 'retention-at-risk' };
  const oldest = { statistic: 'Maximum', period: ONE_MINUTE };
  return {
    id: 'EventsMayBeLost',
    description:
      'Something has waited for half of the time for which its place keeps it: past the other half events are lost, so this is the last call after CountsMayBeLate.',
    runbook: 'events-may-be-lost',
    alarms: [
      {
        id: 'StreamRetentionAtRisk',
        metric: functions.aggregator.metric('IteratorAge', oldest),
        threshold: { above: (c.streamRetentionHours / 2) * HOUR_MS },
        ...first,
        description: `The oldest record not yet aggregated is over ${c.streamRetentionHours / 2} hours old, half of what the stream keeps: past the other half events are lost.`,
      },
      {
        id: 'QueueRetentionAtRisk',
        metric: queue.metricApproximateAgeOfOldestMessage(oldest),
        threshold: { above: (c.queueRetentionDays / 2) * DAY_SECONDS },
        ...first,
        description: `A rollup message has waited over ${c.queueRetentionDays / 2} days, half of what the queue keeps: past the other half its events are only in the stream, if there still.`,
      },
      {
        id: 'DeadLetterRetentionAtRisk',
        metric: deadLetters.metricApproximateAgeOfOldestMessage(oldest),
        threshold: { above: (c.deadLetterRetentionDays / 2) * DAY_SECONDS },
        ...first,
        description: `A dead letter has waited over ${c.deadLetterRetentionDays / 2} days, half of what its queue keeps: the redriver has neither returned nor parked it, and past the other half it is gone.`,
      },
    ],
  };
}
