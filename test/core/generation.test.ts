import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endedHead,
  type Generation,
  generationsIn,
  recordsAt,
  shardBeginning,
} from '../../lambdas/core/generation.ts';
import { parseShardKey } from '../../lambdas/core/identifiers.ts';
import { type Head, planSegment } from '../../lambdas/core/segment.ts';
import { CONFIG, record } from '../support/records.ts';

const generation = (name: string, from: Generation['from'] = 'heads'): Generation => ({
  name,
  from,
  startedAtMs: 0,
});

/** A head of so many records, as an earlier generation left it. */
function headOf(records: number): Head {
  const all = Array.from({ length: records }, (_, index) => record(index + 1, {}));
  return endedHead({ ...planSegment(undefined, all, CONFIG, []), status: 'sent' }, CONFIG);
}

function beginning(generations: readonly Generation[], heads: Readonly<Record<string, Head>>) {
  const { place, before } = shardBeginning(generations, (name) => {
    const head = heads[name];
    return head && { shard: parseShardKey(`${name}.0`), head };
  });
  return [place, before?.shard];
}

test('a shard begins behind its newest head, at the time of a generation that has one, or at the oldest record', () => {
  const [one, two] = [headOf(1), headOf(2)];
  const [g1, g2, g3] = [generation('1'), generation('2'), generation('3')];
  assert.deepEqual(beginning([g1], {}), [{}, undefined]);
  assert.deepEqual(beginning([g1, g2], {}), [{}, undefined]);
  assert.deepEqual(beginning([g1, g2], { 1: one }), [{ after: one.last }, '1.0']);
  assert.deepEqual(beginning([g1, g2, g3], { 1: one, 2: two }), [{ after: two.last }, '2.0']);
  assert.deepEqual(beginning([g1, g2, g3], { 1: one }), [{ after: one.last }, '1.0'], 'idle in 2');
  const timed = generation('2', 5_000);
  assert.deepEqual(beginning([g1, timed], { 1: one }), [{ fromMs: 5_000 }, '1.0']);
  assert.deepEqual(beginning([g1, timed, g3], { 1: one }), [{ fromMs: 5_000 }, '1.0'], 'idle since the time');
  assert.deepEqual(beginning([g1, timed, g3], { 1: one, 2: two }), [{ after: two.last }, '2.0']);
});

test('of the records before a time, only the leading ones are skipped: arrival times may step back', () => {
  const records = [10, 30, 20, 40].map((arrivalMs, index) => record(index + 1, {}, arrivalMs));
  const arrivals = (place: Parameters<typeof recordsAt>[1]) =>
    recordsAt(records, place).map(({ arrivalMs }) => arrivalMs);
  assert.deepEqual(arrivals({}), [10, 30, 20, 40]);
  assert.deepEqual(arrivals({ fromMs: 25 }), [30, 20, 40]);
  assert.deepEqual(arrivals({ fromMs: 41 }), []);
  const after = records[1]?.sequenceNumber;
  assert.ok(after);
  assert.deepEqual(arrivals({ after }), [20, 40]);
});

test('generations of a ledger that does not list them come in the order of their names', () => {
  const shards = ['10.0', '2.1', '1.0', '2.0', '1.a'].map(parseShardKey);
  assert.deepEqual(
    generationsIn(shards).map(({ name }) => name),
    ['1', '2', '10'],
  );
});

test('a shard that ended before it began has segment 0, and nothing in it', () => {
  const { segment, status, totals, runMaxMs } = endedHead(undefined, CONFIG);
  assert.deepEqual([segment, status, totals.received, runMaxMs], [0, 'ended', 0, 0]);
});
