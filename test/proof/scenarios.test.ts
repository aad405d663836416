// The faults that reviewers try, one by one: each strikes, and every promise is kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '../../proof/simulation/plan/faults.ts';
import type { Put } from '../../proof/simulation/plan/workload.ts';
import type { Verdict } from '../../proof/simulation/run-history.ts';
import {
  again,
  DAY_MS,
  HOUR_MS,
  minutesKept,
  records,
  runScenario,
  SMALL_BLOCKS,
  START_MS,
} from './scenario.ts';

/** Every promise kept, and the trace shows each of the given things. */
function assertKept(verdict: Verdict, ...shown: RegExp[]): void {
  const trace = verdict.trace.join('\n');
  assert.equal(
    verdict.violation,
    undefined,
    `${verdict.violation?.promise}: ${verdict.violation?.message}\n${trace}`,
  );
  for (const sign of shown) assert.match(trace, sign);
}

const atMs = START_MS + 2_000;
const aggregator = { atMs, role: 'aggregator' } as const;
const writer = { atMs, role: 'writer' } as const;
type Stall = Extract<Fault, { kind: 'stall' }>;
/** A call that hangs past its time-out and goes on. */
const stall = (call: Omit<Stall, 'kind' | 'side' | 'next'>): Stall => ({
  ...{ kind: 'stall', side: 'request', next: 'zombie' },
  ...call,
});
const SMALL_PARTS = {
  slotBits: 4,
  dedupWindowMs: 600_000,
  acceptPastMs: undefined,
  acceptFutureMs: 600_000,
  wideBytesMax: 0,
} as const;

test('a client times out after the stream stored its event and sends again: counted once', async () => {
  const puts = records(8);
  assertKept(await runScenario([...puts, ...puts.slice(0, 4).map((put) => again(put, 30_000))], []));
});

test('the aggregator dies between two of its send batches: the same rows under the same ids again', async () => {
  const crash: Fault = { kind: 'crash', ...aggregator, operation: 'sendBatch', when: 'after' };
  const options = { rollup: SMALL_PARTS, messageBytesMax: 1, batchWindowMs: 20_000 };
  assertKept(await runScenario(records(20, { entities: 12 }), [crash], options), /sendBatch .*CRASH/);
});

test('SendMessageBatch answers 200 with failed entries: those are sent again', async () => {
  const partial: Fault = { kind: 'partial-send', atMs: START_MS, calls: 3 };
  const verdict = await runScenario(records(20, { entities: 12 }), [partial], {
    rollup: SMALL_PARTS,
    messageBytesMax: 1,
  });
  assertKept(verdict);
  assert.equal(verdict.struck.get('partial-send'), 3);
});

test('redelivery is cut anew, longer, shorter, from before the checkpoint: overlap once, tail not lost', async () => {
  const faults: Fault[] = [
    { kind: 'crash', ...aggregator, operation: 'markSent', when: 'before' },
    { kind: 'crash', atMs: START_MS + 8_000, role: 'aggregator', operation: 'putEntry', when: 'after' },
    { kind: 'lost-checkpoint', atMs: START_MS + 12_000, records: 7 },
    { kind: 'twin-poller', atMs: START_MS + 15_000, records: 9, batches: 3 },
  ];
  assertKept(await runScenario(records(30), faults), /markSent .*CRASH/, /putEntry .*CRASH/);
});

test('messages arrive 2, 1, 2: both applied once', async () => {
  const copies: Fault = { kind: 'copies', atMs: START_MS, copies: 6 };
  assertKept(
    await runScenario(records(15), [copies], { writerBatch: 1 }),
    /counters\.putDelta .*: ConditionalCheckFailedException/,
  );
});

test('UpdateItem applied, its answer lost, the SDK tries again: recognised as already applied', async () => {
  const lost: Fault = { kind: 'ambiguous', ...writer, operation: 'putDelta', next: 'retry' };
  assertKept(
    await runScenario(records(10), [lost]),
    /counters\.putDelta .*: ok\n(.*\n)*?.*counters\.putDelta .*: ConditionalCheckFailedException/,
  );
});

test('a plan is written, its answer lost, the retry fails on itself: it is the same segment', async () => {
  const lost: Fault = { kind: 'ambiguous', ...aggregator, operation: 'putPlan', next: 'retry' };
  assertKept(
    await runScenario(records(10), [lost]),
    /putPlan .*: ok\n(.*\n)*?.*putPlan .*: ConditionalCheckFailedException/,
  );
});

test('two writers race on one message, and its visibility runs out in the middle of a write: the copy changes nothing', async () => {
  const zombie = stall({ ...writer, operation: 'acknowledge', lengthMs: 200_000 });
  assertKept(await runScenario(records(10), [zombie]), /acknowledge .*stalls/, /timed out and goes on/);
});

test('an aggregator hangs past its time-out and goes on while its batch is delivered again', async () => {
  for (const operation of ['putPlan', 'putEntry', 'sendBatch', 'markSent']) {
    const zombie = stall({ ...aggregator, operation, lengthMs: 70_000 });
    assertKept(
      await runScenario(records(20), [zombie]),
      new RegExp(`${operation} .*stalls`),
      /timed out and goes on/,
    );
  }
});

for (const days of [5, 13, 40]) {
  test(`dead letters return ${days} days later: still exactly once`, async () => {
    const counters: Fault = { kind: 'outage', atMs: START_MS, service: 'counters', lengthMs: 5 * 60_000 };
    // Beyond the queue's own retention they wait in the archive, for a hand.
    const byHand = days > 13;
    const faults: Fault[] = [
      counters,
      { kind: 'copies', atMs: START_MS, copies: 3 },
      { kind: 'retries', atMs: START_MS, text: `{"attempts":1,"redriveRounds":${byHand ? 0 : 5}}` },
      byHand
        ? { kind: 'replay-parked', atMs: START_MS + days * DAY_MS }
        : { kind: 'pause', atMs: START_MS, role: 'redriver', lengthMs: days * DAY_MS },
    ];
    const shown = byHand ? /s3\.park / : /sqs\.giveBack /;
    assertKept(await runScenario(records(10), faults, minutesKept(50 * DAY_MS)), /sqs\.bury /, shown);
  });
}

test('a parked part replayed after its minutes expired is named, and counts in what is kept', async () => {
  const faults: Fault[] = [
    { kind: 'outage', atMs: START_MS, service: 'counters', lengthMs: 5 * 60_000 },
    { kind: 'retries', atMs: START_MS, text: '{"attempts":1,"redriveRounds":0}' },
    { kind: 'replay-parked', atMs: START_MS + 52 * DAY_MS },
    { kind: 'replay-parked', atMs: START_MS + 53 * DAY_MS },
  ];
  assertKept(await runScenario(records(10), faults, minutesKept(50 * DAY_MS)), /noteExpired .*: ok/);
});

test('a hot entity is throttled for long: nothing lost', async () => {
  const throttle: Fault = { kind: 'throttle', atMs: START_MS, service: 'counters', calls: 200 };
  assertKept(await runScenario(records(30, { entities: 1 }), [throttle]), /ThrottlingException/);
});

test('split, merge and deployment in mid-stream, duplicates across parent and child', async () => {
  const puts = records(40, { everyMs: 1_000 });
  const faults: Fault[] = [
    { kind: 'split', atMs: START_MS + 10_500, pick: 0 },
    { kind: 'early-child', atMs: START_MS + 10_500 },
    { kind: 'deploy', atMs: START_MS + 15_500, rollup: { ...SMALL_PARTS, slotBits: 1 } },
    { kind: 'merge', atMs: START_MS + 25_500, pick: 0 },
    { kind: 'crash', atMs: START_MS + 26_000, role: 'aggregator', operation: 'listShards', when: 'after' },
  ];
  const twice = puts.map((put) => again(put, 20_000));
  assertKept(await runScenario([...puts, ...twice], faults), /fault merge/);
});

test('the accountant asks for the shards and hangs while one ends: its last segment is not vouched for', async () => {
  const faults: Fault[] = [
    { kind: 'pause', atMs: START_MS + 5_500, role: 'aggregator', lengthMs: 85_000 },
    { kind: 'split', atMs: START_MS + 10_500, pick: 0 },
    stall({ atMs: START_MS + 50_000, role: 'accountant', operation: 'listShards', lengthMs: 80_000 }),
    // Its read of the shard is stale: nothing that arrived since is counted when it continues.
    { kind: 'outage', atMs: START_MS + 85_000, service: 'counters', lengthMs: 120_000 },
  ];
  assertKept(
    await runScenario(bothSides().slice(0, 20), faults),
    /listShards .*stalls/,
    /accountant-\d+ timed out and goes on/,
  );
});

test('the aggregator is down for longer than the retention: loss is named', async () => {
  const pause: Fault = { kind: 'outage', atMs: START_MS + 5_000, service: 'ledger', lengthMs: 3 * HOUR_MS };
  const options = { shortLog: true, streamRetentionMs: HOUR_MS };
  assertKept(await runScenario(records(30), [pause], options), /recordGap/);
});

test('the ledger is down and the counters are up: dead letters do not multiply', async () => {
  const down: Fault = { kind: 'outage', atMs: START_MS + 5_000, service: 'ledger', lengthMs: 3 * HOUR_MS };
  const verdict = await runScenario(records(10), [
    down,
    { kind: 'retries', atMs: START_MS, text: '{"attempts":1}' },
  ]);
  assertKept(verdict);
  assert.ok(verdict.steps < 20_000, `${verdict.steps} steps`);
});

/** Records for both halves of a split shard, and again when their stream has long been reshaped and trimmed. */
function bothSides(): Put[] {
  const sides = ['left', 'right'];
  return [...records(60), ...records(20, { from: 800, everyMs: 10_000 })].map((put, place) => ({
    ...put,
    partitionKey: sides[place % sides.length] ?? '',
  }));
}

/** A service is away for two hours; the stream keeps one, and is split, merged and split again meanwhile. */
function reshapedDuringOutage(service: 'kinesis' | 'sqs', fromMs: number): Promise<Verdict> {
  const faults: Fault[] = [
    { kind: 'split', atMs: START_MS + 500, pick: 0 },
    { kind: 'outage', atMs: fromMs, service, lengthMs: 2 * HOUR_MS },
    { kind: 'merge', atMs: START_MS + 20_000, pick: 0 },
    { kind: 'split', atMs: START_MS + 40_000, pick: 0 },
  ];
  return runScenario(bothSides(), faults, { shortLog: true, streamRetentionMs: HOUR_MS });
}

test('shards filled, merged and trimmed while the stream answers nobody: what was lost has the names of its shards', async () => {
  const verdict = await reshapedDuringOutage('kinesis', START_MS + 1_000);
  // The oracle expects a gap for each known shard; the unknown 1.3 gets its gap from its children.
  assertKept(verdict, /registerShard SHARDS 1\.1/, /registerShard SHARDS 1\.2/, /recordGap 1\.3 .*: ok/);
});

test('shards planned, merged and trimmed while nothing can be sent: what was planned is given up, and nothing waits for it', async () => {
  const verdict = await reshapedDuringOutage('sqs', START_MS + 5_000);
  assertKept(verdict, /recordGap|markLost|putEntry/);
});

test('compactors die between plan, blocks and end of an epoch: others go on, and everything is in once', async () => {
  const crash = (afterMs: number, operation: string, when: 'before' | 'after'): Fault => ({
    ...{ kind: 'crash', atMs: START_MS + afterMs, role: 'compactor', operation, when },
  });
  const faults = [
    crash(60_000, 'putEpoch', 'after'),
    crash(61_000, 'putBlock', 'after'),
    crash(62_000, 'putBlock', 'before'),
    crash(63_000, 'markDone', 'before'),
    crash(64_000, 'markDone', 'after'),
    // Faults strike until the last one's time.
    { kind: 'redrive-now', atMs: START_MS + 15 * 60_000 } as const,
  ];
  const puts = [
    ...records(40, { entities: 20 }),
    ...records(40, { from: 100, everyMs: 1_500, entities: 20 }),
  ];
  const verdict = await runScenario(puts, faults, { ...SMALL_BLOCKS, shards: 2 });
  assertKept(verdict, /putEpoch .*CRASH/, /putBlock .*CRASH/, /markDone .*CRASH/);
  assert.ok((verdict.crossed.get('block split') ?? 0) > 0);
});
