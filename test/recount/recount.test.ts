// The recount: equal where the store is right, and every kind of wrong figure found, named and put right.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeleteItemCommand, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { DeltasMissing } from '../../lambdas/compactor/epoch-rows.ts';
import { rangesOf } from '../../lambdas/core/hash-range.ts';
import type { SegmentId } from '../../lambdas/core/identifiers.ts';
import { cellAtMs, cellOf, periodAt, UPPER_LEVELS } from '../../lambdas/core/level.ts';
import { compareRows, decodeRows, encodeRows, type Row } from '../../lambdas/core/rows.ts';
import { HOUR_MS, isoSeconds } from '../../lambdas/core/time.ts';
import { makeTops } from '../../lambdas/store/make-tops.ts';
import { RewriteTable } from '../../lambdas/store/rewrite-table.ts';
import { hoursOnly } from '../support/disturbed.ts';
import { compactedWorld, nothingDiffers, recountWorld, repairsOf } from '../support/recounted-world.ts';
import { changeRow, deltasAt, removeBlocks, removeDelta } from '../support/store-changes.ts';
import {
  ANY_EVENT,
  LEVELS,
  StoreWorld,
  type TestEvent,
  viewed,
  WORLD_START_MS,
  worldShard,
} from '../support/store-world.ts';

/** A world with some segments, of which the last ones are compacted, written, or on their way. */
async function countedWorld(batches: readonly (readonly TestEvent[])[], compacted: number) {
  const world = await StoreWorld.make();
  for (const [index, events] of batches.entries()) {
    world.nowMs += 60_000;
    const messages = await world.commit(worldShard(index % 3), events);
    if (index === batches.length - 1) break;
    await world.write(messages);
    if (index < compacted) await world.compact();
  }
  return world;
}

const plusSeven = ({ cells }: Row) => new Map([...cells].map(([cell, n]) => [cell, n + 7n]));

describe('a recount', () => {
  test('of a correct store finds nothing, at any progress of compaction', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(ANY_EVENT, { minLength: 1, maxLength: 80, size: 'max' }), {
          minLength: 1,
          maxLength: 8,
        }),
        fc.nat({ max: 8 }),
        async (batches, compacted) => {
          const world = await countedWorld(batches, compacted);
          const found = await recountWorld(world);
          assert.deepEqual(found.differences, []);
          assert.deepEqual([found.unknown, found.stuck, found.restless], [[], undefined, 0]);
          assert.equal(found.events, batches.flat().length);
        },
      ),
      { numRuns: 10 },
    );
  });

  test('finds a wrong figure in a block of any level, and repairs that level alone', async () => {
    for (const level of LEVELS) {
      const world = await compactedWorld();
      const period = periodAt(level, WORLD_START_MS);
      await changeRow(world, period, '/a', plusSeven);
      // An epoch has made its list of the damaged block.
      const { epoch } = (await world.state.readState())[level];
      await makeTops({ period, metrics: new Set(['view']) }, epoch, world.store, world.settings.retentions);
      const before = await world.blockSums(level, [period]);
      const found = await recountWorld(world);
      assert.deepEqual(
        found.differences.map(({ in: where, metric, entity, expected, stored }) => [
          where,
          metric,
          entity,
          expected,
          stored,
        ]),
        [[level, 'view', '/a', '3', '10']],
      );
      assert.deepEqual(await world.blockSums(level, [period]), before);

      const repaired = await recountWorld(world, { repair: true });
      assert.deepEqual([repaired.differing, repaired.repaired], [1, 1]);
      assert.equal(repairsOf(world).size, 1);
      await nothingDiffers(world);
      const top = await world.store.readTop('view', period);
      assert.deepEqual(top?.entries.find(({ entity }) => entity === '/a')?.n, 3n);
    }
  });

  test('finds a row that no segment has, at every level by itself', async () => {
    for (const level of LEVELS) {
      const world = await compactedWorld();
      const period = periodAt(level, WORLD_START_MS);
      await changeRow(world, period, '/nobody', () => new Map([[cellOf(level, WORLD_START_MS), 99n]]));
      const found = await recountWorld(world);
      const rows = found.differences.map(({ in: where, entity, at, expected }) => [
        where,
        entity,
        at,
        expected,
      ]);
      assert.deepEqual(rows, [
        [level, '/nobody', isoSeconds(cellAtMs(period, cellOf(level, WORLD_START_MS))), 'none'],
        [level, '/nobody', 'events', 'none'],
      ]);
      assert.equal((await recountWorld(world, { repair: true })).repaired, 2);
      // No neighbour has taken the phantom over.
      await nothingDiffers(world);
    }
  });

  test('finds a phantom in a period that no segment has added to', async () => {
    const world = await compactedWorld();
    const period = periodAt('hours', WORLD_START_MS - 1_000 * HOUR_MS);
    await changeRow(world, period, '/nobody', () => new Map([[5, 1n]]));
    assert.deepEqual(
      (await recountWorld(world)).differences.map(({ in: where, of }) => [where, of]),
      [
        ['hours', isoSeconds(period.startMs)],
        ['hours', isoSeconds(period.startMs)],
      ],
    );
  });

  test('restores missing blocks, in as many as the rows need', async () => {
    const world = await compactedWorld();
    const period = periodAt('hours', WORLD_START_MS);
    const before = await world.blockSums('hours', [period]);
    await removeBlocks(world, period);
    assert.equal(
      (await recountWorld(world)).differences.filter(({ at }) => at === 'events').length,
      before.size,
    );
    await recountWorld(world, { repair: true });
    assert.deepEqual(await world.blockSums('hours', [period]), before);
    // Compaction continues from there.
    await world.count([viewed('/a', 1)]);
    await world.compact();
    await nothingDiffers(world);
  });

  test('reports a missing delta, stores it again, and compaction continues', async () => {
    const world = await compactedWorld();
    world.nowMs += HOUR_MS;
    await world.count([viewed('/a', 5)]);
    const state = await world.state.readState();
    const [delta = assert.fail()] = await deltasAt(world, world.nowMs);
    await removeDelta(world, delta);
    const found = await recountWorld(world);
    assert.deepEqual(
      found.differences.map(({ of, at }) => [of, at]),
      [[`${delta.segment}/0`, 'absent']],
    );
    await assert.rejects(world.compact(), DeltasMissing);
    assert.match((await recountWorld(world)).stuck ?? '', /0 deltas with 0 events/);

    const repaired = await recountWorld(world, { repair: true });
    assert.deepEqual([repaired.stuck, repaired.differing, repaired.repaired], [undefined, 1, 1]);
    assert.equal((await world.state.readState()).hours.epoch, state.hours.epoch + 1);
    await nothingDiffers(world);
  });

  test('finds deltas whose rows differ from their segments, and deltas of unknown segments', async () => {
    const world = await compactedWorld();
    world.nowMs += HOUR_MS;
    await world.count([viewed('/a', 5)]);
    const [delta = assert.fail()] = await deltasAt(world, world.nowMs);
    const rows = [
      {
        metric: 'view',
        entity: '/nobody',
        hour: WORLD_START_MS / HOUR_MS,
        events: 1,
        cells: new Map([[0, 1n]]),
      },
    ];
    const phantom = { ...delta, segment: '1.0.zz' as SegmentId, events: 1, rows: encodeRows(rows) };
    await world.store.putDelta(phantom);
    const rewriter = new RewriteTable(world.aws.clients().dynamoDb, 'counts');
    assert.equal(
      await rewriter.replaceDelta(delta, delta.rows ?? assert.fail(), encodeRows(rows)),
      'replaced',
    );
    const found = await recountWorld(world);
    assert.deepEqual(
      new Set(
        found.differences.map(({ of, entity, expected, stored }) => `${of} ${entity} ${expected} ${stored}`),
      ),
      new Set([
        `${delta.segment}/0 /a 5 none`,
        `${delta.segment}/0 /nobody none 1`,
        '1.0.zz/0 /nobody none 1',
      ]),
    );
    assert.equal((await recountWorld(world, { repair: true })).repaired, 3);
    await nothingDiffers(world);
    await world.compact();
    await nothingDiffers(world);
  });

  test('repairs late rows of an upper level: wrong, missing, phantom, or gone with their item', async () => {
    const breaks: readonly ((rows: readonly Row[]) => readonly Row[])[] = [
      (rows) => rows.map((row) => ({ ...row, cells: plusSeven(row) })),
      (rows) => rows.slice(1),
      (rows) => [...rows, { ...(rows[0] ?? assert.fail()), entity: '/zz' }],
      () => [],
    ];
    for (const change of breaks) {
      const world = await compactedWorld();
      await world.count(['/a', '/b', '/c'].map((entity) => viewed(entity, 5)));
      await assert.rejects(world.compact(hoursOnly));
      const totals = async () =>
        (await world.ask(['/a', '/b', '/c', '/zz'].map((entity) => ['view', entity, {}] as const))).map(
          ({ total }) => total,
        );
      assert.deepEqual(await totals(), [8n, 7n, 5n, 0n]);
      const rewriter = new RewriteTable(world.aws.clients().dynamoDb, 'counts');
      const { rangeBits } = await world.state.readState();
      let changed = 0;
      for (const level of UPPER_LEVELS)
        for (const range of rangeBits.flatMap((bits) => rangesOf(bits)))
          for await (const item of rewriter.lateItems(level, range)) {
            const rows = encodeRows([...change(decodeRows(item.rows))].sort(compareRows));
            assert.equal(await rewriter.replaceLate(level, range, item, rows), 'replaced');
            changed += 1;
          }
      assert.ok(changed > 2);
      assert.notDeepEqual(await totals(), [8n, 7n, 5n, 0n]);
      const found = await recountWorld(world);
      assert.ok(found.differing > 0 && found.differences.every((one) => one.in === 'late'));
      assert.equal((await recountWorld(world, { repair: true })).repaired, found.differing);
      assert.ok(repairsOf(world).size > 0);
      await nothingDiffers(world);
      assert.deepEqual(await totals(), [8n, 7n, 5n, 0n]);
      await world.compact();
      await nothingDiffers(world);
    }
  });

  test('a late row that nothing said to look for is read once it is repaired', async () => {
    const world = await compactedWorld();
    await world.count([viewed('/a', 5)]);
    await assert.rejects(world.compact(hoursOnly));
    const total = async () => (await world.ask([['view', '/a', {}]])).map((answer) => answer.total);
    assert.deepEqual(await total(), [8n]);
    // As a compactor would leave it that did not know what the upper levels had closed.
    const { dynamoDb } = world.aws.clients();
    for await (const { Items = [] } of paginateScan({ client: dynamoDb }, { TableName: 'counts' }))
      for (const { pk, sk } of Items)
        if (pk?.S?.startsWith('LATE#') && sk !== undefined)
          await dynamoDb.send(new DeleteItemCommand({ TableName: 'counts', Key: { pk, sk } }));
    const key = { pk: { S: 'COMPACTION' }, sk: { S: 'STATE' } };
    await dynamoDb.send(
      new UpdateItemCommand({ TableName: 'ledger', Key: key, UpdateExpression: 'REMOVE late' }),
    );
    assert.deepEqual(await total(), [3n]);
    const found = await recountWorld(world, { repair: true });
    const lacking = new Set(found.differences.map(({ in: place, of }) => `${place} ${of.split(' ')[0]}`));
    assert.deepEqual([...lacking], ['late days', 'late months']);
    assert.equal(found.repaired, found.differing);
    assert.deepEqual(await total(), [8n]);
    await nothingDiffers(world);
    await world.compact();
    assert.deepEqual(await total(), [8n]);
  });

  test('of one hour sees events that arrived days before it', async () => {
    const world = await StoreWorld.make();
    const atMs = WORLD_START_MS + 9 * 24 * HOUR_MS;
    await world.count([viewed('/a', 2, atMs)]);
    await world.count([viewed('/b', 2)]);
    await world.compact();
    const range = { fromMs: atMs, toMs: atMs + HOUR_MS };
    assert.deepEqual((await recountWorld(world, { range })).differences, []);
    await changeRow(world, periodAt('hours', atMs), '/a', () => new Map([[0, 4n]]));
    const { differences, figures } = await recountWorld(world, { range });
    assert.deepEqual(
      differences.map(({ expected, stored }) => [expected, stored]),
      [['2', '4']],
    );
    // A day's cell is an hour; those of months and of all time are more than was counted again.
    const one = { compared: 1, partly: 0, unknown: 0 };
    const none = { compared: 0, partly: 0, unknown: 0 };
    assert.deepEqual(figures, { hours: one, days: one, months: none, all: none });
    const dayMs = periodAt('days', atMs).startMs;
    const day = await recountWorld(world, { range: { fromMs: dayMs, toMs: dayMs + 24 * HOUR_MS } });
    assert.deepEqual([day.figures.months.compared, day.figures.all.compared], [1, 0]);
  });
});
