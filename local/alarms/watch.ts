// Evaluates a template's alarms, as CloudWatch does once a minute.
import type { DataPoints } from './data-points.ts';
import type { AlarmCondition, CompositeAlarm, MetricAlarm, TemplateAlarms } from './template-alarms.ts';

/** The states of an alarm. There is no INSUFFICIENT_DATA: missing data either breaches or does not. */
export type AlarmState = 'OK' | 'ALARM';

/** A change of an alarm's state. */
export interface AlarmChange {
  readonly alarm: MetricAlarm | CompositeAlarm;
  readonly from: AlarmState;
  readonly to: AlarmState;
  readonly atMs: number;
  /** The value of the newest period that has one. */
  readonly value: number | undefined;
}

/** Watches alarms; all start in OK, as on a stack that has been running. */
export function watchAlarms(alarms: TemplateAlarms, points: DataPoints) {
  const all = [...alarms.metric, ...alarms.composite];
  const states = new Map<string, AlarmState>(all.map(({ logicalId }) => [logicalId, 'OK']));
  /** The state of an alarm, by logical id. @throws for an unknown id */
  const stateOf = (logicalId: string): AlarmState => {
    const state = states.get(logicalId);
    if (state === undefined) throw new Error(`there is no alarm ${logicalId}`);
    return state;
  };

  const metricState = (alarm: MetricAlarm, nowMs: number) => {
    const { condition, periodMs } = alarm;
    const values = Array.from({ length: condition.evaluationPeriods + LOOK_BACK }, (_, index) => {
      const toMs = nowMs - index * periodMs;
      return alarm.value(points, toMs - periodMs, toMs);
    }).toReversed();
    return { state: alarmState(condition, values), value: values.findLast((value) => value !== undefined) };
  };
  const compositeState = ({ anyOf }: CompositeAlarm) => {
    const state: AlarmState = anyOf.some((id) => stateOf(id) === 'ALARM') ? 'ALARM' : 'OK';
    return { state, value: undefined };
  };

  return {
    stateOf,
    /** All alarms that are in ALARM. */
    alarming: (): readonly (MetricAlarm | CompositeAlarm)[] =>
      all.filter(({ logicalId }) => stateOf(logicalId) === 'ALARM'),
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
        const from = stateOf(alarm.logicalId);
        const { state: to, value } =
          alarm.kind === 'metric' ? metricState(alarm, atMs) : compositeState(alarm);
        if (from === to) continue;
        states.set(alarm.logicalId, to);
        changes.push({ alarm, from, to, atMs, value });
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
export function alarmState(condition: AlarmCondition, points: readonly (number | undefined)[]): AlarmState {
  const { threshold, evaluationPeriods, datapointsToAlarm, missingBreaches } = condition;
  const real = points.filter((point) => point !== undefined).slice(-evaluationPeriods);
  const breaching = real.filter((value) => value > threshold).length;
  const missing = missingBreaches ? evaluationPeriods - real.length : 0;
  return breaching + missing >= datapointsToAlarm ? 'ALARM' : 'OK';
}
