// Counts may be wrong: two things that must agree do not. The first sign is enough, since waiting does not mend it.
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import { FIVE_MINUTES, type Reported } from '../tally-metric.ts';
import { type AlarmGroup, once } from './alarm-plan.ts';

/** What contradicts the counts. */
export function wrong(reported: Reported): AlarmGroup {
  return {
    id: 'CountsMayBeWrong',
    description:
      'Counts contradict the ledger, the audit or the canary, or records are gone: some count may be wrong, and stays so until somebody looks.',
    runbook: 'counts-may-be-wrong',
    alarms: [
      {
        id: 'RecordsLost',
        metric: new MathExpression({
          expression: 'FILL(lost, 0) + FILL(gaps, 0) + FILL(dropped, 0)',
          usingMetrics: {
            lost: reported('aggregator', 'RecordsLost'),
            gaps: reported('aggregator', 'StreamGaps'),
            dropped: reported('accountant', 'StreamGaps'),
          },
          label: 'Records lost and gaps',
          period: FIVE_MINUTES,
        }),
        ...once,
        description:
          'The stream trimmed records before they were counted, or may have: the only alarm that means loss, so the first one is enough.',
        runbook: 'records-lost',
      },
      {
        id: 'Conservation',
        metric: reported('accountant', 'ConservationDifference', 'Maximum'),
        ...once,
        description:
          'Received events and the sum of all places differ in the status, which can not be while the ledger is whole.',
        runbook: 'conservation',
      },
      {
        id: 'HourConservation',
        metric: reported('accountant', 'HourConservationDifference', 'Maximum'),
        ...once,
        description:
          'In one hour of arrival of one shard, received events and the sum of all places differ, or what was emitted and where its parts are, which can not be while the ledger is whole.',
        runbook: 'conservation',
      },
      {
        id: 'Audit',
        metric: reported('auditor', 'AuditDifferences'),
        ...once,
        description:
          'An audit found counter items that differ from what segments emitted, so counts may be wrong until they are repaired.',
        runbook: 'audit',
      },
      {
        id: 'LevelsMissed',
        metric: reported('compactor', 'LevelsMissed'),
        ...once,
        description:
          'Days, months or totals will never hold some events that counter items held: those, or the list of what to look at, were past their retention before the compactor came.',
        runbook: 'levels-missed',
      },
      {
        id: 'CanaryDifference',
        // The least of five readings: one alone may be a moment behind.
        metric: reported('canary', 'CanaryDifference', 'Minimum'),
        ...once,
        description:
          "The canary's events of a minute are counted too often or too seldom although everything that arrived then is said to be counted, so other counts may be wrong too.",
        runbook: 'canary-difference',
      },
    ],
  };
}
