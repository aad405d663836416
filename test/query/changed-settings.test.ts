// A changed setting takes nothing away that was counted before it, and brings nothing back that is gone.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compact } from '../../lambdas/compactor/compact.ts';
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../lambdas/core/time.ts';
import { type LevelRetentionsMs, raisedWatermark } from '../../lambdas/core/watermark.ts';
import type { QuerySettings } from '../../lambdas/query/read-counts.ts';
import { readTop } from '../../lambdas/query/read-top.ts';
import { parseTopQuery } from '../../lambdas/query/top-query.ts';
import { StoreWorld, viewed, WORLD_START_MS, worldShard } from '../support/store-world.ts';

const FOREVER: LevelRetentionsMs = { hours: undefined, days: undefined, months: undefined, all: undefined };
const hoursFor = (days: number): LevelRetentionsMs => ({ ...FOREVER, hours: days * DAY_MS });
const FUTURE_MS = 10 * MINUTE_MS;

async function start(deltaRetentionMs?: number) {
  const world = await StoreWorld.make({}, deltaRetentionMs);
  world.acceptFutureMs = FUTURE_MS;
  return {
    world,
    /** An event of `/a`, which is asked about, or of an entity that only keeps the pipeline moving. */
    count: (entity: '/a' | '/b', atMs = world.nowMs) => world.count([viewed(entity, 1, atMs)]),
    /** The accountant and the compactor run, under these settings. */
    async run(retentions: LevelRetentionsMs, acceptFutureMs = FUTURE_MS): Promise<void> {
      await world.account({ retentions, acceptFutureMs });
      await world.compact();
    },
    async ask(parameters: Record<string, string>, different: Partial<QuerySettings> = {}) {
      const settings = { acceptFutureMs: FUTURE_MS, retentions: FOREVER, ...different };
      const [answer] = await world.ask([['view', '/a', parameters]], settings);
      assert.ok(answer !== undefined);
      return answer;
    },
  };
}

test('retentions raised in mid-month: no answer leaves out what is kept only in its month, or in its day', async () => {
  const { world, count, run, ask } = await start();
  const counted: number[] = [];
  const countNow = async () => {
    await count('/a');
    counted.push(world.nowMs);
  };
  await countNow();
  await run({ hours: 30 * DAY_MS, days: 30 * DAY_MS, months: 30 * DAY_MS, all: undefined });
  world.nowMs += HOUR_MS;
  await run(FOREVER);
  world.nowMs += 5 * HOUR_MS;
  await countNow();
  const FROM = ['2026-10-15T00:00Z', '2026-11-01T00:00Z', '2026-11-23T00:00Z', '2026-11-23T08:00Z'];
  const TO = ['11-23T12:00Z', '11-23T20:00Z', '11-28T00:00Z', '11-28T12:00Z', '12-01T00:00Z'];
  for (world.nowMs = WORLD_START_MS + DAY_MS; world.nowMs < Date.UTC(2027, 0, 5); world.nowMs += DAY_MS) {
    await countNow();
    await run(FOREVER);
    if (world.nowMs < Date.UTC(2026, 11, 1)) continue;
    const when = `on ${new Date(world.nowMs).toISOString()}`;
    for (const to of TO.map((each) => `2026-${each}`))
      for (const from of FROM)
        for (const by of ['minute', 'hour', 'day', 'month', 'total']) {
          if (by === 'minute' && !(from.startsWith('2026-11-23') && to.startsWith('2026-11-23'))) continue;
          const answer = await ask({ from, to, by });
          const [fromMs, toMs] = [Date.parse(answer.from), Date.parse(answer.to)];
          const truth = counted.filter((atMs) => atMs >= fromMs && atMs < toMs).length;
          const what = `${when}, from ${from} to ${to} by ${by}: ${answer.from} to ${answer.to}`;
          assert.equal(Number(answer.total), truth, what);
        }
    // After the raise, days are answered though the block of their month goes first.
    for (const by of ['minute', 'hour', 'day', 'total']) {
      const { total } = await ask({ from: '2026-11-25T00:00Z', to: '2026-11-28T00:00Z', by });
      assert.equal(total, 3n, `by ${by} ${when}`);
    }
  }
});

test('a retention raised while the next hour has counts: its minutes are answered, or said to be gone', async () => {
  const { world, count, run, ask } = await start();
  const short = hoursFor(8);
  const range = { from: '2026-11-23T09:00Z', to: '2026-11-23T10:00Z' };
  world.nowMs = WORLD_START_MS + 55 * MINUTE_MS;
  await run(short);
  // From a clock that is eight minutes ahead.
  await count('/a', world.nowMs + 8 * MINUTE_MS);
  await run(short);
  world.nowMs += MINUTE_MS;
  await run(FOREVER);
  for (let day = 1; day < 12; day += 1) {
    world.nowMs = WORLD_START_MS + day * DAY_MS;
    await count('/b');
    await run(FOREVER);
    for (const by of ['minute', 'hour'])
      assert.equal((await ask({ ...range, by })).total, 1n, `${by} on day ${day}`);
  }
});

test('minutes kept for 30 days, then for 400: a day 100 days ago has its hours, and says that its minutes are gone', async () => {
  const { world, count, run, ask } = await start();
  const [short, raised] = [hoursFor(30), hoursFor(400)];
  const range = { from: '2026-11-22T08:00Z', to: '2026-11-24T08:00Z' };
  const assertHours = async (wanted: number, when: string) => {
    for (const by of ['hour', 'minute']) {
      const { total, grain, note } = await ask({ ...range, by }, { retentions: raised });
      assert.deepEqual([Number(total), grain, note === undefined], [wanted, 'hour', by === 'hour'], when);
    }
  };
  await world.count(Array.from({ length: 75 }, (_, i) => viewed('/a', 1, WORLD_START_MS - i * MINUTE_MS)));
  await run(short);
  for (let days = 0; days < 100; days += 5) {
    world.nowMs += 5 * DAY_MS;
    await count('/b');
    await run(short);
  }
  await assertHours(75, 'deployed');
  await run(raised);
  await assertHours(75, 'in force');
  await count('/a', WORLD_START_MS);
  for (const when of ['on its way', 'compacted']) {
    await assertHours(76, when);
    world.nowMs += DAY_MS;
    await run(raised);
  }
});

test('nothing is compacted before the accountant has recorded what is kept: a retention may be raised before', async () => {
  const { world, count, ask } = await start();
  await count('/a');
  const [short, raised] = [hoursFor(30), hoursFor(400)];
  const compacted = (retentions: LevelRetentionsMs) =>
    compact(world.compactorPorts(), { ...world.settings, retentions }, () => true);
  assert.deepEqual((await compacted(short)).epochs, { hours: 0, days: 0, months: 0, all: 0 });
  await world.account({ retentions: raised, acceptFutureMs: 0 });
  await compacted(raised);
  world.nowMs += 100 * DAY_MS;
  const range = { from: '2026-11-23T08:00Z', to: '2026-11-24T08:00Z', by: 'minute' };
  const { total, grain } = await ask(range, { retentions: raised });
  assert.deepEqual([total, grain], [1n, 'minute']);
});

test('acceptFutureSeconds lowered: what was accepted for a later time is still answered', async () => {
  const { world, count, run, ask } = await start();
  const range = { from: '2026-11-23T00:00Z', to: '2026-11-26T00:00Z' };
  world.acceptFutureMs = 48 * HOUR_MS;
  await count('/a', WORLD_START_MS + 30 * HOUR_MS);
  await run(FOREVER, 48 * HOUR_MS);
  world.nowMs += MINUTE_MS;
  await count('/b');
  await run(FOREVER, FUTURE_MS);
  assert.equal((await ask(range)).total, 1n);
  assert.equal((await ask({ ...range, by: 'hour' })).total, 1n);
});

test('acceptFutureSeconds raised, so far in the aggregator only: what it accepts stays counted', async () => {
  const { world, count, run, ask } = await start();
  await run(FOREVER);
  world.acceptFutureMs = DAY_MS;
  await count('/a', WORLD_START_MS + DAY_MS);
  world.nowMs += MINUTE_MS;
  await count('/b');
  // The first run compacts the event, the second one publishes beside its block.
  for (let runs = 0; runs < 2; runs += 1) {
    await run(FOREVER);
    world.nowMs += 5 * MINUTE_MS;
    assert.equal((await ask({ from: '2026-11-23T00:00Z', to: '2026-11-26T00:00Z' })).total, 1n);
  }
});

test('deltaRetentionDays raised while compaction stands still: completeThrough vouches for no delta that is gone', async () => {
  const { world, count, ask } = await start(30 * DAY_MS);
  const account = (days: number) =>
    world.account({ retentions: FOREVER, acceptFutureMs: FUTURE_MS, deltaRetentionMs: days * DAY_MS });
  await count('/a');
  await account(30);
  const vouched: boolean[] = [];
  for (let day = 1; day < 70; day += 1) {
    world.nowMs = WORLD_START_MS + day * DAY_MS;
    await count('/b');
    await account(day < 20 ? 30 : 60);
    const range = { from: '2026-11-23T00:00Z', to: '2026-11-24T00:00Z' };
    const { total, completeThrough } = await ask(range, { deltaRetentionMs: 60 * DAY_MS });
    vouched.push(completeThrough !== null);
    assert.ok(completeThrough === null || total === 1n, `day ${day}: ${total}, ${completeThrough}`);
  }
  assert.ok(vouched.slice(0, 28).every(Boolean));
});

test('a top list is final once its level has what an earlier, larger acceptPastSeconds accepted', async () => {
  const { world, count, run } = await start();
  world.acceptPastMs = 7 * DAY_MS;
  const atMs = WORLD_START_MS - 3 * DAY_MS;
  const list = async () => {
    const query = parseTopQuery('view', { by: 'hour', at: String(atMs) }, world.nowMs);
    const { answer, freshness } = await readTop(query, world.queryPorts(), { retentions: FOREVER });
    return [answer.entries.map(({ n }) => n), answer.state, freshness.isImmutable];
  };
  await count('/a', atMs);
  await run(FOREVER);
  assert.deepEqual(await list(), [[1n], 'provisional', false]);
  world.nowMs += MINUTE_MS;
  await count('/a', atMs);
  // Lowered; the accountant runs before the compactor.
  world.acceptPastMs = DAY_MS;
  world.nowMs += MINUTE_MS;
  await count('/b');
  await world.account({ retentions: FOREVER, acceptFutureMs: FUTURE_MS });
  assert.deepEqual(await list(), [[1n], 'provisional', false]);
  world.nowMs += HOUR_MS;
  await run(FOREVER);
  assert.deepEqual(await list(), [[2n], 'final', true]);
  // Raised again: what was final stays so, whatever the compactor lags.
  world.acceptPastMs = 30 * DAY_MS;
  for (let hour = 0; hour < 3; hour += 1) {
    world.nowMs += HOUR_MS;
    await count('/b');
    await world.account({ retentions: FOREVER, acceptFutureMs: FUTURE_MS });
    assert.deepEqual(await list(), [[2n], 'final', true], `hour ${hour}`);
    if (hour === 1) await world.compact();
  }
});

test('no list is final over a segment that is still open', async () => {
  const { world, count, run } = await start();
  world.acceptPastMs = DAY_MS;
  const atMs = WORLD_START_MS - 10 * HOUR_MS;
  const pending = await world.commit(worldShard(0), [viewed('/a', 1, atMs)]);
  const query = () => parseTopQuery('view', { by: 'hour', at: String(atMs) }, world.nowMs);
  const state = async () =>
    (await readTop(query(), world.queryPorts(), { retentions: FOREVER })).answer.state;
  for (let hour = 0; hour < 48; hour += 1) {
    world.nowMs += HOUR_MS;
    await count('/b');
    await run(FOREVER);
  }
  assert.equal((await world.state.readState()).hours.covers.open.length, 1);
  // As if the watermark did not wait for it.
  const watermark = await world.ledger.readWatermark();
  const seen = { throughMs: world.nowMs, acceptedFromMs: world.nowMs - DAY_MS, acceptedToMs: 0 };
  await world.ledger.putWatermark(raisedWatermark(watermark, seen, undefined, world.nowMs));
  assert.equal(await state(), 'provisional');
  await world.write(pending);
  world.nowMs += HOUR_MS;
  await count('/b');
  await run(FOREVER);
  assert.equal(await state(), 'final');
});
