// The top of the hour that is going on, on a local stack whose template has the index for it.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { startLocalStack } from '../../local/stack.ts';
import { synthesize } from '../../local/synthesize.ts';

const template = await synthesize(undefined, { topOpenHourIndex: true });
const stack = await startLocalStack({ schedules: false, template });
after(() => stack.stop());

test('the leaders of the open hour, with their counts of now', { timeout: 120_000 }, async () => {
  const at = Date.now();
  const events = [
    { id: '1', metric: 'view', entity: '/b', at, n: 4 },
    { id: '2', metric: 'view', entity: '/a', at, n: 4 },
    { id: '3', metric: 'view', entity: '/c', at, n: 9 },
    { id: '4', metric: 'view', entity: '/d', at, n: -1 },
    { id: '5', metric: 'like', entity: '/d', at },
  ];
  const sent = await fetch(`${stack.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  assert.equal(sent.status, 202);
  for (;;) {
    const { received, inFlight } = await stack.status();
    if (received >= events.length && inFlight === 0) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  const answer = await fetch(`${stack.url}/v1/top/view?by=hour&at=${at}&k=3`);
  assert.equal(answer.headers.get('cache-control'), 'private, max-age=5');
  const { entries, state, note } = (await answer.json()) as Record<string, unknown>;
  assert.deepEqual(entries, [
    { entity: '/c', n: 9 },
    { entity: '/a', n: 4 },
    { entity: '/b', n: 4 },
  ]);
  assert.equal(state, 'provisional');
  assert.match(String(note), /still open: the counts are exact/);
  const day = await fetch(`${stack.url}/v1/top/view?by=day&at=${at}`);
  assert.match(((await day.json()) as { note: string }).note, /what is compacted so far/);
});
