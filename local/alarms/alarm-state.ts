// One alarm's state from its last data points: M out of N, and what is missing among them.
import { LocalStackError } from '../errors.ts';

/** The states of CloudWatch's alarms. */
export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

/** What missing data points are taken for. */
export type MissingData = 'breaching' | 'notBreaching' | 'missing' | 'ignore';

/** When an alarm goes off. */
export interface AlarmCondition {
  readonly breaches: (value: number) => boolean;
  /** N: data points looked at. */
  readonly evaluationPeriods: number;
  /** M: data points among them that must breach. */
  readonly datapointsToAlarm: number;
  readonly missing: MissingData;
}

/** Whether a value breaches, by the template's word for it. @throws LocalStackError for a word it does not know */
export function comparison(operator: string, threshold: number): (value: number) => boolean {
  const compare = Object.hasOwn(comparisons, operator) ? comparisons[operator] : undefined;
  if (compare === undefined) {
    throw new LocalStackError(
      `An alarm compares by ${operator}, which the local stack does not know: add it to local/alarms/alarm-state.ts.`,
    );
  }
  return (value) => compare(value, threshold);
}

const comparisons: Readonly<Record<string, (value: number, threshold: number) => boolean>> = {
  GreaterThanThreshold: (value, threshold) => value > threshold,
  GreaterThanOrEqualToThreshold: (value, threshold) => value >= threshold,
  LessThanThreshold: (value, threshold) => value < threshold,
  LessThanOrEqualToThreshold: (value, threshold) => value <= threshold,
};

/**
 * How many data points CloudWatch looks back for, so that a late or missing one does not decide. It says "more than the
 * evaluation periods"; its examples have two more. (docs AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html)
 */
export function evaluationRange({ evaluationPeriods }: AlarmCondition): number {
  return evaluationPeriods + 2;
}

/**
 * The state after an evaluation. With enough real data points the newest N of them decide, gaps or not; else the gap is
 * filled with what missing data is taken for.
 * @param points the evaluation range's data points, oldest first; undefined where there is none
 * @param before the state until now
 */
export function alarmState(
  condition: AlarmCondition,
  points: readonly (number | undefined)[],
  before: AlarmState,
): AlarmState {
  const { breaches, evaluationPeriods, datapointsToAlarm, missing } = condition;
  const real = points.filter((point) => point !== undefined).slice(-evaluationPeriods);
  const breaching = real.filter(breaches).length;
  const filled = evaluationPeriods - real.length;
  const decide = (count: number): AlarmState => (count >= datapointsToAlarm ? 'ALARM' : 'OK');
  if (filled === 0 || missing === 'notBreaching') return decide(breaching);
  if (missing === 'breaching') return decide(breaching + filled);
  if (missing === 'ignore' && (real.length === 0 || breaching === real.length)) return before;
  if (real.length === 0) return 'INSUFFICIENT_DATA';
  // Nothing but breaches, the oldest of them long enough ago: whatever is missing, it is not getting better.
  const oldest = points.length - points.findIndex((point) => point !== undefined);
  return breaching === real.length && oldest >= datapointsToAlarm ? 'ALARM' : decide(breaching);
}
