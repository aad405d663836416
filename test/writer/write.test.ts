// The writer's decisions, on counters and queues in memory: what it applies, acknowledges, brings back and buries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { segmentId } from '../../lambdas/counting/identifiers.ts';
import type { MessageHistory } from '../../lambdas/counting/message-history.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/counting/retry-policy.ts';
import type { RollupRow } from '../../lambdas/counting/rollup-message.ts';
import { encodeParts } from '../../lambdas/counting/rollup-message.ts';
import { planSegment } from '../../lambdas/counting/segment.ts';
import { lostEntry, type SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { type WriterPorts, writeRollups } from '../../lambdas/writer/write.ts';
import { ARRIVAL_MS, CONFIG, record, SHARD_KEY } from '../support/records.ts';

const always = () => true;
const row = (entity: string, n = 1, bucket = '2026-11-22T05'): RollupRow => ({
  bucket,
  metric: 'view',
  entity,
  events: 1,
  minutes: { 7: n },
});

function message(
  segment: number,
  rows: RollupRow[],
  change: Partial<DeliveredMessage> = {},
): DeliveredMessage {
  const [part] = encodeParts(segmentId(SHARD_KEY, segment), rows, CONFIG);
  const body = part?.message.body ?? '';
  const messageId = `m${segment}`;
  return { messageId, receiptHandle: `r${segment}`, body, receiveCount: 1, history: undefined, ...change };
}

/** Ports in memory: counters that apply each segment once, and lists of what was done. */
function world(counterRetentionMs?: number) {
  const items = new Map<string, { applied: Set<string>; n: number }>();
  const entries = new Map<string, SegmentEntry>();
  const done = {
    updates: [] as string[][],
    acknowledged: [] as string[],
    delayed: [] as [string, number][],
    buried: [] as [string, MessageHistory][],
    noted: [] as string[],
    expired: [] as string[],
  };
  const failing = { items: new Set<string>(), acknowledge: false, bury: false };
  const ports: WriterPorts = {
    counters: {
      async apply({ key, segments, minutes }) {
        done.updates.push([...segments]);
        if (failing.items.has(key.pk)) throw new Error(`${key.pk} is throttled`);
        const item = items.get(key.pk) ?? { applied: new Set(), n: 0 };
        if (segments.some((segment) => item.applied.has(segment))) return item.applied;
        for (const segment of segments) item.applied.add(segment);
        item.n += Object.values(minutes).reduce((sum, n) => sum + n, 0);
        items.set(key.pk, item);
        return 'applied';
      },
    },
    ledger: {
      async acknowledge(segment, parts) {
        if (failing.acknowledge) throw new Error('the ledger is away');
        done.acknowledged.push(`${segment}/${parts.join('+')}`);
        const before = entries.get(segment);
        if (before !== undefined)
          entries.set(segment, { ...before, acked: new Set([...before.acked, ...parts]) });
        return before;
      },
      async notePlace({ segment, part }, place) {
        done.noted.push(`${segment}/${part} ${place}`);
      },
      async noteExpired({ segment, part }, events) {
        if (entries.get(segment)?.acked.has(part)) return 'acknowledged';
        done.noted.push(`${segment}/${part} expired ${events}`);
        return 'noted';
      },
    },
    expired: {
      async keepExpired({ segment, part, rows }) {
        done.expired.push(`${segment}/${part}: ${rows.map(({ entity }) => entity)}`);
      },
    },
    failed: {
      async delay({ messageId }, delayMs) {
        done.delayed.push([messageId, delayMs]);
      },
      async bury({ messageId }, history) {
        if (failing.bury) throw new Error('the dead-letter queue is away');
        done.buried.push([messageId, history]);
      },
    },
    retryPolicy: { current: async () => DEFAULT_RETRY_POLICY },
    clock: { nowMs: () => ARRIVAL_MS },
    random: () => 0,
  };
  const write = (messages: DeliveredMessage[], hasTime = always) =>
    writeRollups(messages, ports, { counterRetentionMs, concurrency: 4 }, hasTime);
  return { ...done, items, entries, failing, write };
}

test('several segments for one counter item become one update', async () => {
  const { write, items, updates, acknowledged } = world();
  const { retry, report } = await write([1, 2, 3].map((segment) => message(segment, [row('/a', segment)])));
  assert.deepEqual([retry, items.get('/a')?.n, updates.length], [[], 6, 1]);
  assert.deepEqual(acknowledged.sort(), ['1.0.1/0', '1.0.2/0', '1.0.3/0']);
  assert.deepEqual([report.updates, report.rowsApplied, report.updatesCoalesced], [1, 3, 2]);
});

test('more segments than one update may name become several', async () => {
  const { write, items, updates } = world();
  await write(Array.from({ length: 120 }, (_, index) => message(index + 1, [row('/a')])));
  assert.deepEqual(updates.map(({ length }) => length).sort(), [20, 50, 50]);
  assert.equal(items.get('/a')?.n, 120);
});

test('events are counted by the acknowledgement that is the first of its part, and are as old as their segment', async () => {
  const { write, entries } = world();
  const entry = lostEntry(planSegment(undefined, [record(1, {}, ARRIVAL_MS - 3_000)], CONFIG, []));
  entries.set('1.0.1', { ...entry, parts: [{ events: 5 }], expired: { 0: 2 } });
  const copy = () => message(1, [row('/a')]);
  const { report: first } = await write([copy(), message(2, [row('/b')])]);
  assert.deepEqual([first.eventsCounted, first.freshnessMs, first.partsAcknowledged], [3, [3_000], 2]);
  const { report: second } = await write([copy()]);
  assert.deepEqual([second.eventsCounted, second.freshnessMs, second.partsAcknowledged], [0, [], 1]);
});

test('what the item has already is left out, the rest is applied', async () => {
  const { write, items, acknowledged } = world();
  await write([message(2, [row('/a', 2)])]);
  const { retry, report } = await write([1, 2, 3].map((segment) => message(segment, [row('/a', segment)])));
  assert.deepEqual([retry, items.get('/a')?.n], [[], 6]);
  assert.deepEqual([report.rowsApplied, report.rowsAlreadyApplied], [2, 1]);
  assert.equal(acknowledged.filter((name) => name === '1.0.2/0').length, 2, 'a copy acknowledges again');
});

test('copies of a part in one batch are one, and all of them are done', async () => {
  const { write, items } = world();
  const copies = ['x', 'y'].map((messageId) => message(1, [row('/a', 5)], { messageId }));
  assert.deepEqual((await write(copies)).retry, []);
  assert.equal(items.get('/a')?.n, 5);
});

test('only the messages concerned are brought back, each time later', async () => {
  const { write, failing, delayed, acknowledged, items } = world();
  failing.items.add('/hot');
  const { retry } = await write([
    message(1, [row('/a'), row('/hot')]),
    message(2, [row('/b')]),
    message(3, [row('/hot')], { receiveCount: 2 }),
  ]);
  assert.deepEqual(retry.sort(), ['m1', 'm3']);
  assert.deepEqual(
    new Map(delayed),
    new Map([
      ['m1', 2_500],
      ['m3', 5_000],
    ]),
  );
  assert.deepEqual(acknowledged, ['1.0.2/0'], 'not before all rows of a part are in');
  assert.equal(items.get('/a')?.n, 1, 'its other rows are applied, and will not be again');
});

test('with its attempts used up a message is buried with its history, and the ledger is told', async () => {
  const { write, failing, buried, noted } = world();
  failing.items.add('/hot');
  const earlier: MessageHistory = {
    rounds: 1,
    attempts: 3,
    reason: 'before',
    poison: false,
    firstFailureAt: '2026-11-22T04:00:00.000Z',
    lastFailureAt: '2026-11-22T04:00:00.000Z',
  };
  const { retry } = await write([message(1, [row('/hot')], { receiveCount: 3, history: earlier })]);
  assert.deepEqual([retry, noted], [[], ['1.0.1/0 dead']]);
  const [[, history] = assert.fail()] = buried;
  assert.deepEqual([history.rounds, history.attempts, history.poison], [1, 6, false]);
  assert.deepEqual(
    [history.reason, history.firstFailureAt],
    ['Error: /hot is throttled', earlier.firstFailureAt],
  );
});

test('poison is buried at the first sight of it, and its neighbours are written', async () => {
  const { write, buried, items } = world();
  const { retry } = await write([
    message(1, [], { messageId: 'bad', body: '{"v":9}' }),
    message(2, [row('/a')]),
  ]);
  assert.deepEqual(retry, []);
  assert.deepEqual([buried[0]?.[0], buried[0]?.[1].poison], ['bad', true]);
  assert.equal(items.get('/a')?.n, 1);
});

test('a message that can not be buried stays in the queue', async () => {
  const { write, failing, buried } = world();
  failing.bury = true;
  const { retry } = await write([message(1, [], { messageId: 'bad', body: 'poison' })]);
  assert.deepEqual([retry, buried], [['bad'], []]);
});

test('a part that can not be acknowledged is brought back', async () => {
  const { write, failing, items } = world();
  failing.acknowledge = true;
  assert.deepEqual((await write([message(1, [row('/a')])])).retry, ['m1']);
  failing.acknowledge = false;
  assert.deepEqual((await write([message(1, [row('/a')])])).retry, []);
  assert.equal(items.get('/a')?.n, 1);
});

test('when time runs out the rest comes back at once, and is not buried however often it came', async () => {
  const { write, delayed, buried, acknowledged } = world();
  let left = 2;
  const { retry } = await write(
    [1, 2, 3, 4].map((segment) => message(segment, [row(`/${segment}`)], { receiveCount: 9 })),
    () => left-- > 0,
  );
  assert.deepEqual(retry, ['m3', 'm4']);
  assert.deepEqual(
    [delayed, buried],
    [
      [
        ['m3', 0],
        ['m4', 0],
      ],
      [],
    ],
  );
  assert.equal(acknowledged.length, 2);
});

test('a copy of a counted part that comes after the expiry is no expired part: nothing is noted, nothing kept', async () => {
  const { write, entries, expired, noted } = world(86_400_000);
  const entry = lostEntry(planSegment(undefined, [record(1, {}, ARRIVAL_MS)], CONFIG, []));
  entries.set('1.0.1', { ...entry, acked: new Set([0]) });
  const { retry, report } = await write([message(1, [row('/old', 1, '2026-11-20T05')])]);
  assert.deepEqual([retry, report.expired, expired, noted], [[], 0, [], []]);
});

test('rows for items past their expiry are kept, not applied; the part is done', async () => {
  const { write, items, expired, noted, acknowledged } = world(86_400_000);
  const { retry, report } = await write([message(1, [row('/old', 1, '2026-11-20T05'), row('/new')])]);
  assert.deepEqual([retry, report.expired], [[], 1]);
  assert.deepEqual([items.has('/old'), items.get('/new')?.n], [false, 1]);
  assert.deepEqual([expired, noted, acknowledged], [['1.0.1/0: /old'], ['1.0.1/0 expired 1'], ['1.0.1/0']]);
});
