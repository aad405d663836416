// The client in a page: what leaves by beacon when the page is hidden or left, and that a page that lives on counts nothing twice.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TallyOptions } from '../../client/src/index.ts';
import { pageOf } from '../../client/src/surroundings.ts';
import { answer, ClientWorld } from './support/client-world.ts';
import { ModelTally } from './support/model-tally.ts';

/** A window with its document and navigator, as far as the client looks. */
class FakeWindow extends EventTarget {
  readonly document = Object.assign(new EventTarget(), { visibilityState: 'visible' });
  readonly beacons: { readonly url: string; readonly body: string }[] = [];
  /** How many bytes the browser still takes over. */
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
  const client = world.client({ ...options, surroundings: { page: pageOf(window) } });
  return { world, window, client };
}
const idsIn = (body: string) => (JSON.parse(body) as { events: { id: string }[] }).events.map(({ id }) => id);

test('what waits and what is on its way leaves by beacon, once', async () => {
  const { world, window, client } = opened({ batchEvents: 2 });
  world.service = () => new Promise(() => {});
  for (const entity of ['/a', '/b', '/c']) await client.count('view', entity);
  assert.equal(world.requests.length, 1);
  window.leave();
  assert.deepEqual(
    window.beacons.map(({ url, body }) => [url, idsIn(body)]),
    [['https://tally.example.com/v1/events', ['id-0', 'id-1', 'id-2']]],
  );
  assert.equal(client.stats().beacons, 1);
});

test('a page that is shown again sends the same ids again, and Tally counts them once', async () => {
  const { world, window, client } = opened();
  const tally = new ModelTally(world, []);
  world.service = tally.service;
  for (const entity of ['/a', '/b', '/c']) await client.count('view', entity);
  window.hide();
  for (const { url, body } of window.beacons) {
    const { events } = JSON.parse(body) as { events: { id: string }[] };
    const records = events.map((event) => ({ events: [event] }));
    void tally.service({ url, headers: {}, events, records, keepalive: false, atMs: world.nowMs });
  }
  await world.advance(10);
  assert.equal(world.requests.length, 0, 'a moment first');
  await client.count('view', '/d');
  window.show();
  assert.equal(window.beacons.length, 1, 'being shown is no reason');
  window.hide();
  assert.deepEqual(idsIn(window.beacons[1]?.body ?? ''), ['id-3'], 'only what is new');
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 4);
  assert.deepEqual([...tally.counted.values()], [1, 1, 1, 1]);
});

test('a page that sleeps longer than Tally knows its ids does not send them again', async () => {
  const { world, window, client } = opened();
  await client.count('view', '/a');
  window.hide();
  world.nowMs += 3_600_000;
  window.show();
  await world.advance(10);
  window.hide();
  assert.deepEqual([world.requests.length, window.beacons.length], [0, 1]);
  assert.deepEqual(
    world.givenUp.map(({ event, mayBeCounted }) => [event.id, mayBeCounted]),
    [['id-0', true]],
  );
});

test('beacons are cut to what browsers take; what they do not take goes by keepalive, then later', async () => {
  const { world, window, client } = opened();
  world.service = async ({ keepalive, events }) => {
    if (keepalive) throw new Error('keepalive quota');
    return answer(202, { accepted: events.length });
  };
  for (let i = 0; i < 90; i += 1) await client.count('view', '😀'.repeat(500));
  window.leave();
  const bytes = window.beacons.map(({ body }) => Buffer.byteLength(body));
  assert.equal(window.beacons.length, 1);
  assert.ok(bytes.every((each) => each <= 65_536 && each > 60_000));
  const keepalive = world.requests.filter((request) => request.keepalive);
  assert.equal(keepalive.length, 2);
  await world.settle();
  window.room = 65_536;
  window.hide();
  assert.equal(window.beacons.length, 2, 'what did not leave tries again');
  await world.until(client.flush());
  assert.equal(client.stats().accepted, 90);
});

test('with an API key, which a beacon can not carry, keepalive requests leave instead', async () => {
  const { world, window, client } = opened({ apiKey: 'secret' });
  await client.count('view', '/a');
  window.leave();
  const [request] = world.requests;
  assert.deepEqual(
    [window.beacons.length, request?.keepalive, request?.headers['x-api-key']],
    [0, true, 'secret'],
  );
});

test('a closed client listens no more', async () => {
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
