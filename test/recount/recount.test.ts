// The recount: equal where the store is right, and every kind of wrong figure found, named and put right.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DeleteItemCommand, paginateScan, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { DeltasMissing } from '../../lambdas/compactor/epoch-rows.ts';
import { entityHash } from '../../lambdas/core/deletions.ts';
import { rangesOf } from '../../lambdas/core/hash-range.ts';
import type { SegmentId } from '../../lambdas/core/identifiers.ts';
import { cellAtMs, cellOf, periodAt, UPPER_LEVELS } from '../../lambdas/core/level.ts';
import { compareRows, decodeRows, encodeRows, type Row } from '../../lambdas/core/rows.ts';
import { isoSeconds } from '../../lambdas/core/time.ts';
import { makeTops } from '../../lambdas/store/make-tops.ts';
import { RewriteTable } from '../../lambdas/store/rewrite-table.ts';
import { crashing, hoursOnly, inTurns, interrupted } from '../support/disturbed.ts';
import { recountWorld, repairsOf, type Saved } from '../support/recounted-world.ts';
import { changeRow, deltasAt, removeBlocks, removeDelta } from '../support/store-changes.ts';
import { LEVELS, StoreWorld, type TestEvent, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const HOUR_MS = 3_600_000;

const event: fc.Arbitrary<TestEvent> = fc.record({
  metric: fc.constantFrom('play', 'view'),
  entity: fc.nat({ max: 40 }).map((number) => `/videos/${number}`),
  atMs: fc.nat({ max: 40 * 24 * 60 }).map((minutes) => WORLD_START_MS - minutes * 60_000),
  n: fc.integer({ min: -3, max: 5 }),
});

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

/** A world whose rows are all in blocks of every level: /a has 3, /b has 2, and others fill more than one block. */
async function compactedWorld(): Promise<StoreWorld> {
  const world = await StoreWorld.make();
  const at = (entity: string, n: number) => ({ metric: 'view', entity, atMs: WORLD_START_MS, n });
  const others = Array.from({ length: 40 }, (_, number) => ({
    ...at(`/others/${number}`, 1),
    metric: 'play',
  }));
  await world.write(await world.commit(worldShard(0), [at('/a', 1), at('/b', 2), ...others]));
  await world.write(await world.commit(worldShard(0), [at('/a', 2)]));
  for (let day = 0; day < 2; day += 1) {
    world.nowMs += 25 * HOUR_MS;
    await world.compact();
  }
  return world;
}

describe('a recount', () => {
  test('of a correct store finds nothing, at any progress of compaction', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(event, { minLength: 1, maxLength: 80, size: 'max' }), {
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
      await changeRow(
        world,
        period,
        'view',
        '/a',
        (row) => new Map([...row.cells].map(([cell, n]) => [cell, n + 7n])),
      );
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
      assert.deepEqual((await recountWorld(world)).differences, []);
      const top = await world.store.readTop('view', period);
      assert.deepEqual(top?.entries.find(({ entity }) => entity === '/a')?.n, 3n);
    }
  });

  test('finds a row that no segment has, at every level by itself', async () => {
    for (const level of LEVELS) {
      const world = await compactedWorld();
      const period = periodAt(level, WORLD_START_MS);
      await changeRow(
        world,
        period,
        'view',
        '/nobody',
        () => new Map([[cellOf(level, WORLD_START_MS), 99n]]),
      );
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
      assert.deepEqual((await recountWorld(world)).differences, []);
    }
  });

  test('finds a phantom in a period that no segment has added to', async () => {
    const world = await compactedWorld();
    const period = periodAt('hours', WORLD_START_MS - 1_000 * HOUR_MS);
    await changeRow(world, period, 'view', '/nobody', () => new Map([[5, 1n]]));
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
    await world.write(
      await world.commit(worldShard(0), [{ metric: 'view', entity: '/a', atMs: WORLD_START_MS, n: 1 }]),
    );
    await world.compact();
    assert.deepEqual((await recountWorld(world)).differences, []);
  });

  test('reports a missing delta, stores it again, and compaction continues', async () => {
    const world = await compactedWorld();
    world.nowMs += HOUR_MS;
    await world.write(
      await world.commit(worldShard(0), [{ metric: 'view', entity: '/a', atMs: WORLD_START_MS, n: 5 }]),
    );
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
    assert.deepEqual((await recountWorld(world)).differences, []);
  });

  test('finds deltas whose rows differ from their segments, and deltas of unknown segments', async () => {
    const world = await compactedWorld();
    world.nowMs += HOUR_MS;
    await world.write(
      await world.commit(worldShard(0), [{ metric: 'view', entity: '/a', atMs: WORLD_START_MS, n: 5 }]),
    );
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
    assert.deepEqual((await recountWorld(world)).differences, []);
    await world.compact();
    assert.deepEqual((await recountWorld(world)).differences, []);
  });

  test('repairs late rows of an upper level: wrong, missing, phantom, or gone with their item', async () => {
    const breaks: readonly ((rows: readonly Row[]) => readonly Row[])[] = [
      (rows) =>
        rows.map((row) => ({ ...row, cells: new Map([...row.cells].map(([cell, n]) => [cell, n + 7n])) })),
      (rows) => rows.slice(1),
      (rows) => [...rows, { ...(rows[0] ?? assert.fail()), entity: '/zz' }],
      () => [],
    ];
    for (const change of breaks) {
      const world = await compactedWorld();
      const late = ['/a', '/b', '/c'].map((entity) => ({
        metric: 'view',
        entity,
        atMs: WORLD_START_MS,
        n: 5,
      }));
      await world.write(await world.commit(worldShard(0), late));
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
      assert.deepEqual((await recountWorld(world)).differences, []);
      assert.deepEqual(await totals(), [8n, 7n, 5n, 0n]);
      await world.compact();
      assert.deepEqual((await recountWorld(world)).differences, []);
    }
  });

  test('a late row that nothing said to look for is read once it is repaired', async () => {
    const world = await compactedWorld();
    const late = { metric: 'view', entity: '/a', atMs: WORLD_START_MS, n: 5 };
    await world.write(await world.commit(worldShard(0), [late]));
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
    assert.deepEqual((await recountWorld(world)).differences, []);
    await world.compact();
    assert.deepEqual(await total(), [8n]);
  });

  test('of one hour sees events that arrived days before it', async () => {
    const world = await StoreWorld.make();
    const atMs = WORLD_START_MS + 9 * 24 * HOUR_MS;
    await world.write(await world.commit(worldShard(0), [{ metric: 'view', entity: '/a', atMs, n: 2 }]));
    await world.write(
      await world.commit(worldShard(0), [{ metric: 'view', entity: '/b', atMs: WORLD_START_MS, n: 2 }]),
    );
    await world.compact();
    const range = { fromMs: atMs, toMs: atMs + HOUR_MS };
    assert.deepEqual((await recountWorld(world, { range })).differences, []);
    await changeRow(world, periodAt('hours', atMs), 'view', '/a', () => new Map([[0, 4n]]));
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

  test('sees that a second generation has counted the same records', async () => {
    const world = await compactedWorld();
    assert.deepEqual((await recountWorld(world)).twice, []);
    for (const segment of ['1.0.1', '1.0.2'] as const) {
      const records = world.records.get(segment as SegmentId) ?? assert.fail();
      await world.write(await world.commitRecords(worldShard(0), records, '2'));
    }
    await world.compact();
    const found = await recountWorld(world);
    // What both have produced is what is stored: only the records tell.
    assert.deepEqual(found.differences, []);
    assert.deepEqual(
      found.twice.map(({ shard }) => shard),
      [worldShard(0)],
    );
  });

  test('names segments that cannot be produced, reports nothing complete that they may have added to, and repairs nothing there', async () => {
    const world = await StoreWorld.make();
    world.acceptPastMs = HOUR_MS;
    for (let hour = 0; hour < 4; hour += 1) {
      const atMs = WORLD_START_MS + hour * HOUR_MS;
      world.nowMs = atMs + 60_000;
      await world.write(await world.commit(worldShard(0), [{ metric: 'view', entity: '/a', atMs, n: 1 }]));
    }
    world.nowMs += HOUR_MS;
    await world.compact();
    world.records.delete('1.0.4' as SegmentId);
    for (const hour of [0, 3]) {
      await changeRow(
        world,
        periodAt('hours', WORLD_START_MS + hour * HOUR_MS),
        'view',
        '/a',
        () => new Map([[0, 4n]]),
      );
    }
    const range = { fromMs: WORLD_START_MS, toMs: WORLD_START_MS + 4 * HOUR_MS };
    // Here an event's time may lie far after its arrival, so that the segment may have added to every later hour.
    for (const repair of [false, true]) {
      const found = await recountWorld(world, { range, repair });
      assert.deepEqual(
        found.unknown.map(({ first, last, reason }) => [first, last, reason]),
        [[4, 4, 'trimmed']],
      );
      assert.deepEqual(
        found.differences.map(({ of }) => of),
        [isoSeconds(WORLD_START_MS)],
      );
      assert.deepEqual(found.figures.hours, { compared: 2, partly: 0, unknown: 2 });
    }
    const left = await world.blockSums('hours', [periodAt('hours', WORLD_START_MS + 3 * HOUR_MS)]);
    assert.deepEqual([...left.values()], [4n]);
  });

  test('omits what the register of deletions covers, and finds what a deletion left behind', async () => {
    const world = await compactedWorld();
    await world.state.registerDeletion({ entityHash: entityHash('/a'), throughMs: world.nowMs });
    const found = await recountWorld(world);
    assert.deepEqual(
      new Set(found.differences.map(({ entity, expected }) => `${entity} ${expected}`)),
      new Set(['/a none']),
    );
    await recountWorld(world, { repair: true });
    assert.deepEqual((await recountWorld(world)).differences, []);
    for (const level of LEVELS) {
      const sums = await world.blockSums(level, [periodAt(level, WORLD_START_MS)]);
      assert.ok([...sums.keys()].every((name) => !name.includes(' /a ')));
    }
  });

  test('can be killed at any point, continues from its saved state, and gives the same result', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 400 }), fc.boolean(), async (calls, late) => {
        const world = await compactedWorld();
        const period = periodAt('hours', WORLD_START_MS);
        for (const entity of ['/a', '/nobody'])
          await changeRow(world, period, 'view', entity, () => new Map([[0, 44n]]));
        await removeBlocks(world, periodAt('days', WORLD_START_MS));
        const saved: Saved = { state: undefined, spill: undefined };
        await recountWorld(world, { repair: true, saved, transport: crashing(calls, late) }).catch(() => {});
        await recountWorld(world, { repair: true, saved });
        assert.deepEqual((await recountWorld(world)).differences, []);
        for (const level of ['hours', 'days'] as const) {
          const top = await world.store.readTop('view', periodAt(level, WORLD_START_MS));
          assert.deepEqual(top?.entries.map(({ entity, n }) => [entity, n]).slice(0, 2), [
            ['/a', 3n],
            ['/b', 2n],
          ]);
        }
      }),
      { numRuns: 12 },
    );
  });

  test('beside running compaction finds nothing, and repairs what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }),
        fc.boolean(),
        async (order, repair) => {
          const world = await compactedWorld();
          if (repair)
            await changeRow(
              world,
              periodAt('hours', WORLD_START_MS),
              'view',
              '/a',
              () => new Map([[0, 44n]]),
            );
          world.nowMs += 60_000;
          await world.write(
            await world.commit(worldShard(1), [{ metric: 'view', entity: '/a', atMs: WORLD_START_MS, n: 1 }]),
          );
          const turns = inTurns(order);
          const [found] = await Promise.all([
            recountWorld(world, { repair, transport: turns(true) }),
            world.compact(turns(false)),
          ]);
          if (!repair) assert.deepEqual(found.differences, []);
          assert.equal(found.restless, 0);
          await world.compact();
          assert.deepEqual((await recountWorld(world)).differences, []);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('is not misled by an epoch that runs between any two of its calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 120 }), fc.boolean(), async (call, repair) => {
        const world = await compactedWorld();
        world.nowMs += 60_000;
        const events = [{ metric: 'view', entity: '/a', atMs: WORLD_START_MS, n: 1 }];
        await world.write(await world.commit(worldShard(1), events));
        const transport = interrupted(call, async () => {
          await world.compact();
        });
        // One part: there are few calls, and many of them are between reading a head and its blocks.
        const found = await recountWorld(world, {
          repair,
          transport,
          settings: { partEvents: 1000 },
        });
        assert.deepEqual([found.differences, found.differing, found.restless], [[], 0, 0]);
      }),
      { numRuns: 30 },
    );
  });
});
