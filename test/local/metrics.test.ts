// lib/metrics.ts compared with what the functions emit: an end-to-end run on the local stack without faults.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { customMetrics } from '../../lib/metrics.ts';
import { type EmittedMetric, metricsIn } from '../support/embedded-metrics.ts';
import { invoked, post, startTestStack } from '../support/local-stack.ts';
import { until } from '../support/patience.ts';

const emitted: EmittedMetric[] = [];
const stack = await startTestStack({
  onFunctionOutput: (_name, line) => emitted.push(...metricsIn(line)),
});

const HOUR_MS = 3_600_000;
const values = (service: string, name: string) =>
  emitted
    .filter((metric) => metric.name === name && metric.dimensions['service'] === service)
    .flatMap((metric) => metric.values);
const sum = (service: string, name: string) => values(service, name).reduce((a, b) => a + b, 0);

/** Waits until everything received is counted, and the writer's lines have arrived. */
async function settled(received: number): Promise<void> {
  await until(async () => {
    const { received: known, inFlight, counted } = await stack.status();
    return known >= received && inFlight === 0 && sum('writer', 'EventsCounted') === counted;
  });
}

const startedMs = Date.now();
const EVENTS = [
  { id: 'a', metric: 'view', entity: '/a' },
  { id: 'b', metric: 'view', entity: '/a', at: startedMs },
  { id: 'b', metric: 'view', entity: '/a', at: startedMs },
  { metric: 'view', entity: '/a', at: startedMs - 5 * HOUR_MS },
  { metric: 'view', entity: '/b', at: startedMs - 48 * HOUR_MS },
  { metric: 'view', entity: '/c', at: startedMs + 6 * HOUR_MS },
];
const CANARY_RECORDS = 3;

before(async () => {
  await post(stack.url, EVENTS);
  await invoked(stack, 'canary');
  await settled(EVENTS.length + CANARY_RECORDS);
  await invoked(stack, 'accountant');
  await invoked(stack, 'redriver');
  await invoked(stack, 'compactor');
  assert.equal((await fetch(`${stack.url}/v1/counts/view/%2Fa`)).status, 200);
});

test('every metric emitted is declared, with its unit, by function and stage and nothing else', () => {
  const declared = new Map(customMetrics().map((row) => [`${row.service} ${row.name}`, row]));
  assert.ok(emitted.length > 0);
  for (const { namespace, name, unit, dimensions } of emitted) {
    assert.equal(namespace, 'Tally');
    assert.deepEqual(Object.keys(dimensions).sort(), ['service', 'stage']);
    assert.equal(dimensions['stage'], 'local');
    const row = declared.get(`${dimensions['service']} ${name}`);
    assert.ok(row, `${dimensions['service']} ${name} is not in lib/metrics.ts`);
    assert.equal(unit.toLowerCase(), row.unit, name);
  }
});

test('every metric that is always emitted was emitted', () => {
  const seen = new Set(emitted.map(({ name, dimensions }) => `${dimensions['service']} ${name}`));
  assert.deepEqual(
    customMetrics()
      .filter((row) => row.emitted === 'always' && !seen.has(`${row.service} ${row.name}`))
      .map(({ service, name }) => `${service} ${name}`),
    [],
  );
});

test('the figures match the run', () => {
  const all = EVENTS.length + CANARY_RECORDS;
  assert.deepEqual(
    ['EventsReceived', 'EventsDuplicate', 'EventsRejected'].map((name) => sum('aggregator', name)),
    [all, 1, 1],
  );
  assert.equal(sum('writer', 'EventsCounted'), all - 2);
});

test('freshness has a value for each part counted in this run, and no others', () => {
  const freshnessMs = values('writer', 'Freshness');
  assert.ok(freshnessMs.length > 0);
  for (const ms of freshnessMs) assert.ok(ms >= 0 && ms <= Date.now() - startedMs + 1000, String(ms));
});
