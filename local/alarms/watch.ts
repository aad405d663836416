// Evaluates a template's alarms, as CloudWatch does once a minute.
import type { DataPoints } from './data-points.ts';
import type { CompositeAlarm, MetricAlarm, TemplateAlarms } from './template-alarms.ts';

/** The states of an alarm. There is no INSUFFICIENT_DATA: missing data either breaches or does not. */
export type AlarmState = 'OK' | 'ALARM';

/** A change of an alarm's state. */
export interface AlarmChange {
  readonly alarm: MetricAlarm | CompositeAlarm;
  /** The new state. */
  readonly to: AlarmState;
  /** The value of the newest period that has one. */
  readonly value: number | undefined;
}

/** Watches alarms; all start in OK, as on a stack that has been running. */
export function watchAlarms(alarms: TemplateAlarms, points: DataPoints) {
  const all = [...alarms.metric, ...alarms.composite];
  /** Logical ids of the alarms that are in ALARM. */
  const on = new Set<string>();

  const evaluated = (alarm: MetricAlarm | CompositeAlarm, nowMs: number): AlarmChange => {
    if (alarm.kind === 'composite')
      return { alarm, to: alarm.anyOf.some((id) => on.has(id)) ? 'ALARM' : 'OK', value: undefined };
    const { condition, periodMs } = alarm;
    const values = Array.from({ length: condition.evaluationPeriods + LOOK_BACK }, (_, index) => {
      const toMs = nowMs - index * periodMs;
      return alarm.value(points, toMs - periodMs, toMs);
    }).toReversed();
    const value = values.findLast((each) => each !== undefined);
    return { alarm, to: alarmState(condition, values), value };
  };

  return {
    /** All alarms that are in ALARM. */
    alarming: () => all.filter(({ logicalId }) => on.has(logicalId)),
    /**
     * Evaluates every alarm. Each period ends at `atMs` or a whole number of periods before, so that an alarm of five minutes
     * always covers the last five. Call it at whole minutes.
     * (docs AmazonCloudWatch/latest/monitoring/alarm-evaluation.html)
     * @param atMs epoch milliseconds
     * @returns the changes
     */
    evaluate: (atMs: number): AlarmChange[] => {
      const changes: AlarmChange[] = [];
      // Composite alarms last: they depend on the new states of the others.
      for (const alarm of all) {
        const change = evaluated(alarm, atMs);
        if ((change.to === 'ALARM') === on.has(alarm.logicalId)) continue;
        if (change.to === 'ALARM') on.add(alarm.logicalId);
        else on.delete(alarm.logicalId);
        changes.push(change);
      }
      return changes;
    },
  };
}

/**
 * How many data points before the evaluation periods CloudWatch includes, so that a late or missing one does not
 * decide: two, by its examples. (docs AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html)
 */
const LOOK_BACK = 2;

/**
 * The state after an evaluation: the newest N real data points decide, despite gaps; if there are fewer, missing ones are
 * treated as the alarm specifies.
 * @param points the range's data points, oldest first; undefined if missing
 */
export function alarmState(
  { threshold, evaluationPeriods, datapointsToAlarm, missingBreaches }: MetricAlarm['condition'],
  points: readonly (number | undefined)[],
): AlarmState {
  const real = points.filter((point) => point !== undefined).slice(-evaluationPeriods);
  const breaching = real.filter((value) => value > threshold).length;
  const missing = missingBreaches ? evaluationPeriods - real.length : 0;
  return breaching + missing >= datapointsToAlarm ? 'ALARM' : 'OK';
}
