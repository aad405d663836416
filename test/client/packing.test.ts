// Packs as the client makes them: when it packs at all, what it learns from answers, and what a partial failure names.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Packing } from '../../client/src/packing.ts';
import { platform } from '../../client/src/surroundings.ts';
import { answer, ClientWorld, md5, type Received } from './support/client-world.ts';

const pathsOf = (requests: readonly Received[]) =>
  requests.map(({ url }) => url.replace('https://tally.example.com', ''));

/** A client that packs, in a world that answers 202 unless told otherwise. */
function packed(options: Parameters<ClientWorld['client']>[0] = {}) {
  const world = new ClientWorld();
  const client = world.client({
    ...options,
    surroundings: { md5, ...options.surroundings },
  });
  return { world, client };
}

async function count(client: ReturnType<ClientWorld['client']>, events: number): Promise<void> {
  for (let n = 0; n < events; n += 1) void client.count('view', `/${n}`);
}

test('where there is MD5 events go in packs of their buckets, and are accepted by pack', async () => {
  const { world, client } = packed();
  await count(client, 90);
  assert.equal((await world.until(client.close())).accepted, 90);
  assert.deepEqual(pathsOf(world.requests), ['/v1/events:packed']);
  const records = world.requests[0]?.records ?? [];
  assert.ok(records.length <= 16);
  assert.deepEqual(
    records.flatMap(({ events }) => events.map(({ id }) => id)).toSorted(),
    Array.from({ length: 90 }, (_, n) => `id-${n}`).toSorted(),
  );
  for (const { bucket, events } of records)
    for (const { id } of events)
      assert.equal(bucket, ((md5(id)[0] ?? 0) >> 4).toString(2).padStart(4, '0'), id);
});

test('alone: by option, in a page, and where there is no MD5', async () => {
  const page = { isHidden: () => false, sendBeacon: undefined, onLeave: () => () => {} };
  for (const options of [
    { packed: false },
    { surroundings: { page } },
    { surroundings: { md5: undefined } },
  ]) {
    const { world, client } = packed(options);
    await count(client, 20);
    assert.equal((await world.until(client.close())).accepted, 20);
    assert.deepEqual(pathsOf(world.requests), ['/v1/events']);
  }
});

test('Node has MD5 by its process, as Kinesis computes it', () => {
  const text = 'ü☃𝕏';
  assert.deepEqual(Buffer.from(platform().md5?.(text) ?? []), Buffer.from(md5(text)));
});

test('a Tally with other buckets says so once; nothing is lost, and nothing is doubtful', async () => {
  const { world, client } = packed({ batchEvents: 10 });
  world.service = async ({ records }) =>
    records.every(({ bucket }) => bucket?.length === 6)
      ? answer(202, { accepted: records.length })
      : answer(400, { message: 'a bucket is wrong', packBuckets: 64 });
  await count(client, 30);
  assert.equal((await world.until(client.close())).accepted, 30);
  assert.match(world.problems[0] ?? '', /64 buckets for packs, not 16/);
  assert.ok(world.requests.length <= 5, 'both that were on their way, and then no more');
  assert.deepEqual(world.rejected, []);
});

test('a Tally that takes no packs gets events alone from then on', async () => {
  for (const status of [403, 404]) {
    const { world, client } = packed({ batchEvents: 10, concurrency: 1 });
    world.service = async ({ url, records }) =>
      url.endsWith(':packed')
        ? answer(status, { message: 'Missing Authentication Token' })
        : answer(202, { accepted: records.length });
    await count(client, 30);
    assert.equal((await world.until(client.close())).accepted, 30);
    assert.deepEqual(pathsOf(world.requests), ['/v1/events:packed', ...Array(3).fill('/v1/events')]);
  }
});

test('a Tally that goes back to a version without packs gets events alone, and none is given up', async () => {
  const { world, client } = packed({ batchEvents: 10, concurrency: 1 });
  world.service = async ({ url, records }) =>
    url.endsWith(':packed') && world.requests.length > 1
      ? answer(403, { message: 'Missing Authentication Token' })
      : answer(202, { accepted: records.length });
  await count(client, 30);
  assert.equal((await world.until(client.close())).accepted, 30);
  assert.deepEqual(pathsOf(world.requests), [
    '/v1/events:packed',
    '/v1/events:packed',
    '/v1/events',
    '/v1/events',
  ]);
});

test('a wrong key is wrong for events alone too, and is told of', async () => {
  const { world, client } = packed();
  world.service = async () => answer(403, { message: 'Forbidden' });
  await count(client, 3);
  assert.equal((await world.until(client.close())).givenUp, 3);
  assert.equal(world.requests.length, 2);
});

test('once it has taken packs, a 403 is about the key', () => {
  const packing = new Packing<{ id: string; json: string }>({ digest: md5, idOf: ({ id }) => id });
  const wrapped = packing.wrap([{ id: 'a', json: '{}' }]);
  assert.equal(packing.learn(wrapped, { status: 202, body: '{"accepted":1}' }), undefined);
  for (const body of ['', '{"message":"Forbidden"}'])
    assert.equal(packing.learn(wrapped, { status: 403, body }), undefined);
  for (const body of [
    '',
    'null',
    '{"packBuckets":16}',
    '{"packBuckets":7}',
    '{"packBuckets":"64"}',
    '<html>',
  ])
    assert.equal(packing.learn(wrapped, { status: 400, body }), undefined, body);
});

test('after a partial failure only the events of the packs named come again', async () => {
  const { world, client } = packed();
  let first: Received | undefined;
  world.service = async (request) => {
    if (first !== undefined) return answer(202, { accepted: request.records.length });
    first = request;
    const failed = [1, 3].map((index) => ({ index, code: 'ProvisionedThroughputExceededException' }));
    return answer(503, { message: 'some', accepted: request.records.length - 2, failed });
  };
  await count(client, 80);
  assert.equal((await world.until(client.close())).accepted, 80);
  const ids = (records: Received['records'] = []) =>
    records.flatMap(({ events }) => events.map(({ id }) => id)).toSorted();
  const named = first?.records.filter((_, index) => index === 1 || index === 3);
  assert.deepEqual(ids(world.requests[1]?.records), ids(named));
});

test('an event that Tally refuses is found among packs, and its neighbours are taken', async () => {
  const { world, client } = packed();
  world.service = async ({ events, records }) =>
    events.some(({ id }) => id === 'id-33')
      ? answer(400, { message: '#/packs/2/events/1 is wrong', packBuckets: 16 })
      : answer(202, { accepted: records.length });
  await count(client, 60);
  assert.equal((await world.until(client.close())).accepted, 59);
  assert.deepEqual(
    world.rejected.map(({ event }) => event.id),
    ['id-33'],
  );
});
