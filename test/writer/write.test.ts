// The writer's decisions, on a store and queues in memory: what it stores, acknowledges, delays and buries.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WHOLE_RANGE } from '../../lambdas/core/hash-range.ts';
import type { MessageHistory } from '../../lambdas/core/message-history.ts';
import { DEFAULT_RETRY_POLICY } from '../../lambdas/core/retry-policy.ts';
import { decodeRows, type Row } from '../../lambdas/core/rows.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { lostEntry, type SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import { NO_WATERMARK, raisedWatermark, type Watermark } from '../../lambdas/core/watermark.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import { type WriterPorts, writeRollups } from '../../lambdas/writer/write.ts';
import { ARRIVAL_HOUR, messageOf, rowOf as row } from '../support/messages.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';

const always = () => true;
const DAY_MS = 86_400_000;
const OLD_HOUR = ARRIVAL_HOUR - 48;

function message(segment: number, rows: Row[], change: Partial<DeliveredMessage> = {}): DeliveredMessage {
  const body = change.body ?? messageOf(segment, rows).body;
  const messageId = `m${segment}`;
  return { messageId, receiptHandle: `r${segment}`, receiveCount: 1, history: undefined, ...change, body };
}

/** Ports in memory: deltas by name, and lists of what was done. */
function world(minuteRetentionMs?: number) {
  const deltas = new Map<string, readonly Row[] | 'tombstone'>();
  const entries = new Map<string, SegmentEntry>();
  const done = {
    acknowledged: [] as string[],
    delayed: [] as [string, number][],
    buried: [] as [string, MessageHistory][],
    noted: [] as string[],
    expired: [] as string[],
  };
  const published: { watermark: Watermark } = { watermark: NO_WATERMARK };
  /** `entities`: a delta with one of them is refused. */
  const failing = { entities: new Set<string>(), acknowledge: false, bury: false };
  const ports: WriterPorts = {
    deltas: {
      async putDelta({ segment, part, rows }) {
        const decoded = decodeRows(rows);
        const hot = decoded.find(({ entity }) => failing.entities.has(entity));
        if (hot !== undefined) throw new Error(`${hot.entity} is throttled`);
        const name = `${segment}/${part}`;
        if (deltas.get(name) === 'tombstone') return 'discarded';
        if (!deltas.has(name)) deltas.set(name, decoded);
        return 'stored';
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
      async notePlace(segment, parts, place) {
        done.noted.push(`${segment}/${parts.join('+')} ${place}`);
      },
      async noteExpired({ segment, part }, events) {
        if (entries.get(segment)?.acked.has(part)) return 'acknowledged';
        done.noted.push(`${segment}/${part} expired ${events}`);
        return 'noted';
      },
      readWatermark: async () => published.watermark,
    },
    expired: {
      async keepExpired({ segment, part, rows }) {
        done.expired.push(`${segment}/${part}: ${decodeRows(rows).map(({ entity }) => entity)}`);
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
  const retentions = { hours: minuteRetentionMs, days: undefined, months: undefined, all: undefined };
  const write = (messages: DeliveredMessage[], hasTime = always) =>
    writeRollups(messages, ports, { retentions, concurrency: 4 }, hasTime);
  return { ...done, deltas, entries, failing, published, write };
}

test('a delta is stored once, and acknowledged with each delivery of its message', async () => {
  const { write, deltas, acknowledged } = world();
  const copies = ['x', 'y'].map((messageId) => message(1, [row('/a', 5)], { messageId }));
  assert.deepEqual((await write(copies)).retry, []);
  const { retry } = await write([message(1, [row('/a', 5)]), message(2, [row('/a', 7)])]);
  assert.deepEqual(retry, []);
  assert.deepEqual([...deltas.keys()].sort(), ['1.0.1/0', '1.0.2/0']);
  assert.deepEqual(deltas.get('1.0.1/0'), [row('/a', 5)]);
  assert.deepEqual(acknowledged, ['1.0.1/0', '1.0.1/0', '1.0.1/0', '1.0.2/0']);
});

test('a message of several deltas is acknowledged at once', async () => {
  const { write, deltas, acknowledged } = world();
  const rows = Array.from({ length: 400 }, (_, index) => row(`/pages/${index}`));
  await write([message(1, rows)]);
  assert.deepEqual([deltas.size, acknowledged], [4, ['1.0.1/0+1+2+3']]);
});

test('a message whose delta was discarded is dropped: noted, and not acknowledged', async () => {
  const { write, deltas, acknowledged, noted } = world();
  deltas.set('1.0.1/0', 'tombstone');
  assert.deepEqual((await write([message(1, [row('/a')])])).retry, []);
  assert.deepEqual([deltas.get('1.0.1/0'), acknowledged], ['tombstone', []]);
  assert.deepEqual(noted, ['1.0.1/0 discarded']);
});

test('events count with the first acknowledgement of their part, and are as old as their segment', async () => {
  const { write, entries } = world();
  const entry = lostEntry(planSegment(undefined, [record(1, {}, ARRIVAL_MS - 3_000)], CONFIG, []));
  entries.set('1.0.1', { ...entry, parts: [{ events: 5, range: WHOLE_RANGE }], expired: { 0: 2 } });
  const copy = () => message(1, [row('/a')]);
  const { report: first } = await write([copy(), message(2, [row('/b')])]);
  assert.deepEqual([first.eventsCounted, first.freshnessMs], [3, [3_000]]);
  const { report: second } = await write([copy()]);
  assert.deepEqual([second.eventsCounted, second.freshnessMs], [0, []]);
});

test('only the messages concerned are redelivered, each time later', async () => {
  const { write, failing, delayed, acknowledged, deltas } = world();
  failing.entities.add('/hot');
  const pages = Array.from({ length: 400 }, (_, index) => row(`/pages/${index}`));
  const { retry } = await write([
    message(1, [...pages, row('/hot')]),
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
  const stored = acknowledged.find((name) => name.startsWith('1.0.1/'));
  assert.equal(stored?.split('+').length, 3, 'its other deltas are stored, and acknowledged');
  assert.ok(acknowledged.includes('1.0.2/0'));
  assert.equal(deltas.size, 4);
});

test('with its attempts used up, a message is buried with its history, and the ledger notes it', async () => {
  const { write, failing, buried, noted } = world();
  failing.entities.add('/hot');
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

test('poison is buried on its first delivery, and its neighbours are written', async () => {
  const { write, buried, deltas } = world();
  const { retry } = await write([
    message(1, [], { messageId: 'bad', body: '{"v":9}' }),
    message(2, [row('/a')]),
  ]);
  assert.deepEqual(retry, []);
  assert.deepEqual([buried[0]?.[0], buried[0]?.[1].poison], ['bad', true]);
  assert.ok(deltas.has('1.0.2/0'));
});

test('a message that cannot be buried stays in the queue', async () => {
  const { write, failing, buried } = world();
  failing.bury = true;
  const { retry } = await write([message(1, [], { messageId: 'bad', body: 'poison' })]);
  assert.deepEqual([retry, buried], [['bad'], []]);
});

test('a part that cannot be acknowledged is redelivered', async () => {
  const { write, failing, deltas } = world();
  failing.acknowledge = true;
  assert.deepEqual((await write([message(1, [row('/a')])])).retry, ['m1']);
  failing.acknowledge = false;
  assert.deepEqual((await write([message(1, [row('/a')])])).retry, []);
  assert.deepEqual(deltas.get('1.0.1/0'), [row('/a')]);
});

test('when time runs out, the rest is redelivered at once, and never buried for it', async () => {
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

test('a copy of a counted part that arrives after the expiry is not expired: nothing is noted or archived', async () => {
  const { write, entries, expired, noted } = world(DAY_MS);
  const entry = lostEntry(planSegment(undefined, [record(1, {}, ARRIVAL_MS)], CONFIG, []));
  entries.set('1.0.1', { ...entry, acked: new Set([0]) });
  const { retry, report } = await write([message(1, [row('/old', 1, OLD_HOUR)])]);
  assert.deepEqual([retry, report.expired, expired, noted], [[], 0, [], []]);
});

test('a delta with rows past the retention of minutes is kept in the archive, too; the part is counted', async () => {
  const { write, deltas, expired, noted, acknowledged } = world(DAY_MS);
  const { retry, report } = await write([message(1, [row('/old', 1, OLD_HOUR), row('/new')])]);
  assert.deepEqual([retry, report.expired, deltas.size], [[], 1, 1]);
  assert.deepEqual(
    [expired, noted, acknowledged],
    [['1.0.1/0: /new,/old'], ['1.0.1/0 expired 1'], ['1.0.1/0']],
  );
});

test('a raised retention restores nothing: minutes that were gone stay expired', async () => {
  const retentions = { hours: DAY_MS, days: undefined, months: undefined, all: undefined };
  for (const raisedMs of [400 * DAY_MS, undefined]) {
    const { write, expired, published } = world(raisedMs);
    published.watermark = raisedWatermark(
      NO_WATERMARK,
      NO_WATERMARK,
      { retentions, acceptFutureMs: 0 },
      ARRIVAL_MS,
    );
    const { report } = await write([message(1, [row('/old', 3, OLD_HOUR), row('/new')])]);
    assert.deepEqual([report.expired, expired], [1, ['1.0.1/0: /new,/old']]);
  }
});
