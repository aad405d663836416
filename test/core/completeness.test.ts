import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  completeFromMs,
  completeThroughMs,
  type ShardProgress,
  vanishedShards,
} from '../../lambdas/core/completeness.ts';
import { parseSequenceNumber, parseShardKey } from '../../lambdas/core/identifiers.ts';

const key = (name: string) => parseShardKey(`1.${name}`);

/** A shard whose newest segment is `segment`, of which `done` are done, reaching `doneRunMaxMs`; ancestors ended with segment 5. */
function shard(
  name: string,
  segment: number,
  done: number,
  doneRunMaxMs: number,
  parents: string[] = [],
  ancestors: [string, number][] = [],
): ShardProgress {
  const frozen = ancestors.map(([ancestor, runMaxMs]) => ({ shard: key(ancestor), segment: 5, runMaxMs }));
  const head =
    segment === 0
      ? undefined
      : { segment, status: 'sent' as const, ancestors: frozen, last: parseSequenceNumber('9') };
  return { shard: key(name), listed: true, parents: parents.map(key), head, done, doneRunMaxMs };
}

test('the slowest shard decides', () => {
  assert.equal(completeThroughMs([shard('0', 5, 5, 900), shard('1', 9, 3, 400)]), 400);
  assert.equal(completeThroughMs([]), 0);
});

test('a shard that has nothing yet and no parents has no watermark', () => {
  assert.equal(completeThroughMs([shard('0', 5, 5, 900), shard('1', 0, 0, 0)]), 0);
  assert.equal(completeThroughMs([shard('0', 5, 0, 0)]), 0);
});

test('a child without segments counts with its parent, and a second child does not set the watermark back', () => {
  const parent = shard('0', 5, 5, 900);
  const [left, right] = [shard('1', 0, 0, 0, ['0']), shard('2', 0, 0, 0, ['0'])];
  assert.equal(completeThroughMs([parent, left, right]), 900);
  const planned = shard('1', 1, 0, 0, ['0'], [['0', 900]]);
  assert.equal(completeThroughMs([parent, planned, right]), 900);
  const counted = shard('1', 3, 3, 1500, ['0'], [['0', 900]]);
  assert.equal(completeThroughMs([parent, counted, right]), 900, 'the other child may hold anything since');
  assert.equal(completeThroughMs([parent, counted, shard('2', 1, 1, 1200, ['0'], [['0', 900]])]), 1200);
});

test('a parent counts until all of it is counted, although its children continue', () => {
  const children = [shard('1', 3, 3, 1500, ['0'], [['0', 900]]), shard('2', 3, 3, 1600, ['0'], [['0', 900]])];
  assert.equal(completeThroughMs([shard('0', 5, 2, 300), ...children]), 300);
  assert.equal(completeThroughMs([shard('0', 5, 5, 900), ...children]), 1500);
  const planned = {
    ...shard('0', 5, 5, 900),
    head: { segment: 6, status: 'planned' as const, ancestors: [], last: parseSequenceNumber('9') },
  };
  assert.equal(completeThroughMs([planned, ...children]), 900);
});

test('a child never completes less than its ancestors ended with, though its own clock is behind', () => {
  const parent = shard('0', 5, 5, 900);
  assert.equal(completeThroughMs([parent, shard('1', 1, 1, 850, ['0'], [['0', 900]])]), 900);
});

test('a parent that was read before it ended keeps the progress read, even if its children know more', () => {
  const children = [shard('1', 1, 1, 1500, ['0'], [['0', 900]]), shard('2', 1, 0, 0, ['0'], [['0', 900]])];
  assert.equal(completeThroughMs([shard('0', 4, 4, 700), ...children]), 700);
  assert.equal(completeThroughMs([shard('0', 0, 0, 0), ...children]), 0);
  assert.equal(completeThroughMs([shard('0', 5, 5, 900), ...children]), 900);
});

test('a merged shard waits for both parents; an empty parent drops out once its child has a segment', () => {
  const [a, b] = [shard('1', 5, 5, 900), shard('2', 5, 5, 700)];
  assert.equal(completeThroughMs([a, b, shard('3', 0, 0, 0, ['1', '2'])]), 700);
  const merged = shard(
    '3',
    2,
    2,
    1000,
    ['1', '2'],
    [
      ['1', 900],
      ['2', 700],
    ],
  );
  assert.equal(completeThroughMs([a, b, merged]), 1000);
  assert.equal(completeThroughMs([a, shard('2', 5, 4, 650), merged]), 650);
  const ofOne = shard('3', 2, 2, 1000, ['1', '2'], [['1', 900]]);
  assert.equal(completeThroughMs([a, shard('2', 0, 0, 0), ofOne]), 1000);
});

test('grandchildren reach back over an empty generation', () => {
  const all = [shard('0', 5, 5, 900), shard('1', 0, 0, 0, ['0']), shard('2', 0, 0, 0, ['1'])];
  assert.equal(completeThroughMs(all), 900);
});

test('ancestors that never held a record drop out with the next generation', () => {
  const all = [
    shard('0', 0, 0, 0),
    shard('1', 0, 0, 0, ['0']),
    shard('2', 3, 3, 800, ['1']),
    shard('3', 2, 2, 700, ['1']),
  ];
  assert.equal(completeThroughMs(all), 700);
});

test('a shard that the stream no longer lists drops out once all of it is counted, and not before', () => {
  const unlisted = { ...shard('0', 5, 5, 900), listed: false };
  assert.equal(completeThroughMs([unlisted, shard('7', 3, 3, 5000)]), 5000);
  assert.equal(completeThroughMs([{ ...unlisted, done: 4, doneRunMaxMs: 800 }, shard('7', 3, 3, 5000)]), 800);
});

test('a shard that the stream dropped before a descendant had read it has vanished', () => {
  const gone = { ...shard('0', 5, 5, 900), listed: false };
  assert.deepEqual(vanishedShards([gone, shard('7', 3, 3, 5000)]), [gone]);
  assert.deepEqual(vanishedShards([gone, shard('7', 3, 3, 5000, [], [['0', 900]])]), [], 'read to its end');
  assert.deepEqual(vanishedShards([{ ...gone, listed: true }]), []);
  const neverPlanned = { ...shard('8', 0, 0, 0), listed: false };
  assert.deepEqual(vanishedShards([neverPlanned]), [neverPlanned]);
});

test('the acceptance boundary is the lowest of all shards; a child without segments counts with its parents', () => {
  const from = (one: ShardProgress, doneAcceptedFromMs: number) => ({ ...one, doneAcceptedFromMs });
  assert.equal(completeFromMs([from(shard('0', 5, 5, 900), 700), from(shard('1', 9, 3, 400), 300)]), 300);
  assert.equal(completeFromMs([from(shard('0', 5, 5, 900), 700), shard('1', 9, 3, 400)]), 0, 'any time is');
  const parent = from(shard('0', 5, 5, 900), 700);
  assert.equal(completeFromMs([parent, shard('1', 0, 0, 0, ['0'])]), 700);
  const planned = shard('1', 1, 0, 0, ['0'], [['0', 900]]);
  const frozen = planned.head?.ancestors.map((one) => ({ ...one, acceptedFromMs: 700 })) ?? [];
  const child = { ...planned, head: planned.head && { ...planned.head, ancestors: frozen } };
  assert.equal(completeFromMs([parent, child]), 700);
});
