// The bounded buffer: what happens to an event for which there is no room, by policy.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, TAKEN, worldWithClient } from './support/client-world.ts';

const away = async () => answer(429, {}, { 'retry-after': '60' });
const back = async () => TAKEN;

test('drop-newest: the event is reported and does not count', async () => {
  const { world, client } = worldWithClient({ bufferEvents: 2 });
  const taken = ['/a', '/b', '/c'].map((entity) => client.count('view', entity));
  assert.deepEqual(await Promise.all(taken), [true, true, false]);
  assert.deepEqual(
    world.dropped.map(({ event, reason, mayBeCounted }) => [event.entity, reason, mayBeCounted]),
    [['/c', 'the buffer is full', false]],
  );
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 2);
});

test('drop-oldest: the oldest event not in flight makes room', async () => {
  const { world, client } = worldWithClient({
    bufferEvents: 3,
    batchEvents: 1,
    concurrency: 1,
    whenFull: 'drop-oldest',
  });
  let answered = () => {};
  world.service = () =>
    new Promise((resolve) => {
      answered = () => resolve(TAKEN);
    });
  for (const entity of ['/a', '/b', '/c', '/d', '/e']) assert.equal(await client.count('view', entity), true);
  assert.deepEqual(
    world.dropped.map(({ event }) => event.entity),
    ['/b', '/c'],
    '/a is on its way',
  );
  world.service = back;
  answered();
  await world.until(client.flush());
  assert.deepEqual(
    world.requests.map(({ events }) => events[0]?.entity),
    ['/a', '/d', '/e'],
  );
});

test('drop-oldest: if all events are in flight, the newest is dropped', async () => {
  const { world, client } = worldWithClient({ bufferEvents: 1, batchEvents: 1, whenFull: 'drop-oldest' });
  world.service = () => new Promise(() => {});
  assert.equal(await client.count('view', '/a'), true);
  assert.equal(await client.count('view', '/b'), false);
});

test('wait: count resolves when there is room, in order', async () => {
  const { world, client } = worldWithClient({ bufferEvents: 2, batchEvents: 2, whenFull: 'wait' });
  world.service = away;
  const order: number[] = [];
  const taken = [0, 1, 2, 3, 4].map((index) =>
    client.count('view', `/${index}`).then((room) => {
      order.push(index);
      return room;
    }),
  );
  await world.settle();
  assert.deepEqual(order, [0, 1]);
  const { buffered, waiting } = client.stats();
  assert.deepEqual([buffered, waiting], [2, 3]);
  world.service = back;
  assert.equal(await world.until(client.flush()), true);
  assert.deepEqual(await Promise.all(taken), [true, true, true, true, true]);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  assert.equal(client.stats().accepted, 5);
});

test('wait: callers still waiting when the client closes are notified, and so is the listener', async () => {
  const { world, client } = worldWithClient({ bufferEvents: 1, batchEvents: 1, whenFull: 'wait' });
  world.service = away;
  const taken = [client.count('view', '/a'), client.count('view', '/b')];
  const stats = await world.until(client.close({ deadlineMs: 1_000 }));
  assert.deepEqual(await Promise.all(taken), [true, false]);
  assert.deepEqual([stats.givenUp, stats.dropped, stats.waiting], [1, 1, 0]);
});

test('the buffer is bounded by bytes too', async () => {
  const { client } = worldWithClient({ bufferBytes: 16_384, batchEvents: 500 });
  const taken = await Promise.all(Array.from({ length: 40 }, () => client.count('view', '😀'.repeat(512))));
  assert.equal(taken.filter(Boolean).length, 7);
});
