// The client on a virtual clock: when it sends, what it keeps, what it reports, and how it ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ClientWorld, TAKEN, worldWithClient } from './support/client-world.ts';

const entities = (events: readonly { readonly entity: string }[]) => events.map(({ entity }) => entity);

test('events leave together when enough wait, or after a while', async () => {
  const { world, client } = worldWithClient({ batchEvents: 3 });
  for (const entity of ['/a', '/b', '/c', '/d']) assert.equal(await client.count('view', entity), true);
  await world.settle();
  assert.deepEqual(
    world.requests.map(({ events }) => events.length),
    [3],
  );
  await world.advance(999);
  assert.equal(world.requests.length, 1);
  await world.advance(1);
  assert.equal(world.requests.length, 2);
  const { offered, accepted, buffered } = client.stats();
  assert.deepEqual([offered, accepted, buffered], [4, 4, 0]);
  assert.equal(world.timers, 0, 'nothing to do, no timer');
});

test('a request has the API key and its own batch key, and its events have their ids and times', async () => {
  const { world, client } = worldWithClient({ apiKey: 'secret' });
  await client.count('view', '/a');
  await client.count('like', '/a', -1, { id: 'mine', at: '2026-11-22T05:07:00Z' });
  await world.until(client.flush());
  const [request] = world.requests;
  assert.equal(request?.url, 'https://tally.example.com/v1/events');
  assert.equal(request?.headers['x-api-key'], 'secret');
  assert.equal(request?.headers['content-type'], 'application/json');
  assert.equal(request?.batch, 'batch-0');
  assert.deepEqual(request?.events, [
    { metric: 'view', entity: '/a', at: Date.parse('2026-11-22T09:00:00Z') },
  ]);
  // An event with an id is its own record, so that it meets its duplicates from other requests.
  const [, other] = world.requests;
  assert.equal(other?.batch, undefined);
  assert.deepEqual(other?.events, [
    { id: 'mine', metric: 'like', entity: '/a', at: '2026-11-22T05:07:00Z', n: -1 },
  ]);
});

test('without stampTime the arrival is the time', async () => {
  const { world, client } = worldWithClient({ stampTime: false });
  await client.count('view', '/a');
  await world.until(client.flush());
  assert.deepEqual(world.requests[0]?.events, [{ metric: 'view', entity: '/a' }]);
});

test('a request is cut by its bytes too', async () => {
  const { world, client } = worldWithClient({ batchBytes: 16_384, batchEvents: 500 });
  for (let i = 0; i < 20; i += 1) await client.count('view', '😀'.repeat(511) + (i % 10));
  await world.until(client.flush());
  for (const { body, events } of world.requests)
    assert.ok(Buffer.byteLength(body) <= 16_384 && events.length > 1);
  assert.equal(client.stats().accepted, 20);
});

test('an error of the caller throws at once and uses no buffer space', () => {
  const { client } = worldWithClient();
  assert.throws(() => client.count('pl ay', '/a'), { name: 'InvalidEventError', field: 'metric' });
  assert.equal(client.stats().offered, 0);
});

test('a batch is retried under the same key, with growing delays', async () => {
  const { world, client } = worldWithClient({ backoff: { baseMs: 1_000, capMs: 8_000 } });
  let failures = 5;
  world.service = async () => {
    if (failures-- > 0) throw new Error('connection reset');
    return TAKEN;
  };
  await client.count('view', '/a');
  await world.until(client.flush());
  const [first] = world.requests;
  for (const { body } of world.requests) assert.equal(body, first?.body);
  const starts = world.requests.map(({ atMs }) => atMs);
  const waits = starts.slice(1).map((atMs, index) => atMs - (starts[index] ?? 0));
  assert.deepEqual(waits, [500, 1_000, 2_000, 4_000, 4_000]);
  assert.equal(world.problems.length, 5);
  assert.match(world.problems[0] ?? '', /connection reset/);
});

test('Retry-After is honoured, and other batches wait as well', async () => {
  const { world, client } = worldWithClient({ batchEvents: 1, concurrency: 1 });
  const start = world.nowMs;
  world.service = async () =>
    world.nowMs < start + 60_000 ? answer(429, { message: 'slowly' }, { 'retry-after': '60' }) : TAKEN;
  await client.count('view', '/a');
  await client.count('view', '/b');
  await world.advance(59_999);
  assert.equal(world.requests.length, 1);
  await world.until(client.flush());
  assert.deepEqual(
    world.requests.map(({ events }) => entities(events)),
    [['/a'], ['/a'], ['/b']],
  );
});

test('an event that Tally refuses is found and reported, and its neighbours are accepted', async () => {
  const { world, client } = worldWithClient();
  world.service = async ({ events }) =>
    entities(events).includes('/bad') ? answer(400, { message: 'event is wrong' }) : TAKEN;
  for (let i = 0; i < 40; i += 1) await client.count('view', i === 23 ? '/bad' : '/a');
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 39);
  assert.deepEqual(
    world.rejected.map(({ event, reason, mayBeCounted }) => [event.entity, reason, mayBeCounted]),
    [['/bad', '400 event is wrong', false]],
  );
  assert.ok(world.requests.length < 15);
});

test('a batch that is too large is retried in halves under their own keys', async () => {
  const { world, client } = worldWithClient();
  world.service = async ({ events }) => (events.length > 3 ? answer(413, {}) : TAKEN);
  for (let i = 0; i < 10; i += 1) await client.count('view', `/${i}`);
  await world.until(client.flush());
  assert.deepEqual(
    world.requests.map(({ batch, events }) => [batch, events.length]),
    [
      ['batch-0', 10],
      ['batch-0.1', 5],
      ['batch-0.1.1', 3],
      ['batch-0.1.2', 2],
      ['batch-0.2', 5],
      ['batch-0.2.1', 3],
      ['batch-0.2.2', 2],
    ],
  );
  assert.equal(client.stats().accepted, 10);
});

test('a batch that may be stored is not split, but retried unchanged', async () => {
  const { world, client } = worldWithClient();
  const answers = [answer(504, {}), answer(413, {}), TAKEN];
  world.service = async () => answers.shift() ?? TAKEN;
  for (const entity of ['/a', '/b']) await client.count('view', entity);
  await world.until(client.flush());
  assert.deepEqual(
    world.requests.map(({ batch }) => batch),
    ['batch-0', 'batch-0', 'batch-0'],
  );
});

test('a wrong key is reported at once: retrying would not help', async () => {
  const { world, client } = worldWithClient();
  world.service = async () => answer(403, { message: 'Forbidden' });
  await client.count('view', '/a');
  await world.until(client.flush());
  assert.equal(world.requests.length, 1);
  assert.deepEqual(
    world.givenUp.map(({ reason, mayBeCounted }) => [reason, mayBeCounted]),
    [['403 Forbidden', false]],
  );
});

test('a batch that may be stored is given up before its key expires; one never sent keeps waiting', async () => {
  const { world, client } = worldWithClient({ batchEvents: 1, concurrency: 1 });
  const start = world.nowMs;
  world.service = () => new Promise(() => {});
  await client.count('view', '/a');
  await client.count('view', '/b');
  await world.advance(2_999_000);
  assert.equal(world.givenUp.length, 0);
  await world.advance(32_000);
  assert.deepEqual(
    world.givenUp.map(({ event, mayBeCounted }) => [event.entity, mayBeCounted]),
    [['/a', true]],
  );
  const attempts = world.requests.filter(({ events }) => entities(events).includes('/a'));
  assert.ok(attempts.every(({ atMs }) => atMs <= start + 3_000_000));
  world.service = async () => TAKEN;
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 1);
});

test('giving up is reported in time, also during Retry-After', async () => {
  const { world, client } = worldWithClient();
  world.service = async () =>
    world.requests.length === 1 ? answer(504, {}) : answer(429, {}, { 'retry-after': '7200' });
  await client.count('view', '/a');
  await world.advance(3_010_000);
  assert.equal(world.requests.length, 2);
  assert.equal(world.givenUp.length, 1);
});

const noConnection = async () => {
  throw new TypeError('fetch failed', { cause: Object.assign(new Error('x'), { code: 'ECONNREFUSED' }) });
};
for (const [what, away] of [
  ['Tally turns everything away', async () => answer(429, {}, { 'retry-after': '3600' })],
  ['nobody listens there', noConnection],
] as const) {
  test(`a batch that was certainly never stored is kept through an outage of any length: ${what}`, async () => {
    const { world, client } = worldWithClient();
    world.service = away;
    await client.count('view', '/a');
    await world.advance(24 * 3_600_000);
    assert.deepEqual([world.givenUp.length, client.stats().buffered], [0, 1]);
    world.service = async () => TAKEN;
    await world.until(client.flush());
    assert.equal(client.stats().accepted, 1);
  });
}

test('a request that is never answered ends, even if fetch ignores its signal', async () => {
  const { world, client } = worldWithClient({ platform: { fetch: () => new Promise(() => {}) } });
  await client.count('view', '/a');
  await world.advance(1_000 + 30_000);
  assert.match(world.problems[0] ?? '', /no answer within 30000 ms/);
});

test('no more requests at a time than allowed, and one while they fail', async () => {
  const { world, client } = worldWithClient({ batchEvents: 1, concurrency: 3 });
  let [open, most, fails] = [0, 0, true];
  world.service = async () => {
    open += 1;
    most = Math.max(most, open);
    await world.sleep(10);
    open -= 1;
    return fails ? answer(500, {}) : TAKEN;
  };
  for (let i = 0; i < 10; i += 1) await client.count('view', '/a');
  await world.advance(20);
  assert.equal(most, 3);
  most = 0;
  await world.advance(60_000);
  assert.equal(most, 1);
  fails = false;
  await world.until(client.flush());
  assert.equal(most, 3);
});

test('a listener that throws or rejects disturbs nothing', async () => {
  const { world, client } = worldWithClient({
    bufferEvents: 1,
    onDropped: () => {
      throw new Error('mine');
    },
    onGivenUp: () => Promise.reject(new Error('mine')),
  });
  world.service = async () => answer(403, {});
  assert.equal(await client.count('view', '/a'), true);
  assert.equal(await client.count('view', '/b'), false);
  await world.until(client.flush());
  const { dropped, givenUp } = client.stats();
  assert.deepEqual([dropped, givenUp], [1, 1]);
});

test('flush: false at its deadline; the process stays alive until then, and not longer', async () => {
  const { world, client } = worldWithClient();
  world.service = async () => answer(500, {});
  await client.count('view', '/a');
  assert.equal(world.isHeld, false, 'waiting for others keeps no process');
  const flushed = client.flush({ deadlineMs: 3_000 });
  assert.equal(world.isHeld, true);
  assert.equal(await world.until(flushed), false);
  assert.equal(world.isHeld, false);
  assert.equal(client.stats().buffered, 1, 'it goes on trying');
  await world.advance(60_000);
  const patient = client.flush();
  assert.equal(world.isHeld, true, 'also between two attempts, and without a deadline');
  world.service = async () => TAKEN;
  assert.equal(await world.until(patient), true);
});

test('close sends what it can, gives up the rest at its deadline, and accepts no more', async () => {
  const { world, client } = worldWithClient({ batchEvents: 1, concurrency: 1 });
  world.service = async ({ events }) =>
    entities(events).includes('/a') ? TAKEN : await new Promise(() => {});
  for (const entity of ['/a', '/b', '/c']) await client.count('view', entity);
  const stats = await world.until(client.close({ deadlineMs: 1_000 }));
  assert.deepEqual([stats.accepted, stats.givenUp, stats.buffered], [1, 2, 0]);
  assert.deepEqual(
    world.givenUp.map(({ event, mayBeCounted }) => [event.entity, mayBeCounted]),
    [
      ['/c', false],
      ['/b', true],
    ],
  );
  assert.equal(await client.count('view', '/d'), false);
  assert.equal(world.dropped[0]?.reason, 'the client is closed');
  await world.advance(60_000);
  assert.equal(world.timers, 0);
  assert.equal(world.requests.length, 2);
});

test('without a listener, a warning is printed once', async () => {
  const { world, client } = worldWithClient({ onGivenUp: undefined as never });
  world.service = async () => answer(403, { message: 'Forbidden' });
  for (const entity of ['/a', '/b']) await client.count('view', entity);
  await world.until(client.flush());
  assert.equal(world.warnings.length, 1);
  assert.match(world.warnings[0] ?? '', /not delivered: 403 Forbidden\. Give onGivenUp/);
});

test('the numbers add up whenever a listener looks', async () => {
  const world = new ClientWorld();
  world.service = async ({ events }) => {
    const isWrong = events.some(({ entity }) => entity !== '/fine');
    return isWrong ? answer(400, { message: 'no' }) : answer(202, { accepted: 1 });
  };
  const sums: number[] = [];
  const client = world.client({
    onRejected: () => {
      const { accepted, rejected, givenUp, dropped, buffered, waiting } = client.stats();
      sums.push(accepted + rejected + givenUp + dropped + buffered + waiting);
    },
  });
  for (const entity of ['/fine', '/wrong', '/fine', '/bad']) await client.count('view', entity);
  await world.until(client.flush());
  assert.deepEqual(sums, [4, 4]);
  assert.deepEqual([client.stats().accepted, client.stats().rejected], [2, 2]);
});

test('a device whose clock is not set yet still counts', async () => {
  const world = new ClientWorld();
  const client = world.client({ platform: { nowMs: () => 5_000 } });
  assert.equal(await client.count('view', '/a'), true);
  await world.until(client.flush());
  assert.deepEqual(world.requests[0]?.events, [{ metric: 'view', entity: '/a' }]);
});
