// The caller's batches: sent under the caller's key until Tally has them, with the outcome of each event.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { answer, ClientWorld, TAKEN, worldWithClient } from './support/client-world.ts';

const events = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ metric: 'view', entity: `/${index}` }));

test('a batch is sent unchanged until Tally has it, and the process stays alive for it', async () => {
  const { world, client } = worldWithClient();
  let failures = 3;
  world.service = async () => (failures-- > 0 ? answer(503, {}) : TAKEN);
  const retries: string[] = [];
  const sent = client.sendBatch('file-1:0', events(3), { onRetry: (reason) => retries.push(reason) });
  await world.settle();
  assert.equal(world.isHeld, true, 'also between two attempts');
  assert.deepEqual(await world.until(sent), { accepted: 3, rejected: [], undelivered: [] });
  assert.deepEqual([world.isHeld, world.timers], [false, 0]);
  assert.deepEqual(retries, ['503', '503', '503']);
  assert.deepEqual(
    world.requests.map(({ body }) => JSON.parse(body) as unknown),
    Array(4).fill({ batch: 'file-1:0', events: events(3) }),
  );
});

test('an onRetry that throws stops nothing', async () => {
  const { world, client } = worldWithClient({ concurrency: 1 });
  world.service = async () => (world.requests.length === 1 ? answer(429, {}) : TAKEN);
  const onRetry = () => {
    throw new Error('the log is full');
  };
  const sent = [client.sendBatch('a', events(1), { onRetry }), client.sendBatch('b', events(1))];
  assert.deepEqual(
    (await world.until(Promise.all(sent))).map(({ accepted }) => accepted),
    [1, 1],
  );
});

test('without a key each event has an id, and the answer counts them one by one', async () => {
  const world = new ClientWorld();
  const withIds = events(3).map((event, place) => ({ ...event, id: `id-${place}` }));
  world.service = async ({ events: { length } }) => answer(202, { accepted: length });
  const sent = world.client().sendBatch(undefined, withIds);
  assert.deepEqual(await world.until(sent), { accepted: 3, rejected: [], undelivered: [] });
  assert.deepEqual(
    world.requests.map(({ body }) => JSON.parse(body) as unknown),
    [{ events: withIds }],
  );
});

test('refused events are named, their neighbours accepted, and another run splits the batch in the same way', async () => {
  const world = new ClientWorld();
  world.service = async (request) =>
    request.events.some(({ entity }) => entity === '/2' || entity === '/6')
      ? answer(400, { message: 'no' })
      : TAKEN;
  for (let run = 0; run < 2; run += 1) {
    assert.deepEqual(await world.until(world.client().sendBatch('k', events(7))), {
      accepted: 5,
      rejected: [
        { index: 2, reason: '400 no' },
        { index: 6, reason: '400 no' },
      ],
      undelivered: [],
    });
  }
  const bodies = world.requests.map(({ body }) => body);
  assert.deepEqual(bodies.slice(bodies.length / 2), bodies.slice(0, bodies.length / 2));
});

test('a batch that is too large for a record is split without a request', async () => {
  const world = new ClientWorld();
  const large = events(500).map((event) => ({
    ...event,
    entity: '😀'.repeat(511) + event.entity.slice(1, 2),
  }));
  const { accepted } = await world.until(world.client().sendBatch('k', large));
  assert.equal(accepted, 500);
  assert.deepEqual(
    world.requests.map(({ batch, events: { length } }) => [batch, length]),
    [
      ['k.1', 250],
      ['k.2', 250],
    ],
  );
});

test('permanent errors end it at once', async () => {
  const world = new ClientWorld();
  world.service = async () => answer(403, { message: 'Forbidden' });
  assert.deepEqual(await world.until(world.client().sendBatch('k', events(1))), {
    accepted: 0,
    rejected: [],
    undelivered: [{ index: 0, reason: '403 Forbidden', mayBeCounted: false, hopeless: true }],
  });
});

test('when stopped or given up, it reports whether events may be counted', async () => {
  const world = new ClientWorld();
  world.service = async () => answer(504, {});
  const stop = new AbortController();
  const sent = world.client().sendBatch('k', events(1), { signal: stop.signal });
  await world.advance(60_000);
  stop.abort(new Error('stopped by a signal'));
  const lost = { index: 0, mayBeCounted: true, hopeless: false };
  const { undelivered } = await world.until(sent);
  assert.deepEqual(undelivered, [{ ...lost, reason: 'stopped by a signal' }]);
  const late = await world.until(world.client().sendBatch('k', events(1), { giveUpAfterMs: 5_000 }));
  assert.deepEqual(late.undelivered, [{ ...lost, reason: 'not confirmed within 5000 ms' }]);
  const before = await world.until(world.client().sendBatch('k', events(1), { signal: stop.signal }));
  assert.deepEqual(before.undelivered, [{ ...lost, reason: 'stopped by a signal', mayBeCounted: false }]);
});

test('no more concurrent requests than the client allows', async () => {
  const { world, client } = worldWithClient({ concurrency: 3 });
  let [open, most] = [0, 0];
  world.service = async () => {
    most = Math.max(most, ++open);
    await world.sleep(10);
    open -= 1;
    return TAKEN;
  };
  await world.until(Promise.all(Array.from({ length: 10 }, (_, k) => client.sendBatch(`${k}`, events(1)))));
  assert.deepEqual([most, world.requests.length], [3, 10]);
});

test('invalid keys and batches', () => {
  const client = new ClientWorld().client();
  assert.throws(() => client.sendBatch('', events(1)), /"key" must have 1 to 100 characters/);
  assert.throws(() => client.sendBatch('k'.repeat(101), events(1)), RangeError);
  assert.throws(() => client.sendBatch('k', []), /"events" must hold 1 to 500 events/);
  assert.throws(() => client.sendBatch('k', events(501)), RangeError);
});

test('a batch that an earlier process may have stored is not split by a size limit: its key stays', async () => {
  const world = new ClientWorld();
  world.service = async () => answer(413, {});
  const sent = world.client().sendBatch('k', events(2), { mayBeStored: true, giveUpAfterMs: 60_000 });
  const { undelivered } = await world.until(sent);
  assert.deepEqual(
    undelivered.map(({ mayBeCounted }) => mayBeCounted),
    [true, true],
  );
  assert.deepEqual([...new Set(world.requests.map(({ batch }) => batch))], ['k']);
});
