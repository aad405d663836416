// Either half can stop: minutes of events while one is stopped, and its return.
import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { createClock } from '../../local/clock.ts';
import { type ObservedCall, StackObserver } from '../../local/observer.ts';
import { METRIC, Oracle, type SentEvent } from '../../proof/drill/oracle.ts';
import { post, startTestStack } from '../support/local-stack.ts';
import { LONG } from '../support/long.ts';
import { patient, until } from '../support/patience.ts';

const MINUTES = LONG ? 30 : 10;
const HOT = '/hot';

const clock = createClock();
const puts: ObservedCall[] = [];
let writersNow = 0;
let writersMost = 0;
const isWriter = (functionName: string) => functionName.includes('Writer');
const observer = new StackObserver()
  .on('functionStarted', (name) => {
    if (!isWriter(name)) return;
    writersNow += 1;
    writersMost = Math.max(writersMost, writersNow);
  })
  .on('functionEnded', (name) => {
    if (isWriter(name)) writersNow -= 1;
  })
  .on('serviceCalled', (call) => {
    if (call.action === 'PutItem' && call.body.includes('TablesCounters')) puts.push(call);
  });
const stack = await startTestStack({
  // The writer's batches are production's; its concurrency is the minimum, to check that it is kept.
  settings: { aggregatorWindowSeconds: 0, writerConcurrency: 2 },
  clock,
  observer,
});
const oracle = new Oracle();

const mapping = (word: string) => {
  const found = stack.mappings.find(({ logicalId }) => logicalId.startsWith(word));
  assert.ok(found, word);
  return found;
};
/** A minute's events: the hot entity in every request, and one of many others. */
async function sendMinute(minute: number): Promise<void> {
  const at = clock.nowMs();
  const events: SentEvent[] = Array.from({ length: 12 }, (_, index) => {
    const entity = index % 2 === 0 ? HOT : `/page/${(minute * 7 + index) % 20}`;
    return { id: `${at}-${index}`, metric: METRIC, entity, at, n: 1 };
  });
  await post(stack.url, events);
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
  puts.length = 0;
  writersMost = 0;
});

test('the writer is stopped: the queue holds everything', patient, async () => {
  await mapping('WriterMessages').pause();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    await sendMinute(minute);
    // Read and planned within its minute, so that there are as many segments as minutes, on each shard.
    await until(async () => (await stack.status()).received === oracle.events);
    clock.forward(60_000);
  }
  const { counted, inFlight } = await stack.status();
  assert.deepEqual([counted, inFlight], [0, oracle.events]);
  assert.equal(puts.length, 0);

  mapping('WriterMessages').resume();
  await countsAreRight();
  assert.ok(writersMost <= 2, `${writersMost} writers at once`);
});

test('the aggregator is stopped: the stream holds everything', patient, async () => {
  await mapping('AggregatorBatches').pause();
  const { received } = await stack.status();
  for (let minute = 0; minute < MINUTES; minute += 1) {
    await sendMinute(minute);
    clock.forward(60_000);
  }
  assert.equal((await stack.status()).received, received);
  mapping('AggregatorBatches').resume();
  await countsAreRight();
  assert.ok(writersMost <= 2);
});
