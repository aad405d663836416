// What an alarm is, and a group of them: alarms that mean the same to whoever relies on the counts.
import type { IMetric, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';

/** Where an alarm's line is. */
export type Threshold = { readonly above: number } | { readonly below: number };

/** One alarm. It goes off when `metric` is past the threshold in `datapoints` of `periods` periods. */
export interface AlarmPlan {
  readonly id: string;
  readonly metric: IMetric;
  readonly threshold: Threshold;
  readonly datapoints: number;
  readonly periods: number;
  /** What it means that there are no figures; not breaching unless it says so: no traffic, no figures. */
  readonly missing?: TreatMissingData;
  /** What it means, and why there. */
  readonly description: string;
  /** Section of docs/runbook.md. */
  readonly runbook: string;
}

/** The groups, by what they mean. */
export type GroupId =
  | 'CountsMayBeWrong'
  | 'EventsMayBeLost'
  | 'ClientsTurnedAway'
  | 'CountsMayBeLate'
  | 'CountsUnwatched';

/** Alarms that mean the same, and the composite alarm that says it: one mail when the first goes off, one when all are over. */
export interface AlarmGroup {
  readonly id: GroupId;
  /** What it means to whoever relies on the counts. */
  readonly description: string;
  /** Section of docs/runbook.md. */
  readonly runbook: string;
  readonly alarms: readonly AlarmPlan[];
  /** The group whose mail says enough while it is in alarm: this one's has to wait then. */
  readonly suppressedBy?: GroupId;
}

/** The first one is enough. */
export const once = { threshold: { above: 0 }, datapoints: 1, periods: 1 } as const;
/** Not a burst, but a quarter of an hour on end. */
export const onEnd = { threshold: { above: 0 }, datapoints: 3, periods: 3 } as const;
