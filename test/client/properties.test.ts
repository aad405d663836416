// With any fault between the client and Tally, an event is counted once or reported, never twice, and never lost silently.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { TallyStats, Undelivered } from '../../client/src/index.ts';
import { ClientWorld } from './support/client-world.ts';
import { type Fault, ModelTally } from './support/model-tally.ts';

/** Longer than all the faults of a run together. */
const WEEK_MS = 7 * 86_400_000;

// A broken-off request may still arrive, half a minute later at most (client/src/options.ts, TRANSIT_MS).
const faults: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({ kind: fc.constant('lost' as const) }),
  fc.record({
    kind: fc.constant('stored' as const),
    arrivesMs: fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.integer({ min: 0, max: 59_000 })),
    answersMs: fc.integer({ min: 0, max: 5_000 }),
    says: fc.constantFrom(
      'yes' as const,
      'reset' as const,
      'silence' as const,
      500 as const,
      503 as const,
      200 as const,
    ),
  }),
  fc.record({
    kind: fc.constant('turnedAway' as const),
    says: fc.constantFrom(
      200 as const,
      429 as const,
      500 as const,
      502 as const,
      413 as const,
      'throttled' as const,
      'silence' as const,
    ),
    retryAfter: fc.constantFrom(undefined, '0', '7', '300', '3600'),
  }),
);

const runs = fc.record({
  faults: fc.array(faults, { maxLength: 60, size: 'max' }),
  // Pauses between events, in milliseconds.
  pauses: fc.array(fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 3_000 })), {
    minLength: 1,
    maxLength: 60,
    size: 'max',
  }),
  idEvery: fc.constantFrom(0, 1, 3),
  options: fc.record({
    batchEvents: fc.integer({ min: 1, max: 30 }),
    batchDelayMs: fc.integer({ min: 0, max: 2_000 }),
    bufferEvents: fc.integer({ min: 1, max: 60 }),
    whenFull: fc.constantFrom('drop-newest', 'drop-oldest', 'wait'),
    concurrency: fc.integer({ min: 1, max: 4 }),
    giveUpAfterMs: fc.constantFrom(0, 20_000, 3_000_000, 3_540_000),
    backoff: fc.constantFrom({ baseMs: 200, capMs: 30_000 }, { baseMs: 10_000, capMs: 120_000 }),
  }),
  randoms: fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
  wrongEvery: fc.constantFrom(2, 7, 1_000),
  closeAfterMs: fc.constantFrom(0, 10, 60_000, WEEK_MS),
});

test('every event is counted exactly once, or reported', async () => {
  const seen = { accepted: 0, rejected: 0, givenUp: 0, dropped: 0, perhaps: 0, duplicate: 0 };
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      const world = new ClientWorld(() => run.randoms.next().value);
      const tally = new ModelTally(world, run.faults);
      tally.refuses = (entity) => Number(entity.slice(1)) % run.wrongEvery === run.wrongEvery - 1;
      world.service = tally.service;
      const client = world.client(run.options);
      world.afterStep = () => checkStats(client.stats(), run.options.bufferEvents);

      const rooms: Promise<boolean>[] = [];
      for (const [order, pauseMs] of run.pauses.entries()) {
        const details = run.idEvery !== 0 && order % run.idEvery === 0 ? { id: `id-${order}` } : {};
        rooms.push(client.count('view', `/${order}`, 1, details));
        world.afterStep();
        await world.advance(pauseMs);
      }
      const stats = await world.until(client.close({ deadlineMs: run.closeAfterMs }));
      // Requests in flight when the client closed may still arrive.
      await world.advance(120_000);

      checkStats(stats, 0);
      assert.equal((await Promise.all(rooms)).length, run.pauses.length, 'no caller is left waiting');
      const reports = [...world.rejected, ...world.givenUp, ...world.dropped];
      checkReports(reports, tally, stats);
      checkKeys(world.requests);
      // With enough time every event reaches an end: nothing hangs, nothing is forgotten.
      const cutOff = reports.filter(({ reason }) => reason.includes('was closed'));
      if (run.closeAfterMs === WEEK_MS) assert.deepEqual(cutOff, []);
      assert.equal(world.timers, 0, 'nothing is left behind');
      seen.accepted += stats.accepted;
      seen.rejected += stats.rejected;
      seen.givenUp += stats.givenUp;
      seen.dropped += stats.dropped;
      seen.duplicate += tally.duplicates;
      seen.perhaps += reports.filter(({ mayBeCounted }) => mayBeCounted).length;
    }),
    { numRuns: 500 },
  );
  // The property is meaningful only if all of these happen.
  for (const [fate, events] of Object.entries(seen)) assert.ok(events > 20, `${fate}: ${events}`);
});

function checkStats(stats: TallyStats, bufferEventsMax: number): void {
  const { offered, accepted, rejected, givenUp, dropped, buffered, waiting } = stats;
  assert.equal(offered, accepted + rejected + givenUp + dropped + buffered + waiting);
  assert.ok(buffered <= bufferEventsMax, `${buffered} events in a buffer for ${bufferEventsMax}`);
}

function checkReports(reports: readonly Undelivered[], tally: ModelTally, stats: TallyStats): void {
  const reported = new Map(reports.map((report) => [report.event.entity, report]));
  assert.equal(reported.size, reports.length, 'reported once');
  for (let order = 0; order < stats.offered; order += 1) {
    const entity = `/${order}`;
    const times = tally.counted.get(entity) ?? 0;
    const report = reported.get(entity);
    if (report === undefined) assert.equal(times, 1, `${entity} was accepted and counted ${times} times`);
    else
      assert.ok(times === 0 || (times === 1 && report.mayBeCounted), `${entity}: ${times}, ${report.reason}`);
  }
}

/** A key names one body, after any fault. */
function checkKeys(requests: readonly { readonly batch: string | undefined; readonly body: string }[]): void {
  const bodies = new Map<string, string>();
  for (const { batch, body } of requests) {
    if (batch === undefined) continue;
    assert.equal(bodies.get(batch) ?? body, body, batch);
    bodies.set(batch, body);
  }
}
