// The client in a page: what leaves by beacon when the page is hidden or left, and that a surviving page counts nothing twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TallyOptions } from '../../client/src/index.ts';
import { pageOf } from '../../client/src/platform.ts';
import { answer, ClientWorld, TAKEN } from './support/client-world.ts';
import { ModelTally } from './support/model-tally.ts';

/** A window with its document and navigator, as far as the client uses them. */
class FakeWindow extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  readonly beacons: { readonly url: string; readonly body: string }[] = [];
  /** How many bytes the browser still accepts. */
  room = 65_536;
  readonly navigator = {
    sendBeacon: (url: string, body: string): boolean => {
      if (Buffer.byteLength(body) > this.room) return false;
      this.room -= Buffer.byteLength(body);
      this.beacons.push({ url, body });
      return true;
    },
  };

  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners += 1;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners -= 1;
    super.removeEventListener(...args);
  }

  hide(): void {
    this.document.visibilityState = 'hidden';
    this.document.dispatchEvent(new Event('visibilitychange'));
  }
  show(): void {
    this.document.visibilityState = 'visible';
    this.document.dispatchEvent(new Event('visibilitychange'));
  }
  leave(): void {
    this.hide();
    this.dispatchEvent(new Event('pagehide'));
  }
}

function opened(options: Partial<TallyOptions> = {}) {
  const world = new ClientWorld();
  const window = new FakeWindow();
  const client = world.client({ ...options, platform: { page: pageOf(window) } });
  return { world, window, client };
}
interface Body {
  readonly batch: string;
  readonly events: readonly { readonly entity: string }[];
}
const bodyIn = (beacon: { readonly body: string } | undefined) => JSON.parse(beacon?.body ?? '{}') as Body;
const entitiesIn = (beacon: { readonly body: string } | undefined) =>
  bodyIn(beacon).events.map(({ entity }) => entity);

test('batches in flight leave by beacon unchanged, and waiting events in their own batch, once', async () => {
  const { world, window, client } = opened({ batchEvents: 2 });
  world.service = () => new Promise(() => {});
  for (const entity of ['/a', '/b', '/c']) await client.count('view', entity);
  assert.equal(world.requests.length, 1);
  window.leave();
  assert.ok(window.beacons.every(({ url }) => url === 'https://tally.example.com/v1/events'));
  assert.equal(window.beacons[0]?.body, world.requests[0]?.body);
  assert.deepEqual(window.beacons.map(entitiesIn), [['/a', '/b'], ['/c']]);
  assert.equal(client.stats().beacons, 2);
});

test('a page that is shown again sends the same batches again, and Tally counts them once', async () => {
  const { world, window, client } = opened();
  const tally = new ModelTally(world, []);
  world.service = tally.service;
  for (const entity of ['/a', '/b', '/c']) await client.count('view', entity);
  window.hide();
  for (const beacon of window.beacons) tally.arrive(bodyIn(beacon));
  await world.advance(10);
  assert.equal(world.requests.length, 0, 'a moment first');
  await client.count('view', '/d');
  window.show();
  assert.equal(window.beacons.length, 1, 'being shown is no reason');
  window.hide();
  assert.deepEqual(entitiesIn(window.beacons[1]), ['/d'], 'only what is new');
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 4);
  assert.deepEqual([...tally.counted.values()], [1, 1, 1, 1]);
});

test('a page that sleeps longer than the dedup window does not send its batches again', async () => {
  const { world, window, client } = opened();
  await client.count('view', '/a');
  window.hide();
  world.nowMs += 3_600_000;
  window.show();
  await world.advance(10);
  window.hide();
  assert.deepEqual([world.requests.length, window.beacons.length], [0, 1]);
  assert.deepEqual(
    world.givenUp.map(({ event, mayBeCounted }) => [event.entity, mayBeCounted]),
    [['/a', true]],
  );
});

test('a page that wakes after the window sends no beacon of a batch that may be stored', async () => {
  for (const isInFlight of [true, false]) {
    const { world, window, client } = opened({ batchEvents: 1 });
    const stored: (string | undefined)[] = [];
    world.service = ({ batch }) => {
      if (!isInFlight) return Promise.resolve(answer(429, {}, { 'retry-after': '5' }));
      stored.push(batch);
      return new Promise(() => {});
    };
    await client.count('view', '/a');
    await world.settle();
    // A batch that was never stored, and waits: the beacon may store it.
    if (!isInFlight) window.hide();
    world.service = async () => TAKEN;
    const before = [world.requests.length, window.beacons.length];
    world.nowMs += 2 * 3_600_000;
    window.leave();
    assert.deepEqual([world.requests.length, window.beacons.length], before);
    await world.until(client.flush());
    assert.deepEqual([world.requests.length, window.beacons.length], before);
    assert.deepEqual(
      world.givenUp.map(({ mayBeCounted }) => mayBeCounted),
      [true],
    );
  }
});

test('a beacon that was lost leaves again when the page is hidden again', async () => {
  const { world, window, client } = opened();
  world.service = async () => {
    throw new TypeError('Failed to fetch');
  };
  await client.count('view', '/a');
  window.hide();
  await world.advance(100);
  window.show();
  await world.advance(600_000);
  window.hide();
  assert.equal(window.beacons.length, 2);
  assert.equal(window.beacons[1]?.body, window.beacons[0]?.body);
});

test('a keepalive request that failed may be stored: an earlier attempt that was not does not clear it', async () => {
  const { world, client, window } = opened({ apiKey: 'secret', batchEvents: 1 });
  world.service = async ({ keepalive }) => {
    if (keepalive) throw new TypeError('Failed to fetch');
    await world.sleep(world.requests.length === 1 ? 5_000 : 0);
    return answer(429, {}, { 'retry-after': '60' });
  };
  await client.count('view', '/a');
  window.leave();
  await world.advance(2 * 3_600_000);
  assert.deepEqual(
    world.givenUp.map(({ mayBeCounted }) => mayBeCounted),
    [true],
  );
});

test('both halves of a refused batch leave, the one that waits for its turn, too', async () => {
  const { world, window, client } = opened({ batchEvents: 4 });
  world.service = async ({ events }) =>
    events.length === 4 ? answer(400, { message: 'no' }) : new Promise(() => {});
  for (const entity of ['/a', '/b', '/c', '/d']) await client.count('view', entity);
  await world.settle();
  window.leave();
  assert.deepEqual(window.beacons.map(entitiesIn).sort(), [
    ['/a', '/b'],
    ['/c', '/d'],
  ]);
});

test('halves of a refused beacon may still fit; the rest leaves by keepalive, then later', async () => {
  const { world, window, client } = opened({ batchEvents: 500, batchBytes: 65_536 });
  world.service = async ({ keepalive }) => {
    if (keepalive) throw new Error('keepalive quota');
    return TAKEN;
  };
  window.room = 44_000;
  for (let i = 0; i < 400; i += 1) await client.count('view', `/${i}-${'x'.repeat(100)}`);
  window.leave();
  const left = window.beacons.flatMap(entitiesIn).length;
  assert.ok(left > 250 && window.room < 300, `${left} left, ${window.room} bytes are unused`);
  assert.equal(new Set(window.beacons.map((beacon) => bodyIn(beacon).batch)).size, window.beacons.length);
  assert.ok(world.requests.some(({ keepalive }) => keepalive));
  await world.settle();
  window.room = 65_536;
  window.hide();
  assert.equal(window.beacons.flatMap(entitiesIn).length, 400, 'what did not leave tries again');
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 400);
});

test('a batch of a page is small enough for a beacon from the start', async () => {
  const { world, client } = opened({ batchEvents: 500 });
  for (let i = 0; i < 40; i += 1) await client.count('view', '😀'.repeat(500));
  await world.until(client.flush());
  assert.ok(world.requests.every(({ body }) => Buffer.byteLength(body) <= 16_384));
});

test('what does not fit into beacons leaves by keepalive as text, which needs no preflight', async () => {
  const { world, window, client } = opened();
  window.room = 0;
  await client.count('view', '/a');
  window.leave();
  const [request] = world.requests;
  assert.deepEqual([request?.keepalive, request?.headers['content-type']], [true, 'text/plain']);
});

test('with an API key, which a beacon cannot carry, keepalive requests leave instead', async () => {
  const { world, window, client } = opened({ apiKey: 'secret' });
  await client.count('view', '/a');
  window.leave();
  const [request] = world.requests;
  assert.deepEqual(
    [
      window.beacons.length,
      request?.keepalive,
      request?.headers['x-api-key'],
      request?.headers['content-type'],
    ],
    [0, true, 'secret', 'application/json'],
  );
});

test('a closed client removes its listeners', async () => {
  const { world, window, client } = opened();
  await client.count('view', '/a');
  await world.until(client.close());
  window.leave();
  assert.deepEqual([window.beacons.length, window.listeners], [0, 0]);
});

test('without a document there is no page', () => {
  assert.equal(pageOf({}), undefined);
  assert.equal(pageOf(globalThis as never), undefined);
});
