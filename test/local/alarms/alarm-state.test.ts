// M out of N and missing data, by the tables of CloudWatch's documentation and by properties.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { MetricAlarm } from '../../../local/alarms/template-alarms.ts';
import { type AlarmState, alarmState } from '../../../local/alarms/watch.ts';

const condition = (datapointsToAlarm: number, missingBreaches: boolean): MetricAlarm['condition'] => ({
  ...{ threshold: 0, evaluationPeriods: 3, datapointsToAlarm, missingBreaches },
});

/** `0 - X`: within, missing, breaching. */
const pointsOf = (row: string) => row.split(' ').map((point) => ({ '0': 0, X: 1 })[point]);

// docs AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html: missing as breaching, and as not breaching.
const TABLES: Record<string, [row: string, breaching: AlarmState, notBreaching: AlarmState][]> = {
  3: [
    ['0 - X - X', 'OK', 'OK'],
    ['- - - - 0', 'OK', 'OK'],
    ['- - - - -', 'ALARM', 'OK'],
    ['0 X X - X', 'ALARM', 'ALARM'],
    ['- - X - -', 'ALARM', 'OK'],
  ],
  2: [
    ['0 - X - X', 'ALARM', 'ALARM'],
    ['0 0 X 0 X', 'ALARM', 'ALARM'],
    ['0 - X - -', 'ALARM', 'OK'],
    ['- - - - 0', 'ALARM', 'OK'],
    ['- - - X -', 'ALARM', 'OK'],
  ],
};

for (const [datapoints, rows] of Object.entries(TABLES)) {
  test(`${datapoints} of 3, as the documentation's table`, () => {
    for (const [row, ...states] of rows) {
      const found = [true, false].map((kind) =>
        alarmState(condition(Number(datapoints), kind), pointsOf(row)),
      );
      assert.deepEqual(found, states, row);
    }
  });
}

const points = fc.array(fc.constantFrom(0, 1, undefined), { minLength: 5, maxLength: 5 });

test('without gaps, the treatment of missing data does not matter, and M breaches decide', () => {
  const whole = fc.array(fc.constantFrom(0, 1), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(whole, fc.constantFrom(1, 2, 3), (values, datapoints) => {
      const breaching = values.slice(-3).filter((value) => value > 0).length;
      for (const kind of [true, false])
        assert.equal(
          alarmState(condition(datapoints, kind), values),
          breaching >= datapoints ? 'ALARM' : 'OK',
        );
    }),
  );
});

test('one more breach never ends an alarm', () => {
  fc.assert(
    fc.property(points, fc.nat(4), fc.constantFrom(1, 2, 3), (values, at, datapoints) => {
      if (values[at] === undefined) return;
      for (const kind of [true, false]) {
        const [before, after] = [values, values.with(at, 1)].map((each) =>
          alarmState(condition(datapoints, kind), each),
        );
        assert.ok(before === 'OK' || after === 'ALARM');
      }
    }),
  );
});
