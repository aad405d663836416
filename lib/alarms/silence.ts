// Alarms on silence: a part that is broken reports nothing, and must not look as if nothing were wrong.
import { TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { Reported } from '../tally-metric.ts';
import type { AlarmPlan } from './alarm-plan.ts';

/** A function that reports at least every minute while it works, and what to watch of it. */
interface Talker {
  readonly service: string;
  readonly metricName: string;
  /** Spans of five minutes without a figure that are one too many. */
  readonly periods: number;
}

/** When a function that speaks every minute has said nothing: no figures are the alarm itself. */
export function silence(
  reported: Reported,
  { service, metricName, periods }: Talker,
): Pick<AlarmPlan, 'metric' | 'threshold' | 'datapoints' | 'periods' | 'missing'> {
  return {
    metric: reported(service, metricName, 'SampleCount'),
    threshold: { below: 1 },
    datapoints: periods,
    periods,
    missing: TreatMissingData.BREACHING,
  };
}
