// Either half can stop: an hour of events while one stands still, and what its return asks of the counter table.
import assert from 'node:assert/strict';
import { after, beforeEach, test } from 'node:test';
import { createDataPoints } from '../../local/alarms/data-points.ts';
import { addEmbeddedMetrics } from '../../local/alarms/embedded-metrics.ts';
import { createClock } from '../../local/clock.ts';
import type { Json } from '../../local/json.ts';
import type { ObservedCall } from '../../local/observer.ts';
import { startLocalStack } from '../../local/stack.ts';
import { METRIC, Oracle, type SentEvent } from '../../operations/drill/oracle.ts';
import { templateJson } from '../support/stack-template.ts';

const patient = { timeout: 180_000 };
const MINUTES = 60;
/** Most segments in one update of a counter item (docs/architecture.md). */
const SEGMENTS_PER_UPDATE = 50;
const HOT = '/hot';

const clock = createClock();
const points = createDataPoints();
const updates: ObservedCall[] = [];
let writersNow = 0;
let writersMost = 0;
let writerRuns = 0;
const isWriter = (functionName: string) => functionName.includes('Writer');
const stack = await startLocalStack({
  // The writer's batches are production's; its concurrency is the least there is, to see that it is kept.
  template: templateJson('local', {
    aggregatorWindowSeconds: 0,
    writerBatchSize: 100,
    writerWindowSeconds: 1,
    writerConcurrency: 2,
  }) as unknown as Json,
  schedules: false,
  clock,
  onFunctionOutput: (_, line) => addEmbeddedMetrics(line, points),
  observer: {
    functionStarted: (name) => {
      if (!isWriter(name)) return;
      writerRuns += 1;
      writersNow += 1;
      writersMost = Math.max(writersMost, writersNow);
    },
    functionInvoked: ({ functionName }) => {
      if (isWriter(functionName)) writersNow -= 1;
    },
    serviceCalled: (call) => {
      if (call.action === 'UpdateItem' && call.body.includes('TablesCounters')) updates.push(call);
    },
  },
});
after(() => stack.stop());
const oracle = new Oracle();

const mapping = (word: string) => {
  const found = stack.mappings.find(({ logicalId }) => logicalId.startsWith(word));
  assert.ok(found, word);
  return found;
};
/** Waits for the thing itself. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
/** A minute's events: the hot entity in every request, and one of many others. */
async function sendMinute(minute: number): Promise<void> {
  const at = clock.nowMs();
  const events: SentEvent[] = Array.from({ length: 12 }, (_, index) => {
    const entity = index % 2 === 0 ? HOT : `/page/${(minute * 7 + index) % 20}`;
    return { id: `${at}-${index}`, metric: METRIC, entity, at, n: 1 };
  });
  const answer = await fetch(`${stack.url}/v1/events`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ events }),
  });
  assert.equal(answer.status, 202);
  oracle.accepted(events);
}
async function countsAreRight(): Promise<void> {
  await until(async () => {
    const { received, inFlight } = await stack.status();
    return received === oracle.events && inFlight === 0;
  });
  assert.deepEqual((await oracle.compare(stack.url)).differences, []);
  const { counted, received, dead, parked, lost } = await stack.status();
  assert.deepEqual([counted, dead, parked, lost], [received, 0, 0, 0]);
}

beforeEach(() => {
  updates.length = 0;
  writersMost = 0;
  writerRuns = 0;
});

test(
  'the writer stands still for an hour: the queue holds everything, and its return is no hot spot',
  patient,
  async () => {
    await mapping('WriterMessages').pause();
    for (let minute = 0; minute < MINUTES; minute += 1) {
      await sendMinute(minute);
      // Read and planned within its minute, so that there are as many segments as minutes, on each shard.
      await until(async () => (await stack.status()).received === oracle.events);
      clock.forward(60_000);
    }
    const { counted, inFlight } = await stack.status();
    assert.deepEqual([counted, inFlight], [0, oracle.events]);
    assert.equal(updates.length, 0);
    const segments = sumOf('SegmentsPlanned');
    assert.ok(segments >= MINUTES, `only ${segments} segments`);

    mapping('WriterMessages').resume();
    await countsAreRight();
    assert.ok(writersMost <= 2, `${writersMost} writers at once`);
    const hot = updates.filter(({ body }) => body.includes(HOT));
    // A batch has at most 100 messages, and the hour's events lie in at most two hours: two items, two updates each.
    const promised = writerRuns * 2 * Math.ceil(100 / SEGMENTS_PER_UPDATE);
    assert.ok(hot.length <= promised, `${hot.length} updates of the hot entity, ${promised} promised`);
    assert.ok(hot.length * 5 <= segments, `${hot.length} updates of the hot entity for ${segments} segments`);
    assert.ok(sumOf('UpdatesCoalesced') > 0);
  },
);

test('the aggregator stands still for an hour: the stream holds everything', patient, async () => {
  await mapping('AggregatorBatches').pause();
  const { received } = await stack.status();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    await sendMinute(minute);
    clock.forward(60_000);
  }
  assert.equal((await stack.status()).received, received);
  const before = sumOf('SegmentsPlanned');
  mapping('AggregatorBatches').resume();
  await countsAreRight();
  // What waited is planned in batches as large as they come: no segment a minute.
  assert.ok(sumOf('SegmentsPlanned') - before < MINUTES);
  assert.ok(writersMost <= 2);
});

function sumOf(name: string): number {
  return points
    .metrics()
    .filter((metric) => metric.name === name)
    .reduce((sum, metric) => sum + (points.statistic(metric, 'Sum', 0, Number.MAX_SAFE_INTEGER) ?? 0), 0);
}
