// The stack's clock: shared by threads, advanced at once, and followed by Date only.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClock, followClock } from '../../local/clock.ts';

const HOUR_MS = 3_600_000;

test('a clock shows the time of the machine until it is advanced, and never goes back', () => {
  const clock = createClock();
  assert.ok(Math.abs(clock.nowMs() - Date.now()) < 1_000);
  clock.forward(HOUR_MS);
  clock.forward(0.4);
  const ahead = clock.nowMs() - Date.now();
  assert.ok(Math.abs(ahead - HOUR_MS) < 1_000);
  assert.throws(() => clock.forward(-1), RangeError);
  assert.throws(() => clock.forward(Number.NaN), RangeError);
});

test('Date follows a clock in every way to read the time, and is otherwise unchanged', (context) => {
  const machine = globalThis.Date;
  context.after(() => {
    globalThis.Date = machine;
  });
  const clock = createClock();
  clock.forward(HOUR_MS);
  followClock(clock.offset);
  const isAhead = (ms: number) => Math.abs(ms - machine.now() - HOUR_MS) < 2_000;
  assert.ok(isAhead(Date.now()));
  assert.ok(isAhead(machine.parse(new Date().toISOString())));
  assert.ok(isAhead(machine.parse(Date())));
  clock.forward(HOUR_MS);
  assert.ok(isAhead(Date.now() - HOUR_MS));
  assert.equal(new Date(7).getTime(), 7);
  assert.equal(new Date('1970-01-01T00:00:01Z').getTime(), 1_000);
  assert.equal(Date.UTC(1970, 0, 1), 0);
  assert.ok(new Date() instanceof Date && new Date() instanceof machine);
});
