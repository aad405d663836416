// Reading dead letters from a queue in memory: messages that are not handled are always released.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { carryOut, type Moves, plan } from '../../cli/dead-letters/act.ts';
import { factsOf, isSelected, type Selection } from '../../cli/dead-letters/facts.ts';
import { findParked, findWaiting, walkWaiting } from '../../cli/dead-letters/find.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { messageOf, rowOf } from '../support/messages.ts';

const message = (messageId: string): DeliveredMessage => ({
  messageId,
  receiptHandle: messageId,
  body: '',
  receiveCount: 1,
  history: undefined,
});

const FIFTY = Array.from({ length: 50 }, (_, at) => message(`m${at}`));

function queue(messages: DeliveredMessage[], msForEach = 0, hidden = 0) {
  const waiting = [...messages];
  const released: string[] = [];
  const clock = { ms: 0, nowMs: () => clock.ms };
  const ports = {
    clock,
    waiting: {
      take: async () => {
        clock.ms += msForEach;
        return waiting.splice(0, 2);
      },
      release: async (held: readonly Pick<DeliveredMessage, 'receiptHandle'>[]) => {
        assert.ok(
          held.every((one) => !('body' in one)),
          'thousands of bodies fill the memory',
        );
        released.push(...held.map(({ receiptHandle }) => receiptHandle));
      },
      depth: async () => ({ visible: waiting.length, hidden }),
    },
  };
  return { ports, released };
}

test('messages that a visit handles are not released, the others are', async () => {
  const { ports, released } = queue(['a', 'b', 'c'].map(message));
  const { read, complete } = await walkWaiting(ports, async ({ messageId }) => messageId === 'b');
  assert.deepEqual([read, complete, released], [3, true, ['a', 'c']]);
});

test('a visit that fails releases everything, including messages not visited', async () => {
  const { ports, released } = queue(['a', 'b', 'c', 'd'].map(message));
  const walk = walkWaiting(ports, async ({ messageId }) => {
    if (messageId === 'c') throw new Error('no');
    return messageId === 'a';
  });
  await assert.rejects(walk, /no/);
  assert.deepEqual(released, ['b', 'c', 'd']);
});

test('a walk ends before its messages become visible again; a message seen twice ends it, too', async () => {
  const slow = queue(FIFTY, 10_000);
  const walk = await walkWaiting(slow.ports, async () => false);
  assert.deepEqual([walk.complete, slow.released.length, walk.read], [false, walk.read, 12]);
  const acting = queue(FIFTY, 10_000);
  assert.equal((await walkWaiting(acting.ports, async () => true)).read, 50, 'nothing is held');
  const again = queue([message('a'), message('b'), message('a'), message('b'), message('c')]);
  assert.equal((await walkWaiting(again.ports, async () => false)).read, 2);
});

test('a walk that is aborted reads no further, and releases what it holds', async () => {
  const { ports, released } = queue(FIFTY);
  const stopping = new AbortController();
  const visit = async ({ messageId }: DeliveredMessage) => {
    if (messageId === 'm2') stopping.abort();
    return false;
  };
  const { read, complete } = await walkWaiting(ports, visit, { signal: stopping.signal });
  assert.deepEqual([read, complete, released], [4, false, ['m0', 'm1', 'm2', 'm3']]);
});

test('dead letters that an action did not reach are not called gone', async () => {
  const names = FIFTY.map(({ messageId }) => `poison/${messageId}`);
  // Those in between are not selected, and held.
  const waiting = new Map(names.filter((_, at) => at % 2 === 1).map((name) => [name, {} as never]));
  const act = async (
    msForEach: number,
    messages: DeliveredMessage[],
    signal = new AbortController().signal,
  ) => {
    const { ports } = queue(messages, msForEach);
    const plan = {
      waiting,
      parked: new Map(),
      missing: [],
      carriers: new Map(),
      complete: true,
      sawAll: true,
    };
    const carrying = { perSecond: 1e6, signal, onMessage: () => {} };
    const moves = { waiting: async () => 'returned' as const };
    const { done, gone, left } = await carryOut(moves, plan, ports as never, carrying);
    return [done.get('returned') ?? 0, gone.length, left];
  };
  assert.deepEqual(await act(10_000, FIFTY), [6, 0, 19]);
  assert.deepEqual(await act(0, FIFTY.slice(0, 40)), [20, 5, 0]);
  assert.deepEqual(await act(0, FIFTY, AbortSignal.abort()), [0, 0, 25]);
});

test('a plan that Ctrl-C ends is an error: nothing was changed', async () => {
  const { ports } = queue(FIFTY);
  const moves: Moves = { waiting: async () => 'returned' };
  const planned = plan(moves, {}, ports as never, AbortSignal.abort());
  await assert.rejects(planned, { message: /nothing was changed/, exitCode: 130 });
});

test('a plan saw all dead letters if it read the whole queue, and nothing was hidden or left out', async () => {
  const both: Moves = { waiting: async () => 'discarded', parked: async () => 'discarded' };
  const sawAll = async ({ moves = both, msForEach = 0, hidden = 0, ...narrowed }) => {
    const { ports } = queue(FIFTY, msForEach, hidden);
    const reading = { ...ports, parked: { read: async () => undefined } } as never;
    const selection = { names: new Set(['1.0.9/0']), ...narrowed };
    const planned = await plan(moves, selection, reading, new AbortController().signal);
    assert.deepEqual(planned.missing, ['1.0.9/0']);
    return planned.sawAll;
  };
  assert.equal(await sawAll({}), true);
  assert.equal(await sawAll({ msForEach: 10_000 }), false);
  assert.equal(await sawAll({ hidden: 1 }), false);
  assert.equal(await sawAll({ moves: { parked: async () => 'discarded' } }), false);
  for (const narrowed of [{ reason: 'x' }, { entity: '/x' }, { segment: '1.0' }])
    assert.equal(await sawAll(narrowed), false, Object.keys(narrowed).join());
});

test('what is found keeps its rows only if they are asked for', async () => {
  const { body } = messageOf(100, [{ ...rowOf('/a'), events: 2 }]);
  for (const rows of [undefined, true]) {
    const { ports } = queue([{ ...message('a'), body }]);
    const { found } = await findWaiting(ports as never, { entity: '/a', ...(rows && { rows }) });
    const [facts] = found.values();
    assert.deepEqual([facts?.rows.length, facts?.holds.events], [rows ? 1 : 0, 2]);
  }
});

test('dead letters must match every part of a selection', () => {
  const { body } = messageOf(100, [{ ...rowOf('/a'), events: 2 }]);
  const facts = factsOf({ name: '1.0.2s/0', body, history: undefined }, 'waiting');
  assert.deepEqual([facts.events, facts.poison], [2, false]);
  const meant = (selection: Selection) => isSelected(facts, selection);
  assert.ok(
    meant({}) && meant({ segment: '1.0' }) && meant({ segment: '1.0.2s', entity: '/a', reason: 'QUEUE' }),
  );
  assert.ok(
    !meant({ segment: '1.0.2' }) && !meant({ entity: '/' }) && !meant({ names: new Set(['1.0.2s/1']) }),
  );
});

test('an archive that cannot be read is an error, also while more names are listed', async () => {
  const parked = {
    async *names() {
      yield 'a';
      await delay(50);
      yield 'b';
    },
    read: async () => {
      throw new Error('AccessDenied');
    },
  };
  const unhandled: unknown[] = [];
  const note = (error: unknown) => void unhandled.push(error);
  process.on('unhandledRejection', note);
  await assert.rejects(Array.fromAsync(findParked({ parked } as never, {})), /AccessDenied/);
  process.off('unhandledRejection', note);
  assert.deepEqual(unhandled, []);
});
