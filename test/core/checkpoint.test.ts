import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { addAccounts, noAccounts } from '../../lambdas/core/accounts.ts';
import {
  EMPTY_CHECKPOINT,
  lastEntered,
  moveForward,
  OPEN_SEGMENTS_MAX,
  placesNow,
} from '../../lambdas/core/checkpoint.ts';
import { conservationDifference, pipelineStatus, shardAccounts } from '../../lambdas/core/pipeline-status.ts';
import { planSegment } from '../../lambdas/core/segment.ts';
import { emittedPlaces, lostEntry, partPlace } from '../../lambdas/core/segment-entry.ts';
import { entry, movedThrough } from '../support/entries.ts';
import { CONFIG, record, SHARD_KEY } from '../support/records.ts';

test('a part is in exactly one place, and an acknowledgement outweighs every other report', () => {
  const all = { acked: new Set([0]), dead: new Set([0, 1, 2]), parked: new Set([0, 1]) };
  const segment = entry(1, [1, 10, 100, 1000], all);
  assert.deepEqual(
    [0, 1, 2, 3].map((part) => partPlace(segment, part)),
    ['counted', 'parked', 'dead', 'in-flight'],
  );
  assert.deepEqual(emittedPlaces(segment), {
    counted: 1,
    expired: 0,
    inFlight: 1000,
    dead: 100,
    parked: 10,
    lost: 0,
  });
  assert.deepEqual(emittedPlaces({ ...segment, lost: true }), {
    ...emittedPlaces(segment),
    inFlight: 0,
    lost: 1000,
  });
  assert.deepEqual(emittedPlaces(entry(1, [5], { acked: new Set([0]), expired: { 0: 2 } })), {
    counted: 3,
    expired: 2,
    inFlight: 0,
    dead: 0,
    parked: 0,
    lost: 0,
  });
});

test('a checkpoint steps over an open segment, comes back for it, and stops at what is not there', () => {
  const acked = (parts: number[]) => ({ acked: new Set(parts) });
  const first = moveForward(
    EMPTY_CHECKPOINT,
    [],
    [entry(1, [5], acked([0])), entry(2, [7, 7], acked([1])), entry(3, [9], acked([0]))],
  );
  assert.deepEqual([first.through, first.open, first.settled.counted, first.revision], [3, [2], 14, 1]);
  const second = moveForward(first, [entry(2, [7, 7], acked([0, 1]))], [entry(5, [1])]);
  assert.deepEqual([second.through, second.open, second.settled.counted, second.revision], [3, [], 28, 2]);
  assert.equal(moveForward(second, [], []), second, 'nothing new, nothing to write');
  assert.deepEqual(moveForward(first, [], []), first, 'an entry that is gone keeps its segment open');
});

test('a checkpoint does not step over more open segments than it can list', () => {
  const entries = Array.from({ length: OPEN_SEGMENTS_MAX + 10 }, (_, index) => entry(index + 1, [1]));
  const checkpoint = moveForward(EMPTY_CHECKPOINT, [], entries);
  assert.equal(checkpoint.open.length, OPEN_SEGMENTS_MAX);
  assert.equal(checkpoint.through, OPEN_SEGMENTS_MAX);
});

test('an entry must exist up to the newest sent segment', () => {
  const head = planSegment(undefined, [record(1, {})], CONFIG, []);
  assert.equal(lastEntered(undefined), 0);
  assert.equal(lastEntered(head), 0);
  assert.equal(lastEntered({ ...head, status: 'sent' }), 1);
  assert.deepEqual(lostEntry(head).accounts, { ...noAccounts(), received: 1, lost: 1 });
  const packed = planSegment(undefined, [record(1, [{}, {}, {}]), record(2, {})], CONFIG, []);
  assert.deepEqual(
    lostEntry(packed).accounts,
    { ...noAccounts(), received: 4, lost: 4 },
    'events, not records',
  );
  const { events: _, ...older } = packed;
  assert.equal(lostEntry(older).accounts.lost, 2, 'a plan that does not know its events');
});

test('for any places of parts and any moves of checkpoints, received is the sum of all places', () => {
  const place = fc.constantFrom('acked', 'dead', 'parked', 'in-flight');
  const segments = fc.array(
    fc.record({
      parts: fc.array(fc.tuple(fc.nat(9), place), { maxLength: 4 }),
      lost: fc.boolean(),
      duplicate: fc.nat(3),
    }),
    { maxLength: 12, size: 'max' },
  );
  fc.assert(
    fc.property(segments, fc.array(fc.nat(12)), (made, keptAfter) => {
      const entries = made.map(({ parts, lost, duplicate }, index) => {
        const at = (wanted: string) =>
          new Set(parts.flatMap(([, where], part) => (where === wanted ? [part] : [])));
        const sizes = parts.map(([events]) => events);
        const segment = entry(index + 1, sizes, {
          acked: at('acked'),
          dead: at('dead'),
          parked: at('parked'),
          lost,
        });
        const { received } = segment.accounts;
        return { ...segment, accounts: { ...segment.accounts, received: received + duplicate, duplicate } };
      });
      const checkpoint = movedThrough(entries, keptAfter);
      const unsettled = entries.filter(
        ({ segment }) => segment > checkpoint.through || checkpoint.open.includes(segment),
      );
      const expected = entries.map(emittedPlaces);
      const now = placesNow(checkpoint, unsettled);
      for (const column of ['counted', 'inFlight', 'dead', 'parked', 'lost'] as const) {
        assert.equal(
          now[column],
          expected.reduce((sum, places) => sum + places[column], 0),
          column,
        );
      }
      const totals = entries.map(({ accounts }) => accounts).reduce(addAccounts, noAccounts());
      const plan = planSegment(undefined, [record(1, {})], CONFIG, []);
      const accounts = shardAccounts(SHARD_KEY, { ...plan, status: 'sent', totals }, checkpoint, unsettled);
      assert.equal(conservationDifference(accounts.accounts), 0);
      assert.equal(conservationDifference(pipelineStatus([accounts, accounts])), 0);
    }),
  );
});
