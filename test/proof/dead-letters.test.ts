// Dead letters under fire: redrive's probe and an operator's discard, crashed and cut off at every call.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../proof/simulation/plan/faults.ts';
import { HOUR_MS, records, runScenario, START_MS } from './scenario.ts';

const redriver = { role: 'redriver' } as const;
const outage: Fault = { kind: 'outage', atMs: START_MS, service: 'counters', lengthMs: 5 * 60_000 };
/** Faults stay active until the last one's time: this one extends them beyond the outage, so that redrive meets them. */
const later: Fault = { kind: 'redrive-now', atMs: START_MS + 8 * 60_000 };

/** Runs a scenario in which every promise must be kept. @returns its trace */
async function traceOf(faults: readonly Fault[]): Promise<string> {
  const verdict = await runScenario(records(10), [outage, later, ...faults]);
  const trace = verdict.trace.join('\n');
  assert.equal(verdict.violation, undefined, `${verdict.violation?.message}\n${trace}`);
  return trace;
}

for (const operation of ['take', 'putDelta', 'acknowledge', 'remove']) {
  for (const when of ['before', 'after'] as const) {
    test(`redrive dies ${when} ${operation} of its probe: counted once`, async () => {
      const retries = '{"attempts":1,"redriveDelaySeconds":0}';
      const trace = await traceOf([
        { kind: 'retries', atMs: START_MS, text: retries },
        { kind: 'crash', ...redriver, atMs: START_MS, operation, when },
      ]);
      assert.match(trace, new RegExp(`redriver-\\d+ \\w+\\.${operation} .*CRASH`));
      assert.match(trace, /redriver-\d+ counters\.putDelta /);
    });
  }
}

test('an answer lost by the probe changes nothing', async () => {
  const ambiguous = { kind: 'ambiguous', ...redriver, atMs: START_MS, next: 'throw' } as const;
  await traceOf([
    { kind: 'retries', atMs: START_MS, text: '{"attempts":1,"redriveDelaySeconds":0}' },
    { ...ambiguous, operation: 'putDelta' },
    { ...ambiguous, operation: 'acknowledge' },
  ]);
});

for (const operation of ['put', 'notePlace', 'delete']) {
  for (const when of ['before', 'after'] as const) {
    test(`a discard that dies ${when} ${operation} and is repeated: archived, reported, not waited for`, async () => {
      const discardMs = START_MS + HOUR_MS;
      const trace = await traceOf([
        { kind: 'retries', atMs: START_MS, text: '{"attempts":1,"redriveRounds":0}' },
        { kind: 'discard-parked', atMs: discardMs, pick: 0 },
        { kind: 'crash', ...redriver, atMs: discardMs - 1, operation, when },
        { kind: 'discard-parked', atMs: discardMs + 60_000, pick: 0 },
      ]);
      assert.match(trace, new RegExp(`redriver-\\d+ \\w+\\.${operation} .*CRASH`));
      assert.match(trace, /ledger\.notePlace .* discarded/);
    });
  }
}

for (const operation of ['readEntries', 'giveBack', 'delete']) {
  for (const when of ['before', 'after'] as const) {
    test(`a replay that dies ${when} ${operation} and is repeated: still parked, then counted once`, async () => {
      const replayMs = START_MS + HOUR_MS;
      const trace = await traceOf([
        { kind: 'retries', atMs: START_MS, text: '{"attempts":1,"redriveRounds":0}' },
        { kind: 'replay-parked', atMs: replayMs },
        { kind: 'replay-parked', atMs: replayMs + 60_000 },
        // The first replay sends, the second one tidies up.
        {
          kind: 'crash',
          ...redriver,
          atMs: replayMs + (operation === 'delete' ? 59_000 : -1),
          operation,
          when,
        },
        { kind: 'replay-parked', atMs: replayMs + 120_000 },
      ]);
      assert.match(trace, new RegExp(`redriver-\\d+ \\w+\\.${operation} .*CRASH`));
    });
  }
}
