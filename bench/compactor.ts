// How much of one function's time compaction takes: five minutes of a load in a few of 64 hash slots, through all four levels.
// The cost of an epoch apart from its rows (the ledger's entries) follows from the difference between one slot and several.
import { compact } from '../lambdas/compactor/compact.ts';
import { noAccounts } from '../lambdas/core/accounts.ts';
import { holds, nameHash, rangesOf, WHOLE_RANGE } from '../lambdas/core/hash-range.ts';
import {
  parseSequenceNumber,
  parseShardId,
  type ShardId,
  segmentId,
  shardKey,
} from '../lambdas/core/identifiers.ts';
import { compareRows, encodeRows, type Row } from '../lambdas/core/rows.ts';
import { type Head, planSegment } from '../lambdas/core/segment.ts';
import { lostEntry } from '../lambdas/core/segment-entry.ts';
import { HOUR_MS } from '../lambdas/core/time.ts';
import { LedgerTable } from '../lambdas/ledger/ledger-table.ts';
import { CompactionStateTable } from '../lambdas/store/state-table.ts';
import { StoreTable } from '../lambdas/store/store-table.ts';
import { compactionOf, START_MS } from '../plan/count.ts';
import { Meter, meteredAws, TABLES } from '../plan/meter.ts';
import { entityName, shardsFor, USUAL_WORKLOAD } from '../plan/workload.ts';
import { median, processorMs } from './end-to-end/figures.ts';

const { rate, rounds }: { rate: number; rounds: number } = JSON.parse(process.argv[2] ?? '{}');
const SLOT_BITS = 6;
const EPOCH_SECONDS = 300;
const METRIC = 'view';
const WINDOW_SECONDS = USUAL_WORKLOAD.windowSeconds;
const workload = { ...USUAL_WORKLOAD, eventsPerSecond: rate };
const shards = shardsFor(workload);
const segmentEvents = (workload.eventsPerSecond / shards) * WINDOW_SECONDS;
const SLOTS_MANY = 4;
const slots = rangesOf(SLOT_BITS).slice(0, SLOTS_MANY);
const clock = { nowMs: () => START_MS + 2 * EPOCH_SECONDS * 1000 };

type Expected = readonly (readonly [entity: string, events: number])[];

/** The entities of each slot, and their expected frequency in a segment. */
function expectedInSlots(): readonly Expected[] {
  let all = 0;
  const inside = slots.map((): [string, number][] => []);
  for (let rank = 0; rank < workload.entities; rank += 1) {
    all += 1 / (rank + 1);
    const entity = entityName(rank, 'path');
    const hash = nameHash(METRIC, entity);
    inside[slots.findIndex((slot) => holds(slot, hash))]?.push([entity, 1 / (rank + 1)]);
  }
  return inside.map((some) =>
    some.map(([entity, weight]) => [entity, (segmentEvents * weight) / all] as const),
  );
}

/** The rows of one segment: an entity with an expectation below one event is included with that probability. */
function rowsOf(expected: Expected, arrivalMs: number): Row[] {
  const hour = Math.floor(arrivalMs / HOUR_MS);
  const minute = Math.floor(arrivalMs / 60_000) % 60;
  const rows: Row[] = [];
  for (const [entity, mean] of expected) {
    const events = Math.floor(mean + Math.random());
    if (events > 0)
      rows.push({ metric: METRIC, entity, hour, events, cells: new Map([[minute, BigInt(events)]]) });
  }
  return rows.sort(compareRows);
}

/** Fills some slots of a store with one epoch. @returns a function that compacts it, and how many rows its deltas have */
async function filled(expected: readonly Expected[]) {
  const { dynamoDb } = meteredAws(clock, new Meter()).clients();
  const ledger = new LedgerTable(dynamoDb, TABLES.ledger, clock);
  const store = new StoreTable(dynamoDb, TABLES.counts, clock);
  const state = new CompactionStateTable(dynamoDb, TABLES.ledger);
  const listed: { shard: ShardId; parents: readonly ShardId[] }[] = [];
  let rows = 0;
  for (let number = 0; number < shards; number += 1) {
    const shard = parseShardId(`shardId-${String(number).padStart(12, '0')}`);
    const key = shardKey('1', shard);
    listed.push({ shard, parents: [] });
    await ledger.registerShard(key);
    let head: Head | undefined;
    for (let segment = 1; segment <= EPOCH_SECONDS / WINDOW_SECONDS; segment += 1) {
      const arrivalMs = START_MS + segment * WINDOW_SECONDS * 1000;
      const sequenceNumber = parseSequenceNumber(String(segment));
      const config = { slotBits: SLOT_BITS, dedupWindowMs: 1, acceptPastMs: undefined, acceptFutureMs: 0 };
      const record = { sequenceNumber, arrivalMs, data: new Uint8Array(), batch: undefined, events: [] };
      const plan = planSegment(head, [record], config, []);
      const id = segmentId(key, segment);
      const deltas = expected.map((of, part) => {
        const some = rowsOf(of, arrivalMs);
        rows += some.length;
        const events = some.reduce((sum, row) => sum + row.events, 0);
        const range = slots[part] ?? WHOLE_RANGE;
        return { segment: id, part, range, runMaxMs: plan.runMaxMs, events, rows: encodeRows(some) };
      });
      const received = deltas.reduce((sum, { events }) => sum + events, 0);
      const accounts = { ...noAccounts(), received, emitted: received };
      const entry = { ...lostEntry(plan), lost: false, accounts, parts: deltas, deltaBytes: 0 };
      await ledger.putPlan(key, plan);
      await ledger.putEntryIfAbsent(key, entry);
      head = { ...plan, status: 'sent' };
      await ledger.markSent(key, head);
      for (const delta of deltas) await store.putDelta(delta);
      await ledger.acknowledge(id, [...expected.keys()]);
    }
  }
  return { ports: { state, store, ledger, stream: { shards: async () => listed }, clock }, rows };
}

/** Processor seconds of the epochs of some slots. */
async function compacted(expected: readonly Expected[]): Promise<{ seconds: number; rows: number }> {
  const { ports, rows } = await filled(expected);
  const settings = compactionOf(2 ** SLOT_BITS, 0);
  const beforeMs = processorMs();
  const { epochs } = await compact(ports, settings, () => true);
  const seconds = (processorMs() - beforeMs) / 1000;
  if (Object.values(epochs).some((count) => count !== 1)) throw new Error('not one epoch of each level');
  return { seconds, rows };
}

const expected = expectedInSlots();
const shares: number[] = [];
let rowsASlot = 0;
for (let round = 0; round < rounds; round += 1) {
  const one = await compacted(expected.slice(0, 1));
  const many = await compacted(expected);
  const aSlot = (many.seconds - one.seconds) / (SLOTS_MANY - 1);
  rowsASlot = Math.round(many.rows / SLOTS_MANY);
  shares.push((one.seconds - aSlot + 2 ** SLOT_BITS * aSlot) / EPOCH_SECONDS);
}
const memoryMb = Math.round(process.memoryUsage.rss() / 2 ** 20);
console.log(
  `${workload.eventsPerSecond.toLocaleString('en')} events/s of ${workload.entities.toLocaleString('en')} entities, ${shards} shards: the deltas of five minutes have ${rowsASlot.toLocaleString('en')} rows in each of ${2 ** SLOT_BITS} hash slots.`,
);
console.log(
  `Merging them into hours, days, months and all time takes ${Math.round(100 * median(shares))} % of one processor (median of ${shares.length} rounds; ${shares.map((share) => Math.round(100 * share)).join(', ')}), ${memoryMb} MB at the end.`,
);
