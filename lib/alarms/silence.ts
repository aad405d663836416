// Alarms on silence: a part that is broken reports nothing, and must not look as if nothing were wrong.
import { MathExpression, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { FIVE_MINUTES, type Reported } from '../tally-metric.ts';
import type { AlarmPlan } from './alarm-plan.ts';

/** A function that reports at least every minute while it works, and what to watch of it. */
interface Talker {
  readonly service: string;
  readonly metricName: string;
  /** Spans of five minutes without a figure that are one too many. */
  readonly periods: number;
}

/**
 * When a function that speaks every minute has said nothing. Silence is filled with 0, not left to the treatment of missing
 * data: CloudWatch looks further back than the alarm's periods for figures that are there, and would wait for those to pass.
 */
export function silence(
  reported: Reported,
  { service, metricName, periods }: Talker,
): Pick<AlarmPlan, 'metric' | 'threshold' | 'datapoints' | 'periods' | 'missing'> {
  return {
    metric: new MathExpression({
      expression: 'FILL(reports, 0)',
      usingMetrics: { reports: reported(service, metricName, 'SampleCount') },
      label: `Reports of the ${service}`,
      period: FIVE_MINUTES,
    }),
    threshold: { below: 1 },
    datapoints: periods,
    periods,
    missing: TreatMissingData.BREACHING,
  };
}
