// What redrive does with dead letters, on queues in memory.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageHistory } from '../../lambdas/core/message-history.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/core/retry-policy.ts';
import { NO_WATERMARK } from '../../lambdas/core/watermark.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import {
  decideRedrive,
  type RedriverPorts,
  type RedriverSettings,
  redrive,
} from '../../lambdas/redriver/redrive.ts';
import { ARRIVAL_HOUR, messageOf, rowOf } from '../support/messages.ts';
import { ARRIVAL_MS } from '../support/records.ts';

const { body } = messageOf(1, [rowOf('/a')]);
const DAY_MS = 86_400_000;
const KEPT = { hours: undefined, days: undefined, months: undefined, all: undefined };
const history = (rounds: number, poison = false): MessageHistory => ({
  rounds,
  attempts: 3,
  reason: 'Throttled',
  poison,
  firstFailureAt: '2026-11-22T05:00:00.000Z',
  lastFailureAt: '2026-11-22T05:00:00.000Z',
});
const message = (messageId: string, change: Partial<DeliveredMessage> = {}): DeliveredMessage => ({
  messageId,
  receiptHandle: messageId,
  body,
  receiveCount: 1,
  history: history(0),
  ...change,
});

function world(messages: DeliveredMessage[]) {
  const steps: string[] = [];
  const waiting = [...messages];
  /** `hot`: writes of deltas fail so often. */
  const state = { healthy: true, ledgerDown: false, archiveDown: false, hot: 0, sizes: [] as number[] };
  const ports: RedriverPorts = {
    deadLetters: {
      take: async (most) => {
        state.sizes.push(most);
        return waiting.splice(0, most);
      },
      giveBack: async ({ messageId }, { rounds, reason }, delayMs) => {
        const why = reason.startsWith('probe') ? ` (${reason})` : '';
        steps.push(`back ${messageId} round ${rounds} after ${delayMs}${why}`);
      },
      park: async ({ messageId }, { reason }) => {
        if (state.archiveDown) throw new Error('the archive is away');
        steps.push(`park ${messageId}: ${reason}`);
      },
      remove: async ({ messageId }) => {
        steps.push(`remove ${messageId}`);
      },
      release: async (held) => {
        waiting.push(
          ...messages.filter(({ receiptHandle }) => held.some((one) => one.receiptHandle === receiptHandle)),
        );
      },
    },
    deltas: {
      putDelta: async ({ segment, part }) => {
        state.hot -= 1;
        if (state.hot >= 0) throw new Error('the counts are throttled');
        steps.push(`write ${segment}/${part}`);
        return 'stored';
      },
    },
    expired: {
      keepExpired: async ({ segment }) => {
        steps.push(`expire ${segment}`);
      },
    },
    ledger: {
      acknowledge: async (segment) => {
        if (state.ledgerDown) throw new Error('the ledger is away');
        steps.push(`acknowledge ${segment}`);
        return undefined;
      },
      noteExpired: async () => 'noted',
      readWatermark: async () => NO_WATERMARK,
      notePlace: async (segment, parts, place) => {
        if (state.ledgerDown) throw new Error('the ledger is away');
        steps.push(`note ${segment}/${parts.join('+')} ${place}`);
      },
    },
    tables: { isHealthy: async () => state.healthy },
    retryPolicy: { current: async () => ({ ...DEFAULT_RETRY_POLICY, redrivePerSecond: 0.5 }) },
    clock: { nowMs: () => ARRIVAL_MS },
  };
  const settings = { retentions: KEPT };
  const run = (hasTime = () => true, change: Partial<RedriverSettings> = {}) =>
    redrive(ports, { ...settings, ...change }, hasTime);
  return { steps, state, waiting, run };
}

test('redrive writes the first dead letter itself; then others return with growing delay, and are deleted only then', async () => {
  const { steps, run, state } = world([
    message('probe'),
    message('a'),
    message('b', { history: history(2) }),
  ]);
  const report = await run();
  assert.deepEqual([report.written, report.returned, report.ended], [1, 2, 'empty']);
  assert.deepEqual(state.sizes, [1, 10, 8], 'nothing is taken, and hidden, beside a probe');
  assert.deepEqual(steps, [
    'write 1.0.1/0',
    'acknowledge 1.0.1',
    'remove probe',
    'note 1.0.1/0 returned',
    'back a round 1 after 60000',
    'remove a',
    'note 1.0.1/0 returned',
    'back b round 3 after 240000',
    'remove b',
  ]);
});

test('a failed probe uses up a round of its dead letter; three in a row end the run, and the rest stays', async () => {
  const { steps, run, state } = world(Array.from({ length: 20 }, (_, index) => message(`m${index}`)));
  state.hot = 3;
  const report = await run();
  assert.deepEqual(
    [report.probesFailed, report.returned, report.written, report.ended],
    [3, 3, 0, 'probes-failed'],
  );
  assert.deepEqual(steps.slice(0, 3), [
    'note 1.0.1/0 returned',
    'back m0 round 1 after 60000 (probe: Error: the counts are throttled)',
    'remove m0',
  ]);
  assert.equal(steps.length, 9);
});

test('one dead letter that cannot be written does not block the others', async () => {
  const { run, state } = world(Array.from({ length: 8 }, (_, index) => message(`m${index}`)));
  state.hot = 1;
  const report = await run();
  assert.deepEqual([report.probesFailed, report.written, report.returned, report.ended], [1, 1, 7, 'empty']);
});

test('redrive opens twice as wide with each successful probe', async () => {
  const { steps, run } = world(Array.from({ length: 50 }, (_, index) => message(`m${index}`)));
  const report = await run();
  assert.deepEqual([report.written, report.returned, report.ended], [2, 28, 'rate']);
  const probes = steps.filter((step) => step.startsWith('write')).length;
  assert.equal(probes, 2, 'the first and the 12th; the third would be the 33rd');
});

test('a probe whose minutes expired long ago keeps its rows in the archive, and counts', async () => {
  const { steps, run } = world([
    message('a', { body: messageOf(1, [rowOf('/a', 1, ARRIVAL_HOUR - 30 * 24)]).body }),
  ]);
  const report = await run(() => true, { retentions: { ...KEPT, hours: DAY_MS } });
  assert.deepEqual([report.written, report.probesFailed], [1, 0]);
  assert.deepEqual(steps, ['expire 1.0.1', 'write 1.0.1/0', 'acknowledge 1.0.1', 'remove a']);
});

test('a probe that runs out of time decides nothing', async () => {
  const { steps, waiting, run } = world([message('a')]);
  let looks = 0;
  const report = await run(() => looks++ === 0);
  assert.deepEqual([steps, report.written, report.returned, report.ended], [[], 0, 0, 'time']);
  assert.equal(waiting.length, 1, 'and leaves it visible');
});

test('what failed is visible after the run, so that the alarm sees it between any two runs', async () => {
  const poison = { body: '{}', history: history(0, true) };
  const { steps, state, waiting, run } = world([message('a'), message('b', poison), message('c', poison)]);
  state.archiveDown = true;
  for (const failed of [2, 2]) {
    const report = await run();
    assert.deepEqual([report.failed, report.ended], [failed, 'empty']);
    assert.deepEqual(
      waiting.map(({ messageId }) => messageId),
      ['b', 'c'],
    );
  }
  state.archiveDown = false;
  await run();
  assert.deepEqual(
    [waiting, steps.filter((step) => step.startsWith('remove'))],
    [[], ['remove a', 'remove b', 'remove c']],
  );
});

test('dead letters without rounds left and poison are parked; poison has no place in the ledger', async () => {
  const { steps, run } = world([
    message('used', { history: history(5) }),
    message('poison', { body: 'x', history: history(0, true) }),
    message('unlabelled', { body: '{}', history: undefined }),
  ]);
  const report = await run();
  assert.deepEqual([report.parked, report.returned], [3, 0]);
  assert.deepEqual(
    steps.filter((step) => !step.startsWith('remove')).map((step) => step.replace(/:.*/, '')),
    ['park used', 'note 1.0.1/0 parked', 'park poison', 'park unlabelled'],
  );
});

test('a dead letter without a history, moved by the queue itself, starts its first round', () => {
  const decision = decideRedrive(message('a', { history: undefined }), DEFAULT_RETRY_POLICY, ARRIVAL_MS);
  assert.deepEqual([decision.to, decision.history.rounds, decision.history.attempts], ['queue', 1, 0]);
});

test('nothing moves while a table does not answer', async () => {
  const { steps, state, run } = world([message('a')]);
  state.healthy = false;
  assert.deepEqual([(await run()).ended, steps], ['table-unhealthy', []]);
});

test('a ledger that fails in between leaves no copy in the queue', async () => {
  const { steps, state, run } = world([message('a')]);
  state.ledgerDown = true;
  const report = await run();
  assert.deepEqual([report.failed, report.returned, steps], [1, 0, ['write 1.0.1/0']]);
});

test('a run returns no more than a minute of the rate allows', async () => {
  const { run } = world(Array.from({ length: 50 }, (_, index) => message(`m${index}`)));
  const report = await run();
  assert.deepEqual([report.written + report.returned, report.ended], [30, 'rate']);
});

test('a run ends when its time is up', async () => {
  const { run } = world([message('a')]);
  assert.equal((await run(() => false)).ended, 'time');
});
