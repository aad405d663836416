// M out of N and missing data, by the tables of CloudWatch's documentation and by properties.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  type AlarmCondition,
  type AlarmState,
  alarmState,
  comparison,
  evaluationRange,
  type MissingData,
} from '../../../local/alarms/alarm-state.ts';

const KINDS: readonly MissingData[] = ['missing', 'ignore', 'breaching', 'notBreaching'];

const condition = (datapointsToAlarm: number, missing: MissingData): AlarmCondition => ({
  breaches: comparison('GreaterThanThreshold', 0),
  evaluationPeriods: 3,
  datapointsToAlarm,
  missing,
});

/** `0 - X`: within, missing, breaching. */
const pointsOf = (row: string) => row.split(' ').map((point) => ({ '0': 0, X: 1 })[point]);

// docs AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html; "kept" is whatever the state was.
const TABLES: Record<string, [row: string, ...states: (AlarmState | 'kept')[]][]> = {
  3: [
    ['0 - X - X', 'OK', 'OK', 'OK', 'OK'],
    ['- - - - 0', 'OK', 'OK', 'OK', 'OK'],
    ['- - - - -', 'INSUFFICIENT_DATA', 'kept', 'ALARM', 'OK'],
    ['0 X X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['- - X - -', 'ALARM', 'kept', 'ALARM', 'OK'],
  ],
  2: [
    ['0 - X - X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 0 X 0 X', 'ALARM', 'ALARM', 'ALARM', 'ALARM'],
    ['0 - X - -', 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - - 0', 'OK', 'OK', 'ALARM', 'OK'],
    ['- - - X -', 'ALARM', 'kept', 'ALARM', 'OK'],
  ],
};

for (const [datapoints, rows] of Object.entries(TABLES)) {
  test(`${datapoints} of 3, as the documentation's table`, () => {
    for (const [row, ...states] of rows) {
      for (const before of ['OK', 'ALARM'] as const) {
        const found = KINDS.map((kind) =>
          alarmState(condition(Number(datapoints), kind), pointsOf(row), before),
        );
        const expected = states.map((state) => (state === 'kept' ? before : state));
        assert.deepEqual(found, expected, `${row} from ${before}`);
      }
    }
  });
}

const points = fc.array(fc.constantFrom(0, 1, undefined), { minLength: 5, maxLength: 5 });
const state = fc.constantFrom<AlarmState>('OK', 'ALARM');

test('without gaps the treatment of gaps does not matter, and M breaches decide', () => {
  const whole = fc.array(fc.constantFrom(0, 1), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(whole, state, fc.constantFrom(1, 2, 3), (values, before, datapoints) => {
      const breaching = values.slice(-3).filter((value) => value > 0).length;
      for (const kind of KINDS) {
        const found = alarmState(condition(datapoints, kind), values, before);
        assert.equal(found, breaching >= datapoints ? 'ALARM' : 'OK');
      }
    }),
  );
});

test('what goes off with gaps taken for good goes off with gaps taken for bad', () => {
  fc.assert(
    fc.property(points, state, fc.constantFrom(1, 2, 3), (values, before, datapoints) => {
      const [good, bad] = (['notBreaching', 'breaching'] as const).map((kind) =>
        alarmState(condition(datapoints, kind), values, before),
      );
      assert.ok(good === 'OK' || bad === 'ALARM');
    }),
  );
});

test('one more breach never ends an alarm', () => {
  fc.assert(
    fc.property(points, fc.nat(4), fc.constantFrom(1, 2, 3), (values, at, datapoints) => {
      if (values[at] === undefined) return;
      const worse = values.with(at, 1);
      for (const kind of ['breaching', 'notBreaching'] as const) {
        const [before, after] = [values, worse].map((each) =>
          alarmState(condition(datapoints, kind), each, 'OK'),
        );
        assert.ok(before === 'OK' || after === 'ALARM');
      }
    }),
  );
});

test('comparisons, and one that is not known', () => {
  const of = (operator: string) => [1, 2, 3].map(comparison(operator, 2));
  assert.deepEqual(of('GreaterThanThreshold'), [false, false, true]);
  assert.deepEqual(of('GreaterThanOrEqualToThreshold'), [false, true, true]);
  assert.deepEqual(of('LessThanThreshold'), [true, false, false]);
  assert.deepEqual(of('LessThanOrEqualToThreshold'), [true, true, false]);
  assert.throws(() => of('GreaterThanUpperThreshold'), /alarm-state\.ts/);
  assert.equal(evaluationRange(condition(3, 'missing')), 5);
});
