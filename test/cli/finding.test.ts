// Reading dead letters from a queue in memory: messages that are not handled are always released.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { factsOf, isSelected, type Selection } from '../../cli/dead-letters/facts.ts';
import { findParked, walkWaiting } from '../../cli/dead-letters/find.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { messageOf, rowOf } from '../support/messages.ts';

const message = (messageId: string): DeliveredMessage => ({
  messageId,
  receiptHandle: messageId,
  body: '',
  receiveCount: 1,
  history: undefined,
});

function queue(messages: DeliveredMessage[], msForEach = 0) {
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
      release: async (held: readonly DeliveredMessage[]) => {
        released.push(...held.map(({ messageId }) => messageId));
      },
      depth: async () => ({ visible: waiting.length, hidden: 0 }),
    },
  };
  return { ports, released };
}

test('messages that a visit handles are not released, the others are', async () => {
  const { ports, released } = queue(['a', 'b', 'c'].map(message));
  const walk = await walkWaiting(ports, async ({ messageId }) => messageId === 'b');
  assert.deepEqual([walk, released], [{ read: 3, complete: true }, ['a', 'c']]);
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
  const slow = queue(
    Array.from({ length: 50 }, (_, at) => message(`m${at}`)),
    10_000,
  );
  const walk = await walkWaiting(slow.ports, async () => false);
  assert.deepEqual([walk.complete, slow.released.length, walk.read], [false, walk.read, 12]);
  const acting = queue(
    Array.from({ length: 50 }, (_, at) => message(`m${at}`)),
    10_000,
  );
  assert.equal((await walkWaiting(acting.ports, async () => true)).read, 50, 'nothing is held');
  const again = queue([message('a'), message('b'), message('a'), message('b'), message('c')]);
  assert.equal((await walkWaiting(again.ports, async () => false)).read, 2);
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
