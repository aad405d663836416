// What redrive does with dead letters, on queues in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentId } from '../../lambdas/counting/identifiers.ts';
import type { MessageHistory } from '../../lambdas/counting/message-history.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/counting/retry-policy.ts';
import { encodeParts } from '../../lambdas/counting/rollup-message.ts';
import type { DeliveredMessage } from '../../lambdas/ports.ts';
import { decideRedrive, type RedriverPorts, redrive } from '../../lambdas/redriver/redrive.ts';
import { ARRIVAL_MS, CONFIG, SHARD_KEY } from '../support/records.ts';

const [part] = encodeParts(
  segmentId(SHARD_KEY, 1),
  [{ bucket: '2026-11-22T05', metric: 'view', entity: '/a', events: 1, minutes: { 7: 1 } }],
  CONFIG,
);
const body = part?.message.body ?? '';
const history = (rounds: number, poison = false): MessageHistory => ({
  rounds,
  attempts: 3,
  reason: 'Throttled',
  poison,
  firstFailureAt: '2026-11-22T05:00:00.000Z',
  lastFailureAt: '2026-11-22T05:00:00.000Z',
});
const letter = (messageId: string, change: Partial<DeliveredMessage> = {}): DeliveredMessage => ({
  messageId,
  receiptHandle: messageId,
  body,
  receiveCount: 1,
  history: history(0),
  ...change,
});

function world(letters: DeliveredMessage[]) {
  const steps: string[] = [];
  const waiting = [...letters];
  const state = { healthy: true, ledgerDown: false };
  const ports: RedriverPorts = {
    deadLetters: {
      take: async () => waiting.splice(0, 10),
      giveBack: async ({ messageId }, { rounds }, delayMs) => {
        steps.push(`back ${messageId} round ${rounds} after ${delayMs}`);
      },
      park: async ({ messageId }, { reason }) => {
        steps.push(`park ${messageId}: ${reason}`);
      },
      remove: async ({ messageId }) => {
        steps.push(`remove ${messageId}`);
      },
    },
    ledger: {
      acknowledge: async () => 'acknowledged',
      noteExpired: async () => 'noted',
      notePlace: async ({ segment, part }, place) => {
        if (state.ledgerDown) throw new Error('the ledger is away');
        steps.push(`note ${segment}/${part} ${place}`);
      },
    },
    tables: { isHealthy: async () => state.healthy },
    retryPolicy: { current: async () => ({ ...DEFAULT_RETRY_POLICY, redrivePerSecond: 0.5 }) },
    clock: { nowMs: () => ARRIVAL_MS },
  };
  return { steps, state, run: (hasTime = () => true) => redrive(ports, hasTime) };
}

test('a dead letter goes back with growing delay, and is deleted only then', async () => {
  const { steps, run } = world([letter('a'), letter('b', { history: history(2) })]);
  const report = await run();
  assert.deepEqual([report.returned, report.ended], [2, 'empty']);
  assert.deepEqual(steps, [
    'note 1.0.1/0 returned',
    'back a round 1 after 60000',
    'remove a',
    'note 1.0.1/0 returned',
    'back b round 3 after 240000',
    'remove b',
  ]);
});

test('used-up rounds and poison are parked; poison has no place in the ledger', async () => {
  const { steps, run } = world([
    letter('used', { history: history(5) }),
    letter('poison', { body: 'x', history: history(0, true) }),
    letter('unlabelled', { body: '{}', history: undefined }),
  ]);
  const report = await run();
  assert.deepEqual([report.parked, report.returned], [3, 0]);
  assert.deepEqual(
    steps.filter((step) => !step.startsWith('remove')).map((step) => step.replace(/:.*/, '')),
    ['park used', 'note 1.0.1/0 parked', 'park poison', 'park unlabelled'],
  );
});

test('a dead letter without a history, moved by the queue itself, starts its first round', () => {
  const decision = decideRedrive(letter('a', { history: undefined }), DEFAULT_RETRY_POLICY, ARRIVAL_MS);
  assert.deepEqual([decision.to, decision.history.rounds, decision.history.attempts], ['queue', 1, 0]);
});

test('nothing moves while a table does not answer', async () => {
  const { steps, state, run } = world([letter('a')]);
  state.healthy = false;
  assert.deepEqual([(await run()).ended, steps], ['table-unhealthy', []]);
});

test('a ledger that fails in between leaves no copy in the queue', async () => {
  const { steps, state, run } = world([letter('a')]);
  state.ledgerDown = true;
  const report = await run();
  assert.deepEqual([report.failed, report.returned, steps], [1, 0, []]);
});

test('a run returns no more than a minute of the rate allows', async () => {
  const { run } = world(Array.from({ length: 50 }, (_, index) => letter(`m${index}`)));
  const report = await run();
  assert.deepEqual([report.returned, report.ended], [30, 'rate']);
});

test('a run ends when its time is over', async () => {
  const { run } = world([letter('a')]);
  assert.equal((await run(() => false)).ended, 'time');
});
