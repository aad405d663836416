// Telemetry: every value of a duration reaches CloudWatch, in blobs of an accepted size.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsIn } from '../support/embedded-metrics.ts';

Object.assign(process.env, {
  POWERTOOLS_SERVICE_NAME: 'writer',
  POWERTOOLS_METRICS_NAMESPACE: 'Tally',
  // Otherwise Powertools bypasses the console, and a test could not read it.
  POWERTOOLS_DEV: 'true',
  POWERTOOLS_METRICS_DISABLED: 'false',
});
const { telemetry } = await import('../../lambdas/aws/telemetry.ts');

test('more values than a blob takes become several blobs; none is lost, none is counted twice', (t) => {
  const log = t.mock.method(console, 'log', () => {});
  const { count, measureMs, metrics } = telemetry({ STAGE: 'test' });
  const values = Array.from({ length: 250 }, (_, index) => index);
  count({ EventsCounted: 7 });
  measureMs('Freshness', values);
  count({ EventsCounted: 5 });
  metrics.publishStoredMetrics();
  const emitted = log.mock.calls.flatMap(({ arguments: [line] }) => metricsIn(String(line)));
  const named = (name: string) => emitted.filter((metric) => metric.name === name);
  assert.deepEqual(
    named('Freshness').map((metric) => metric.values.length),
    [100, 100, 50],
  );
  assert.deepEqual(
    named('Freshness').flatMap((metric) => metric.values),
    values,
  );
  assert.deepEqual(
    named('EventsCounted').map((metric) => metric.values),
    [[7], [5]],
  );
  for (const { dimensions } of emitted) assert.deepEqual(dimensions, { service: 'writer', stage: 'test' });
});
