// Counts are unwatched: what would notice that they are late or wrong does not work. The counts themselves may be fine.
import type { Reported } from '../tally-metric.ts';
import type { Watched } from '../watched.ts';
import type { AlarmGroup } from './alarm-plan.ts';
import { alarmsOfFunctions } from './functions.ts';
import { silence } from './silence.ts';

/** The watchmen: accountant, auditor, canary. */
export function unwatched(watched: Watched, reported: Reported): AlarmGroup {
  return {
    id: 'CountsUnwatched',
    description:
      'Accountant, auditor or canary do not do their work: counts may be right and in time, but nobody would notice if they were not.',
    runbook: 'counts-unwatched',
    // An outage that makes counts late stops the watchmen too; if they stay away when it is over, their mail comes then.
    suppressedBy: 'CountsMayBeLate',
    alarms: [
      {
        id: 'AccountantSilent',
        ...silence(reported, { service: 'accountant', metricName: 'ConservationDifference', periods: 2 }),
        description:
          'The accountant, which runs every minute, has not reported for ten minutes, as in the first minutes of a new stack: conservation is not checked and completeThrough stands still.',
        runbook: 'accountant-silent',
      },
      {
        id: 'CanarySilent',
        ...silence(reported, { service: 'canary', metricName: 'CanaryLateMinutes', periods: 2 }),
        description:
          'The canary, which runs every minute, has given no verdict for ten minutes, as in the first minutes of a new stack: nobody follows an event all the way.',
        runbook: 'canary-silent',
      },
      {
        id: 'AuditsFailed',
        metric: reported('auditor', 'AuditsFailed'),
        threshold: { above: 0 },
        datapoints: 2,
        periods: 12,
        description:
          'Audits could not be finished twice within an hour: one that fails is asked for again, a second one has a cause.',
        runbook: 'audits-failed',
      },
      ...alarmsOfFunctions(watched, ['accountant', 'auditor', 'canary']),
    ],
  };
}
