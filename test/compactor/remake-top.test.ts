// Making a list anew, over ledgers of which parts are gone: all of a period's entities, or nothing.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import pLimit from 'p-limit';
import { emptyReport } from '../../lambdas/compactor/compaction.ts';
import { type RemakePorts, remakeTop } from '../../lambdas/compactor/remake-top.ts';
import { parseShardKey } from '../../lambdas/counting/identifiers.ts';
import type { Head } from '../../lambdas/counting/segment.ts';
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import { DAY_MS, HOUR_MS } from '../../lambdas/counting/time.ts';

const SHARD = parseShardKey('1.0');
const START_MS = 1_000 * DAY_MS;
const settings = { entriesMax: 10, certainMin: 5, remakeSegmentsMax: 100, remakeCountersMax: 3 };

/** A segment whose list of what it touched is gone. */
const FORGOTTEN = 9;

/** A shard's entry: it arrived on a day, and added to the first hour of that day. */
function entry(segment: number, day: number): SegmentEntry {
  const atMs = START_MS + day * DAY_MS;
  return {
    segment,
    config: { acceptFutureMs: 600_000 },
    parts: [{ events: 1 }],
    touchedChunks: 1,
    runMaxBeforeMs: segment === 1 ? 0 : atMs - DAY_MS,
    runMaxMs: atMs,
    buckets: { earliestMs: atMs, latestMs: atMs },
  } as unknown as SegmentEntry;
}

/** The entities of the day's list when it is made anew from these entries; each touches `e` and its number. */
async function remade(entries: readonly SegmentEntry[], last = entries.at(-1)) {
  const head = {
    segment: last?.segment,
    runMaxMs: last?.runMaxMs,
    status: 'sent',
    config: { acceptFutureMs: 600_000 },
  } as unknown as Head;
  const ports: RemakePorts = {
    ledger: {
      shards: async () => [SHARD],
      readHead: async () => head,
      async *entriesDown(_, from) {
        yield* entries.filter(({ segment }) => segment <= from).toReversed();
      },
    },
    progress: {
      async readTouched(_, { segment }) {
        const hour = (entries.find((one) => one.segment === segment)?.runMaxMs ?? 0) / HOUR_MS;
        return segment === FORGOTTEN ? undefined : [JSON.stringify([[hour, 'view', [`e${segment}`]]])];
      },
    },
  };
  const made = await remakeTop(
    { metric: 'view', by: 'day', startMs: START_MS },
    async (entities) => ({ changed: entities.map((entity) => ({ entity, n: 1n })) }),
    pLimit(2),
    ports,
    settings,
    () => true,
    emptyReport(),
  );
  return typeof made === 'string' ? made : made.entries.map(({ entity }) => entity);
}

test('all that segments touched in the period, and nothing from before or after it', async () => {
  const days = [-2, -1, 0, 0, 1];
  const entries = days.map((day, index) => entry(index + 1, day));
  assert.deepEqual(await remade(entries), ['e3', 'e4']);
});

test('segments that are gone do not matter when they arrived well before the period, else there is no list', async () => {
  assert.deepEqual(await remade([entry(3, -1), entry(4, 0)]), ['e4'], 'what is gone arrived two days before');
  assert.equal(
    await remade([entry(3, 0), entry(4, 0)]),
    'impossible',
    'it may have arrived on the day before',
  );
  assert.equal(await remade([entry(1, -1), entry(3, 0)]), 'impossible', 'a hole');
  assert.equal(await remade([entry(1, -1), entry(FORGOTTEN - 1, -1), entry(FORGOTTEN, 0)]), 'impossible');
});

test('a shard that went quiet long before the period has nothing of it, though its entries are gone', async () => {
  assert.deepEqual(await remade([], entry(7, -30)), []);
  assert.equal(await remade([], entry(7, 0)), 'impossible');
});

test('more than one run may read is not read', async () => {
  const entries = [1, 2, 3, 4].map((segment) => entry(segment, 0));
  assert.equal(await remade(entries), 'impossible');
  assert.deepEqual(await remade(entries.slice(0, 3)), ['e1', 'e2', 'e3']);
});
