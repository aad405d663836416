// What the plan takes for granted about sizes, held against the code that makes the items and messages.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { itemBytes } from '../../fake-aws/dynamodb/values.ts';
import {
  IDS_CHUNK_BYTES as CODE_IDS_CHUNK_BYTES,
  entryItem,
  headItem,
} from '../../lambdas/aws/ledger-items.ts';
import { touchedItem } from '../../lambdas/aws/touched-items.ts';
import { counterKey, counterUpdate, counterUpdateParams } from '../../lambdas/counting/counter-item.ts';
import { parseShardId, segmentId, shardKey } from '../../lambdas/counting/identifiers.ts';
import { rollUp } from '../../lambdas/counting/rollup.ts';
import { planSegment } from '../../lambdas/counting/segment.ts';
import { emittedEntry } from '../../lambdas/counting/segment-entry.ts';
import { assumed } from '../../plan/assumptions.ts';
import { meanWriteUnits } from '../../plan/counters.ts';
import { IDS_CHUNK_BYTES } from '../../plan/ledger.ts';
import { rowBytes } from '../../plan/segments.ts';
import { USUAL_WORKLOAD } from '../../plan/workload.ts';
import { ARRIVAL_MS, CONFIG, record } from '../support/records.ts';

// A shard of a large stream, a year old.
const SHARD = shardKey('1', parseShardId('shardId-000000000160'));
const SEGMENT = 2_100_000;
const EVENTS = 3_000;

const entity = (rank: number) => `/page/${String((rank * 7_919) % 1e14).padStart(14, '0')}`;
const records = Array.from({ length: EVENTS }, (_, index) =>
  record(index, {
    id: `${String(index).padStart(8, '0')}-4c1d-4f6e-8a2b-0123456789ab`,
    metric: 'pageview',
    entity: entity((index * index) % 2_500),
    at: ARRIVAL_MS,
  }),
);
const head = { ...planSegment(undefined, records, CONFIG, []), segment: SEGMENT };
const output = rollUp(segmentId(SHARD, SEGMENT), records, { seen: () => false }, CONFIG);
const bodies = output.parts.map(({ message }) => message.body);

/** Says whether an assumption is at least what the code makes, and not much more. */
function near(what: string, taken: number, made: number, slack = 1.35): void {
  assert.ok(taken >= made * 0.97 && taken <= made * slack, `${what}: taken for ${taken}, is ${made}`);
}

test('rows and messages of the queue', () => {
  const bytes = bodies.reduce((sum, body) => sum + body.length, 0);
  near('a row', rowBytes(USUAL_WORKLOAD, 60), bytes / output.rows, 1.1);
  const escaped = bodies.reduce((sum, body) => sum + JSON.stringify(body).length, 0);
  near('escaping', assumed('sqsEscape'), escaped / bytes, 1.1);
});

test('HEAD, SEG and KEYS of the ledger', () => {
  const totals = {
    received: 9_876_543_210,
    duplicate: 1_234_567,
    rejected: { 'too-old': 54_321 },
    emitted: 9_876_543_210,
    lost: 0,
  };
  near('HEAD', assumed('headBytes'), itemBytes(headItem(SHARD, { ...head, totals })));
  const entry = emittedEntry(head, output);
  near('SEG', assumed('entryBytes'), itemBytes(entryItem(SHARD, entry, 1_800_000_000)));
  const parts = Array.from({ length: 101 }, () => ({ events: 431 }));
  const growth =
    itemBytes(entryItem(SHARD, { ...entry, parts }, 1)) -
    itemBytes(entryItem(SHARD, { ...entry, parts: parts.slice(0, 1) }, 1));
  // The acknowledgement is a number in a set.
  near('a part of SEG', assumed('entryPartBytes'), growth / 100 + 3);
  const keys = output.touched.reduce(
    (sum, text, chunk) => sum + itemBytes(touchedItem(SHARD, SEGMENT, chunk, text, 1)),
    0,
  );
  // Names of one form compress better than what people type: docs/decisions/0012 has 10 bytes of 20.
  assert.ok(keys / output.rows <= USUAL_WORKLOAD.entityBytes * assumed('keyShare'));
  assert.equal(IDS_CHUNK_BYTES, CODE_IDS_CHUNK_BYTES);
});

test('a counter item: what it is at first, what a segment and a minute add', () => {
  const sizeOf = (segments: number, minutes: number) => {
    const names = Array.from({ length: segments }, (_, index) => segmentId(SHARD, SEGMENT + index));
    const row = {
      events: 4_321,
      minutes: Object.fromEntries(Array.from({ length: minutes }, (_, minute) => [minute, 4_321])),
    };
    const key = counterKey('pageview', entity(1), '2026-11-22T05');
    const { ExpressionAttributeValues: values } = counterUpdateParams(
      counterUpdate(
        key,
        names.map((segment) => ({ segment, row })),
        undefined,
      ),
    );
    const attributes = Object.entries(values).filter(([name]) => !/^:s\d+$/.test(name));
    const item = Object.fromEntries(attributes.map(([name, value]) => [name.slice(1), value]));
    return itemBytes({
      pk: { S: key.pk },
      sk: { S: key.sk },
      expiresAt: { N: '1800000000' },
      ...item,
    } as never);
  };
  const frame = assumed('counterFrameBytes') + USUAL_WORKLOAD.entityBytes + USUAL_WORKLOAD.metricBytes + 13;
  near('an item', frame + assumed('segmentIdBytes') + assumed('minuteBytes'), sizeOf(1, 1));
  // DynamoDB does not say what an element of a set takes besides its bytes: one is allowed for.
  near('a segment id', assumed('segmentIdBytes'), (sizeOf(41, 1) - sizeOf(1, 1)) / 40 + 1);
  near('a minute', assumed('minuteBytes'), (sizeOf(1, 21) - sizeOf(1, 1)) / 20);
});

test('constants of handlers that the plan repeats', () => {
  const text = (file: string) =>
    readFileSync(new URL(`../../lambdas/${file}`, import.meta.url), 'utf8').replaceAll('_', '');
  assert.ok(text('aggregator/handler.ts').includes(`PARTBYTESMAX = ${assumed('partBytes')};`));
  assert.ok(text('compactor/handler.ts').includes(`sweepItems: ${assumed('compactorSweepItems')},`));
  assert.ok(text('compactor/handler.ts').includes(`lookingMs: ${assumed('compactorLookingSeconds')}000,`));
  assert.ok(text('writer/handler.ts').includes('CONCURRENCY = 32;'));
});

test('the mean of what updates cost while an item grows is the mean of its ceilings', () => {
  for (const [first, step, updates] of [
    [120, 11, 500],
    [900, 60, 3],
    [2_000, 0.5, 100],
    [100, 11, 5_000],
  ] as const) {
    let units = 0;
    for (let update = 0; update < updates; update += 1) units += Math.ceil((first + update * step) / 1024);
    const mean = meanWriteUnits(first, first + (updates - 1) * step);
    assert.ok(
      Math.abs(mean / (units / updates) - 1) < 0.25 / Math.log2(updates),
      `${mean}, not ${units / updates}`,
    );
  }
  assert.equal(meanWriteUnits(120, 120), 1);
  assert.equal(meanWriteUnits(120, 1_000), 1);
});
