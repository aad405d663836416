// Deleting an entity from the store: all its earlier events are gone at every level, and nothing of others, during any activity.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Transport } from '../../fake-aws/call.ts';
import { entityHash } from '../../lambdas/core/deletions.ts';
import { S3ArchiveCleaner } from '../../lambdas/deletion/archive-cleaner.aws.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery } from '../../lambdas/query/top-query.ts';
import { deletePerson, itemsNaming, PERSON } from '../support/deletions.ts';
import { crashing, inTurns, interrupted } from '../support/disturbed.ts';
import { LONG, runs } from '../support/long.ts';
import { nothingDiffers } from '../support/recounted-world.ts';
import {
  expectedSums,
  LEVELS,
  StoreWorld,
  type TestEvent,
  viewed,
  WORLD_START_MS,
  worldShard,
} from '../support/store-world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Events of the person and of others over three months, some of them late, of which the last are not compacted. */
async function peopledWorld(): Promise<{ world: StoreWorld; events: TestEvent[] }> {
  const world = await StoreWorld.make();
  world.aws.s3.addBucket('archive');
  const events: TestEvent[] = [];
  for (let batch = 0; batch < 12; batch += 1) {
    world.nowMs = WORLD_START_MS + batch * 8 * DAY_MS;
    const some = [PERSON, '/other', `/videos/${batch}`].flatMap((entity, index) => [
      { metric: 'view', entity, atMs: world.nowMs - index * HOUR_MS, n: 2 },
      { metric: 'play', entity, atMs: world.nowMs - (batch % 4) * 20 * DAY_MS, n: 1 },
    ]);
    events.push(...some);
    await world.count(some, batch % 2);
    if (batch < 10) await world.compact();
  }
  return { world, events };
}

/** Every level's counts of all entities, once everything is compacted. */
async function sumsOf(world: StoreWorld, events: readonly TestEvent[]) {
  await world.compactDays(3);
  const sums = [];
  for (const level of LEVELS) sums.push(await world.blockSums(level, expectedSums(level, events).periods));
  return sums;
}

function withoutPerson(events: readonly TestEvent[]) {
  const others = events.filter(({ entity }) => entity !== PERSON);
  return LEVELS.map((level) => expectedSums(level, others).sums);
}

/** The person's later events are counted, none before, and all of others. */
async function onlyLaterStays(world: StoreWorld, events: readonly TestEvent[], later: readonly TestEvent[]) {
  const expected = withoutPerson(events);
  for (const [index, level] of LEVELS.entries()) {
    for (const [name, n] of expectedSums(level, later).sums) expected[index]?.set(name, n);
  }
  assert.deepEqual(await sumsOf(world, events), expected);
  await nothingDiffers(world);
}

/** The counts of all views and plays of an entity; both kinds of queries must agree. */
async function totalOf(world: StoreWorld, entity: string): Promise<bigint> {
  const ask = async (by: string) => {
    const range = { by, from: '2026-01-01T00:00Z', to: '2028-01-01T00:00Z' };
    const answers = await world.ask(['view', 'play'].map((metric) => [metric, entity, range] as const));
    return answers.reduce((sum, { total }) => sum + total, 0n);
  };
  const total = await ask('total');
  assert.equal(await ask('day'), total);
  return total;
}

async function topOf(world: StoreWorld): Promise<readonly string[]> {
  const query = parseTopQuery('view', { by: 'total' }, world.nowMs);
  const { answer } = await readTop(query, world.queryPorts(), { retentions: world.settings.retentions });
  return answer.entries.map(({ entity }) => entity);
}

describe('deleting an entity', () => {
  test('takes it out of blocks, top lists, late rows and deltas, and leaves all others', async () => {
    const { world, events } = await peopledWorld();
    const look = await deletePerson(world, { dryRun: true });
    assert.equal(look.events, events.filter(({ entity }) => entity === PERSON).length);
    assert.ok(
      look.rows.hours > 10 && look.rows.months > 2 && look.rows.all === 2 && look.tops > 10,
      JSON.stringify(look),
    );
    assert.equal((await world.state.readState()).deletions, 0);

    // Others continue to count, on every shard: what arrived before is known to be compacted.
    const onPause = async () => {
      for (const shard of [0, 1]) {
        events.push(viewed('/other', 1));
        await world.count([viewed('/other', 1)], shard);
      }
    };
    const report = await deletePerson(world, { onPause });
    assert.equal(report.settled, true);
    assert.deepEqual(await itemsNaming(world), []);
    await nothingDiffers(world);
    assert.deepEqual(await sumsOf(world, events), withoutPerson(events));
    await nothingDiffers(world);

    const again = await deletePerson(world);
    assert.deepEqual([again.events, again.rows.hours, again.deltas, again.tops], [0, 0, 0, 0]);
  });

  test('takes effect for queries at once, and leaves what arrives afterwards', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), async (call) => {
        const { world, events } = await peopledWorld();
        // A message from before that is written when its entity is gone already.
        const messages = await world.commit(worldShard(1), [viewed(PERSON, 100)]);
        const all = events.filter(({ entity }) => entity === PERSON).reduce((sum, { n }) => sum + n, 0);
        assert.equal(await totalOf(world, PERSON), BigInt(all));
        let isAsked = false;
        const transport = interrupted(call, async () => {
          isAsked = true;
          if ((await world.state.readState()).deletions === 0) return;
          assert.equal(await totalOf(world, PERSON), 0n);
          assert.ok(!(await topOf(world)).includes(PERSON));
          world.nowMs += 1000;
          await world.count([viewed(PERSON, 9)]);
          assert.equal(await totalOf(world, PERSON), 9n);
          await world.compact();
          assert.equal(await totalOf(world, PERSON), 9n);
        });
        await deletePerson(world, { transport });
        const left = (await totalOf(world, PERSON)) as bigint;
        assert.ok(left === 9n || (!isAsked && left === 0n) || left === 0n);
        await world.write(messages);
        assert.equal(await totalOf(world, PERSON), left);
        await world.compact();
        assert.equal(await totalOf(world, PERSON), left);
      }),
      { numRuns: runs(25) },
    );
  });

  test('keeps what arrives afterwards, also while it runs', async () => {
    const { world, events } = await peopledWorld();
    await deletePerson(world);
    world.nowMs += 1;
    const later = [viewed(PERSON, 9)];
    await world.count(later);
    await onlyLaterStays(world, events, later);
  });

  /** What arrives while a deletion runs is written, compacted, and stays. @param of the transport in which it arrives */
  async function compactedMeanwhile(of: (something: () => Promise<void>) => Transport): Promise<void> {
    const { world, events } = await peopledWorld();
    const later: TestEvent[] = [];
    const transport = of(async () => {
      world.nowMs += 1000;
      later.push(viewed(PERSON, 9));
      await world.count(later);
      await world.compact();
    });
    await deletePerson(world, { transport });
    await onlyLaterStays(world, events, later);
  }

  test('keeps what arrives and is compacted between any two of its calls', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 700 }), (call) =>
        compactedMeanwhile((something) => interrupted(call, something)),
      ),
      { numRuns: runs(15) },
    );
  });

  test('keeps what is compacted after it read how far compaction is', async () => {
    let reads = 0;
    for (let read = 1; reads >= read - 1; read += LONG ? 1 : 4) {
      reads = 0;
      await compactedMeanwhile((something) => async (call, perform) => {
        const answer = perform();
        const isState = JSON.stringify(call.input).includes('"STATE"');
        if (isState) reads += 1;
        if (isState && reads === read) await something();
        return answer;
      });
    }
    assert.ok(reads > 5, `${reads} reads`);
  });

  test('omits messages in flight, however late they are written', async () => {
    const { world, events } = await peopledWorld();
    const parked = [viewed(PERSON, 9), viewed('/other', 3)];
    const messages = await world.commit(worldShard(1), parked);
    const report = await deletePerson(world);
    assert.equal(report.settled, false);
    await world.write(messages);
    const all = [...events, ...parked];
    assert.deepEqual(await sumsOf(world, all), withoutPerson(all));
    await nothingDiffers(world);
  });

  test('waits for an epoch that was planned before, and that would bring the entity back', async () => {
    const { world, events } = await peopledWorld();
    // A compactor dies within the epoch.
    await assert.rejects(world.compact(crashing(45, false)));
    assert.notEqual((await world.state.readState()).hours.plan, undefined);
    await deletePerson(world);
    assert.deepEqual(await sumsOf(world, events), withoutPerson(events));
  });

  test('can be killed anywhere and run again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 700 }), fc.boolean(), async (calls, late) => {
        const { world, events } = await peopledWorld();
        await deletePerson(world, { transport: crashing(calls, late) }).catch(() => {});
        await deletePerson(world);
        assert.deepEqual(await itemsNaming(world), []);
        assert.deepEqual(await sumsOf(world, events), withoutPerson(events));
      }),
      { numRuns: runs(12) },
    );
  });

  test('runs beside compaction and a second deletion of the same entity', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { minLength: 20, maxLength: 20 }), async (order) => {
        const { world, events } = await peopledWorld();
        const turns = inTurns(order);
        await Promise.all([
          deletePerson(world, { transport: turns(true) }),
          deletePerson(world, { transport: turns(false) }),
          world.compact(),
        ]);
        assert.deepEqual(await itemsNaming(world), []);
        assert.deepEqual(await sumsOf(world, events), withoutPerson(events));
        await nothingDiffers(world);
      }),
      { numRuns: runs(8) },
    );
  });

  test('rewrites the archive on request, and leaves a record without the name', async () => {
    const { world } = await peopledWorld();
    const bucket = world.aws.s3.bucket('archive');
    const line = (entity: string) => `${JSON.stringify({ metric: 'view', entity, n: 1 })}\n`;
    const cleaner = new S3ArchiveCleaner(world.aws.clients().s3, 'archive');
    await cleaner.rewrite('expired/1.0.1/0.ndjson', line(PERSON) + line('/other'));
    await cleaner.rewrite('repairs/hours/a.ndjson', line(PERSON));
    const { archive } = await deletePerson(world, { archive: true });
    assert.deepEqual(archive, { objects: 2, rewritten: 1, removed: 1, byHand: [] });
    const keys = bucket.keys();
    assert.equal(keys.length, 2);
    const texts = keys.map((key) => Buffer.from(bucket.bytes(key) ?? []).toString());
    for (const text of texts) assert.ok(!text.includes(PERSON));
    assert.ok(texts.join().includes(entityHash(PERSON)));
  });
});
