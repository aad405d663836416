// Tasks for a person: what stays as it is until somebody acts, for days if need be. Each sends a mail of its own, in no group,
// so that it neither hides another trouble meanwhile nor is hidden by one.
import { MathExpression } from 'aws-cdk-lib/aws-cloudwatch';
import type { Configuration } from '../configuration.ts';
import { FIVE_MINUTES, ONE_HOUR, type Reported } from '../tally-metric.ts';
import { type AlarmPlan, once } from './alarm-plan.ts';

/** A reading that fails alone is no matter where at least two follow within the alarm's five minutes. */
function readingsForgiven({ retryRereadSeconds }: Configuration): number {
  return retryRereadSeconds <= 100 ? 1 : 0;
}

/** Lists of months are brought up once a day: an hour more than that until it is over. */
const TOPS_HOURS = 25;

/** What waits for an operator and for nobody else. */
export function tasks(c: Configuration, reported: Reported): AlarmPlan[] {
  return [
    {
      id: 'Parked',
      metric: new MathExpression({
        expression: 'FILL(parked, 0) + FILL(waiting, 0)',
        usingMetrics: {
          // What is no rollup message is parked too, and the ledger does not know it.
          parked: reported('redriver', 'DeadLettersParked'),
          waiting: reported('accountant', 'EventsParked', 'Maximum'),
        },
        label: 'Parked just now, and events that wait parked',
        period: FIVE_MINUTES,
      }),
      ...once,
      description:
        'A dead letter was parked in the archive: it waits there for an operator, and for nobody else, so the first one is enough; the alarm stays until its events are counted.',
      runbook: 'parked',
    },
    {
      id: 'RetryParameter',
      metric: new MathExpression({
        expression: 'FILL(writer, 0) + FILL(redriver, 0)',
        usingMetrics: {
          writer: reported('writer', 'RetryParameterProblems'),
          redriver: reported('redriver', 'RetryParameterProblems'),
        },
        label: 'The retry parameter could not be used',
        period: FIVE_MINUTES,
      }),
      ...once,
      threshold: { above: readingsForgiven(c) },
      description:
        'The retry parameter is missing or wrong (two readings within five minutes where it is read as often, since a single one may be a moment of the service; else one): the last good values hold, and the change somebody made has no effect.',
      runbook: 'retry-parameter',
    },
    {
      id: 'TopListsUncertain',
      metric: reported('compactor', 'TopListsUncertain', 'Sum', ONE_HOUR),
      threshold: { above: 0 },
      datapoints: 1,
      periods: TOPS_HOURS,
      description: `Counts have fallen so far that a top list can no longer say its first 100, and it could not be made anew: its answers are shorter than asked for, and say so. The first is enough, since hardly one mends itself; the alarm stays until there was none for ${TOPS_HOURS} hours, because lists of months are looked at once a day.`,
      runbook: 'top-lists-uncertain',
    },
  ];
}
