// The audit in memory: however it is cut into pages it says the same, and what it holds at once is bounded.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';
import { auditPage, beginAudit } from '../../lambdas/auditor/audit.ts';
import { AUDIT_LIMITS, type AuditLimits } from '../../lambdas/auditor/limits.ts';
import { InvalidAuditRequest } from '../../lambdas/counting/audit-request.ts';
import { itemName } from '../../lambdas/counting/audit-rows.ts';
import { type AuditState, auditProgress, auditReport } from '../../lambdas/counting/audit-state.ts';
import { counterKey } from '../../lambdas/counting/counter-item.ts';
import { entityHash } from '../../lambdas/counting/deleted-entities.ts';
import { parseShardKey } from '../../lambdas/counting/identifiers.ts';
import { HOUR_MS } from '../../lambdas/counting/time.ts';
import { auditWorld } from '../support/audit-world.ts';
import { record } from '../support/records.ts';

const HOUR = Date.UTC(2026, 10, 22, 5);
const BUCKET = '2026-11-22T05';
const RANGE = { fromMs: HOUR, toMs: HOUR + HOUR_MS };
const SMALL: AuditLimits = {
  partitions: 8,
  spillBytes: 200,
  compareBytes: 400,
  itemsAtOnce: 2,
  scratchBytes: 1e9,
};

/** Two shards of five segments, each with events of a few entities, some of them before or after the hour. */
function world(segments = 5, entities = 7) {
  const shards = ['1.0', '1.1'].map((key, shard) => {
    const records = Array.from({ length: segments }, (_, segment) =>
      Array.from({ length: 4 }, (_, index) => {
        const position = segment * 10 + index;
        const at = HOUR + (position % 70) * 60_000;
        const event = { id: `${shard}-${position}`, entity: `/${(position + shard) % entities}`, at };
        return record(position, event, HOUR + 2 * HOUR_MS);
      }),
    );
    return [parseShardKey(key), records] as const;
  });
  return auditWorld(new Map(shards));
}
type World = ReturnType<typeof world>;

/** Spoils an item in one of the ways in which items can be wrong. */
function tamper({ counters: { items }, entries, records }: World, how: string): void {
  const name = (entity: string) => itemName(counterKey('view', entity, BUCKET));
  const item = items.get(name('/0'));
  assert.ok(item);
  const put = (entity: string, change: object) => items.set(name(entity), { ...item, ...change });
  const tricks: Record<string, () => void> = {
    minute: () => put('/0', { minutes: new Map([...item.minutes, [59, 7n]]) }),
    'a segment gone': () => put('/0', { applied: new Set([...item.applied].slice(1)) }),
    'a stranger': () => put('/0', { applied: new Set([...item.applied, '9.9.9']) }),
    deleted: () => items.delete(name('/1')),
    invented: () => put('/new "name"', { applied: new Set() }),
    // Nothing can be said of what the stream no longer holds.
    trimmed: () => {
      for (const [shard, all] of records) records.set(shard, all.slice(6));
    },
    'an entry gone': () => entries.get(parseShardKey('1.0'))?.splice(2, 1),
  };
  tricks[how]?.();
}
const TRICKS = ['minute', 'a segment gone', 'a stranger', 'deleted', 'invented', 'trimmed', 'an entry gone'];

let audits = 0;
const begin = ({ ports }: World, repair = false) =>
  beginAudit(
    { id: (audits++).toString(16).padStart(32, '0'), range: RANGE, repair, startedAtMs: HOUR },
    ports,
  );

/** Goes from page to page; each has the time of so many steps, as `times` says, the last one for all that follow. */
async function follow(
  at: World,
  times: readonly number[],
  repair = false,
  limits = SMALL,
): Promise<AuditState[]> {
  const states = [await begin(at, repair)];
  for (let page = 0; ; page += 1) {
    const last = states.at(-1);
    assert.ok(last);
    if (last.position.phase === 'done') return states;
    let left = times[Math.min(page, times.length - 1)] ?? 0;
    states.push(await auditPage(last, at.ports, () => left-- > 0, limits));
    assert.ok(states.length < 2_000, 'the audit does not end');
  }
}
const endOf = (states: readonly AuditState[]) => {
  const last = states.at(-1);
  assert.ok(last);
  return auditReport(last);
};
const forEver = [Number.POSITIVE_INFINITY];

test('what was counted passes', async () => {
  const report = endOf(await follow(world(), forEver));
  assert.deepEqual([report.segments, report.differences, report.segmentsUnaudited], [10, [], []]);
  assert.equal(report.items, 7);
  assert.equal(endOf(await follow(world(), forEver, false, AUDIT_LIMITS)).items, 7);
});

test('cut after every number of steps, with each kind of tampering, it says what it says in one go', async () => {
  for (const how of TRICKS) {
    const tampered = () => {
      const at = world();
      tamper(at, how);
      return at;
    };
    const whole = endOf(await follow(tampered(), forEver));
    const wrong = whole.differences.length + whole.segmentsUnaudited.length;
    assert.ok(wrong > 0, how);
    const pagesOf = async (steps: number) => {
      const states = await follow(tampered(), [steps]);
      assert.deepEqual(endOf(states), whole, `${how}, ${steps} steps a page`);
      return states.length - 1;
    };
    let steps = 0;
    while ((await pagesOf(steps)) > 1) steps += 1;
    assert.ok(steps > 10, `${how}: ${steps} steps`);
  }
});

test('cut anywhere, pages asked for twice, by two at once, with repair: one report, one repair of each item', async () => {
  const cuts = fc.array(fc.nat(12), { minLength: 1, maxLength: 20 });
  const tricks = fc.uniqueArray(fc.constantFrom(...TRICKS.slice(0, 5)), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(cuts, tricks, fc.nat(40), async (times, hows, again) => {
      const tampered = () => {
        const at = world();
        for (const how of hows) tamper(at, how);
        return at;
      };
      const whole = endOf(await follow(tampered(), forEver, true));
      const at = tampered();
      const states = await follow(at, times, true);
      assert.deepEqual(endOf(states), whole);
      assert.equal(whole.repaired, whole.itemsDiffering);
      const repairs = at.repairs.length;
      // Somebody sends an old cursor once more, and another one at the same time.
      const old = states[again % states.length];
      assert.ok(old);
      const ends = await Promise.all([1, 2].map(() => auditPage(old, at.ports, () => true, SMALL)));
      for (const end of ends) assert.deepEqual(auditReport(end), whole);
      assert.equal(at.repairs.length, repairs);
      assert.deepEqual(endOf(await follow(at, [3])).differences, []);
    }),
    { numRuns: 40 },
  );
});

test('two who go on with one audit from its beginning come to one report', async () => {
  const at = world();
  tamper(at, 'minute');
  const first = await begin(at);
  const ends = await Promise.all(
    [3, 7].map(async (steps) => {
      // Containers share nothing but what is set aside.
      const ports = { ...at.ports, windows: new DedupWindows() };
      let state = first;
      while (state.position.phase !== 'done') {
        let left = steps;
        state = await auditPage(state, ports, () => left-- > 0, SMALL);
      }
      return auditReport(state);
    }),
  );
  assert.deepEqual(ends[0], ends[1]);
  assert.equal(ends[0]?.itemsDiffering, 1);
});

test('what is held at once is bounded, however many rows there are', async () => {
  const limits = { ...SMALL, partitions: 64, spillBytes: 4_000, compareBytes: 8_000 };
  for (const segments of [20, 200]) {
    const at = world(segments, 97);
    const states = await follow(at, [5], false, limits);
    assert.deepEqual(endOf(states), endOf(await follow(world(segments, 97), forEver, false, AUDIT_LIMITS)));
    assert.ok(at.scratch.spills.size > segments / 10);
    // A spill may be over by one segment's rows; what is compared is over only when one partition alone is.
    assert.ok(at.scratch.spillBytesMost <= limits.spillBytes + 4 * 120, `${at.scratch.spillBytesMost}`);
    assert.ok(at.scratch.readBytesMost <= limits.compareBytes, `${at.scratch.readBytesMost}`);
  }
  const refused = follow(world(200, 97), [5], false, { ...limits, scratchBytes: 10_000 });
  await assert.rejects(refused, InvalidAuditRequest);
});

test('runs of segments of which nothing can be said are named with their reason, and no more is said of them', async () => {
  const at = world();
  tamper(at, 'trimmed');
  const { segmentsUnaudited, segments, differences } = endOf(await follow(at, [2]));
  assert.deepEqual(segmentsUnaudited, [
    { first: '1.0.1', last: '1.0.2', segments: 2, reason: 'trimmed' },
    { first: '1.1.1', last: '1.1.2', segments: 2, reason: 'trimmed' },
  ]);
  assert.deepEqual([segments, differences], [6, []]);
});

test('progress grows within a phase, and phases follow each other', async () => {
  const states = await follow(world(), [0]);
  const order = ['produce', 'scan', 'compare', 'done'];
  let [phase, share] = [0, 0];
  for (const state of states) {
    const progress = auditProgress(state, SMALL.partitions);
    const at = order.indexOf(progress.phase);
    assert.ok(at >= phase);
    if (at > phase) share = 0;
    phase = at;
    assert.ok((progress.share ?? share) >= share && (progress.share ?? 0) <= 1, JSON.stringify(progress));
    share = progress.share ?? share;
  }
  assert.equal(phase, 3);
});

test('an entity deleted on request is not missed, whether before the audit or between its phases', async () => {
  const remove = (at: World) => {
    for (const name of at.counters.items.keys()) if (name.startsWith('["/1"')) at.counters.items.delete(name);
  };
  const before = world();
  remove(before);
  assert.ok(endOf(await follow(before, forEver)).itemsDiffering > 0);
  before.deleted.set(entityHash('/1'), HOUR + 3 * HOUR_MS);
  assert.equal(endOf(await follow(before, forEver)).itemsDiffering, 0);

  const between = world();
  let state = await begin(between, true);
  while (state.position.phase === 'produce')
    state = await auditPage(state, between.ports, () => false, SMALL);
  remove(between);
  between.deleted.set(entityHash('/1'), state.startedAtMs + 1);
  const { itemsDiffering, repaired } = auditReport(await auditPage(state, between.ports, () => true, SMALL));
  assert.deepEqual([itemsDiffering, repaired], [0, 0]);
});
