// A segment that was sent in part before the stream trimmed its records: what was counted stays counted, and `final` stays final.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advanceCheckpoints } from '../../lambdas/accountant/advance-checkpoints.ts';
import { advanceWatermark } from '../../lambdas/accountant/advance-watermark.ts';
import { readStatus } from '../../lambdas/accountant/read-status.ts';
import { aggregate } from '../../lambdas/aggregator/aggregate.ts';
import { conservationDifference } from '../../lambdas/core/pipeline-status.ts';
import type { RollupMessage } from '../../lambdas/core/rollup-message.ts';
import { DAY_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { aggregatorPorts } from '../support/aggregator-ports.ts';
import { CONFIG, record } from '../support/records.ts';
import { StoreWorld, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const ENTITIES = 200;
const entityOf = (index: number) => `entity-with-a-rather-long-name-${index}`;

/** Commits one segment of several messages, of which `sendFirst` are sent before the aggregator dies and its records are trimmed. */
async function start(sendFirst: number) {
  const world = await StoreWorld.make({ slotBits: 1, blockBytes: 16_384 }, 60 * DAY_MS);
  world.acceptPastMs = 7 * DAY_MS;
  const shard = worldShard(0);
  world.shards.push({ shard, parents: [] });
  const sent: RollupMessage[] = [];
  const { ledger, clock, state: ranges } = world;
  const rollup = { ...CONFIG, slotBits: 1, acceptPastMs: 7 * DAY_MS };
  const settings = { generation: '1', streamRetentionMs: 7 * DAY_MS, rollup, messageBytesMax: 1 };
  const well = aggregatorPorts({ ledger, ranges, clock }, sent);
  const dying = aggregatorPorts({ ledger, ranges, clock }, sent, {
    queue: {
      send: async (messages) => {
        sent.push(...messages.slice(0, sendFirst));
        throw new Error('killed');
      },
    },
  });
  const gone = { readRange: async () => ({ records: [], trimmed: true }), holds: async () => false };
  const trimmed = { ...well, log: { ...well.log, ...gone } };
  const events = Array.from({ length: ENTITIES }, (_, index) =>
    record(1 + index, { entity: entityOf(index), at: WORLD_START_MS }, WORLD_START_MS),
  );
  await assert.rejects(
    aggregate({ shard, records: events }, dying, settings, () => true),
    /killed/,
  );
  async function account(): Promise<void> {
    await advanceCheckpoints(ledger, () => true);
    await advanceWatermark(ledger, { shards: async () => world.shards }, '1', clock);
  }
  let position = 1_000;
  return {
    world,
    sent,
    account,
    /** Another event arrives and is counted, and the accountant and the compactor run. */
    async later(days: number): Promise<void> {
      world.nowMs = WORLD_START_MS + days * DAY_MS;
      const records = [record(position++, { entity: 'later' }, world.nowMs)];
      await aggregate({ shard, records }, trimmed, settings, () => true);
      await world.write(sent.splice(0));
      await account();
      await world.compact();
    },
    /** The answers to the first hour of every entity, by hour. */
    async hour() {
      const answers = [];
      for (let from = 0; from < ENTITIES; from += 100) {
        const range = { from: '2026-11-23T08:00Z', to: '2026-11-23T09:00Z', by: 'hour', fill: 'zero' };
        const names = Array.from({ length: 100 }, (_, index) => entityOf(from + index));
        answers.push(...(await world.ask(names.map((name) => ['view', name, range] as const))));
      }
      return answers;
    },
  };
}

type Started = Awaited<ReturnType<typeof start>>;

const totalOf = async (started: Started) =>
  (await started.hour()).reduce((sum, { total }) => sum + BigInt(total), 0n);

test('the counted part of a lost segment stays counted, and the accounts balance', async () => {
  const started = await start(1);
  const { world, sent } = started;
  await world.write(sent.splice(0));
  const counted = await totalOf(started);
  assert.ok(counted > 0n && counted < BigInt(ENTITIES));
  for (let day = 8; day < 78; day += 1) {
    await started.later(day);
    assert.equal(await totalOf(started), counted, `after ${day} days`);
  }
  const status = await readStatus(world.ledger);
  assert.deepEqual([conservationDifference(status), status.lost], [0, ENTITIES - Number(counted)]);
});

test('what is final stays as it is when a parked part of a lost segment is replayed', async () => {
  const started = await start(2);
  const { world, sent, account } = started;
  const [first, parked] = sent.splice(0);
  assert.ok(first !== undefined && parked !== undefined);
  await world.write([first]);
  await world.ledger.notePlace(parked.segment, parked.parts, 'parked');
  await account();
  for (let day = 8; day <= 10; day += 1) await started.later(day);
  assert.ok((await readStatus(world.ledger)).parked > 0, 'the status says where it waits');
  const before = await started.hour();
  await world.write([parked]);
  const after = await started.hour();
  for (const [index, answer] of before.entries()) {
    if (answer.points[0]?.state === 'final') assert.deepEqual(after[index]?.points, answer.points);
  }
  for (let day = 11; day <= 12; day += 1) await started.later(day);
  assert.equal(await totalOf(started), BigInt(ENTITIES));
  assert.deepEqual(
    new Set((await started.hour()).map(({ points: [point] }) => point?.state)),
    new Set(['final']),
  );
});

test('a dead letter of a lost segment counts when it comes back, though the compactor runs before the writer', async () => {
  const started = await start(2);
  const { world, sent, account } = started;
  const [first, dead] = sent.splice(0);
  assert.ok(first !== undefined && dead !== undefined);
  await world.write([first]);
  await world.ledger.notePlace(dead.segment, dead.parts, 'dead');
  for (let day = 8; day <= 10; day += 1) await started.later(day);
  assert.ok((await readStatus(world.ledger)).dead > 0);
  await world.ledger.notePlace(dead.segment, dead.parts, 'returned');
  await account();
  await world.compact();
  await world.write([dead]);
  for (let day = 11; day <= 12; day += 1) await started.later(day);
  const status = await readStatus(world.ledger);
  assert.deepEqual([await totalOf(started), status.lost, status.inFlight], [BigInt(ENTITIES), 0, 0]);
  assert.equal(conservationDifference(status), 0);
});

test('a dead letter of a lost segment counts though its place could not be noted: redrive has an hour to find it', async () => {
  const started = await start(2);
  const { world, sent } = started;
  const [first, dead] = sent.splice(0);
  assert.ok(first !== undefined && dead !== undefined);
  await world.write([first]);
  await started.later(8);
  world.nowMs += 30 * MINUTE_MS;
  await world.compact();
  await world.ledger.notePlace(dead.segment, dead.parts, 'returned');
  await world.write([dead]);
  for (let day = 9; day <= 10; day += 1) await started.later(day);
  assert.equal(await totalOf(started), BigInt(ENTITIES));
});
