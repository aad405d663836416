// Tally's own metrics, as functions emit them: docs/metrics.md says what each counts.
import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';

/** The periods in which figures are looked at. */
export const ONE_MINUTE = Duration.minutes(1);
export const FIVE_MINUTES = Duration.minutes(5);
export const ONE_HOUR = Duration.hours(1);
/** What adds up over five minutes. */
export const sums = { statistic: 'Sum', period: FIVE_MINUTES } as const;

/** A metric that a function reports about itself. Its dimensions are the function and the stage, and nothing else. */
export type Reported = (service: string, metricName: string, statistic?: string, period?: Duration) => Metric;

/** The metrics of a stage's functions. */
export function reportedIn(stage: string): Reported {
  return (service, metricName, statistic = 'Sum', period = FIVE_MINUTES) =>
    new Metric({
      namespace: 'Tally',
      metricName,
      dimensionsMap: { service, stage },
      statistic,
      period,
    });
}
