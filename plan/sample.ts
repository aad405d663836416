// Measures what a load costs: the deployed code counts a sample in memory. Two runs, since segments and blocks need different samples.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { nameHash, rangeOf } from '../lambdas/core/hash-range.ts';
import { type CountSettings, countingStack, START_MS } from './count.ts';
import { Meter } from './meter.ts';
import { entityName, firstAbove, hashSlotsFor, shardsFor, type Workload, zipf } from './workload.ts';

const METRIC = 'view';
const HOUR_SECONDS = 3_600;
/** The Kinesis PUT payload unit. aws.amazon.com/kinesis/data-streams/pricing */
const PUT_UNIT_BYTES = 25 * 1024;
/** How often the stack compacts. */
const COMPACTION_SECONDS = 300;

/** Figures per event. */
export interface Sampled {
  /** Write units by purpose. */
  readonly writeUnits: Readonly<Record<string, number>>;
  readonly readUnits: number;
  readonly sqsRequests: number;
  readonly putUnits: number;
  readonly shards: number;
  readonly hashSlots: number;
  readonly segmentsPerSecond: number;
  /** Approximate bytes of deltas that a query about the open hour reads, just before they are compacted. */
  readonly uncompactedBytes: number;
}

/** Numbers in [0, 1). */
type Random = () => number;

/** Counts samples of a load: two runs. @param events maximum events of each */
export async function sample(workload: Workload, events: number): Promise<Sampled> {
  const { eventsPerRecord, eventBytes } = workload;
  const generator = xoroshiro128plus(1);
  const random = () => (generator.next() >>> 0) / 2 ** 32;
  const segments = await sampleSegments(workload, events, random);
  const blocks = await sampleBlocks(workload, events, random);
  const deltaUnits = segments.writeUnits.deltas;
  return {
    writeUnits: { ...segments.writeUnits, ...blocks.writeUnits },
    // Each level reads a delta once, four write units to a read unit.
    readUnits: segments.readUnits + blocks.readUnits + deltaUnits,
    sqsRequests: segments.sqsRequests,
    putUnits: Math.ceil((eventsPerRecord * eventBytes) / PUT_UNIT_BYTES) / eventsPerRecord,
    shards: shardsFor(workload),
    hashSlots: hashSlotsFor(workload),
    segmentsPerSecond: workload.eventsPerSecond / segments.eventsASegment,
    uncompactedBytes:
      (deltaUnits * 1024 * workload.eventsPerSecond * COMPACTION_SECONDS) / segments.deltasASegment,
  };
}

function stackFor(workload: Workload, cadence: Pick<CountSettings, 'windowSeconds' | 'compactionSeconds'>) {
  const meter = new Meter();
  const settings = { ...cadence, hashSlots: hashSlotsFor(workload), dedupWindowSeconds: 60 };
  return { meter, stack: countingStack(settings, meter) };
}

/** A window ends when its batch is full (lib/aggregator.ts). docs: lambda/latest/dg/services-kinesis-create.html */
const BATCH_RECORDS = 10_000;
const BATCH_BYTES = 6 * 1024 * 1024;

/** One shard at its full rate, for as many windows as the sample has events: the cost of segments, ids and deltas. */
async function sampleSegments(workload: Workload, eventsMax: number, random: Random) {
  const { eventsPerRecord, eventBytes } = workload;
  const rate = workload.eventsPerSecond / shardsFor(workload);
  const fullSeconds = Math.min((BATCH_RECORDS * eventsPerRecord) / rate, BATCH_BYTES / (rate * eventBytes));
  const windowSeconds = Math.min(workload.windowSeconds, Math.ceil(fullSeconds));
  const compactionSeconds = Number.MAX_SAFE_INTEGER;
  const { meter, stack } = stackFor(workload, { windowSeconds, compactionSeconds });
  const windows = Math.max(3, Math.min(60, Math.floor(eventsMax / (rate * windowSeconds))));
  const events = Math.max(3, Math.floor(windows * rate * windowSeconds));
  const rank = zipf(workload.entities, workload.skew, random);
  for (let from = 0; from < events; from += eventsPerRecord) {
    const arrivalMs = START_MS + Math.floor((from * 1000) / rate);
    const record = Array.from({ length: Math.min(eventsPerRecord, events - from) }, (_, index) => ({
      id: `${from + index}`,
      metric: METRIC,
      entity: entityName(rank(), workload.names),
      atMs: arrivalMs,
    }));
    await stack.take(arrivalMs, record, eventsPerRecord > 1 ? `${from}` : undefined);
  }
  await stack.finish(0);
  const each = (purpose: string) => meter.total(purpose).writeUnits / events;
  return {
    writeUnits: { deltas: each('deltas'), ids: each('ids'), ledger: each('ledger') },
    readUnits: meter.total('ledger').readUnits / events,
    sqsRequests: meter.sqsRequests / events,
    eventsASegment: events / stack.segments(),
    // A delta takes at least one write unit; a wide one covers all slots.
    deltasASegment: meter.total('deltas').writeUnits / stack.segments() < 4 ? 1 : hashSlotsFor(workload),
  };
}

/** Minimum entities of a sample: with fewer, single ones would dominate. */
const SAMPLE_ENTITIES_MIN = 60;

/**
 * A day of the entities in one hash range: the cost of blocks and top lists. The tree of blocks below a range is the same as if
 * all other ranges were counted, too.
 */
async function sampleBlocks(workload: Workload, eventsMax: number, random: Random) {
  const dayEvents = workload.eventsPerSecond * 24 * HOUR_SECONDS;
  const most = Math.max(0, Math.floor(Math.log2(workload.entities / SAMPLE_ENTITIES_MIN)));
  const bits = Math.min(most, Math.max(0, Math.ceil(Math.log2(dayEvents / eventsMax))));
  const { names, weights } = entitiesIn(workload, bits);
  const rate = (workload.eventsPerSecond * names.length) / workload.entities;
  const seconds = Math.min(24 * HOUR_SECONDS, Math.max(HOUR_SECONDS, Math.floor(eventsMax / rate)));
  // A sample of a few entities' many events suffices: a block has one row per entity, however many events it counts.
  const sampleRate = Math.min(rate, eventsMax / seconds);
  const { meter, stack } = stackFor(workload, { windowSeconds: 60, compactionSeconds: COMPACTION_SECONDS });
  const events = Math.floor(sampleRate * seconds);
  for (let index = 0; index < events; index += 1) {
    const atMs = START_MS + Math.floor((index * 1000) / sampleRate);
    const entity = names[firstAbove(weights, random())] ?? '';
    await stack.take(atMs, [{ id: `${index}`, metric: METRIC, entity, atMs }]);
  }
  await stack.finish(0);
  const perEvent = (purpose: string) => meter.total(purpose).writeUnits / (rate * seconds);
  // All ranges share one top list.
  const tops = meter.total('top lists').writeUnits / (workload.eventsPerSecond * seconds);
  return {
    writeUnits: {
      'blocks of hours': perEvent('blocks of hours'),
      'blocks of days': perEvent('blocks of days'),
      'blocks of months and all time': perEvent('blocks of months'),
      'top lists and late rows': tops + perEvent('late'),
    },
    readUnits: meter.total('blocks').readUnits / (rate * seconds),
  };
}

/**
 * The entities of the first range of `bits` bits, and the sum of their shares. Each represents as many entities of adjacent rank
 * as there are ranges, with their mean share, so that it does not matter whether the most frequent ones are in the range.
 */
function entitiesIn({ entities, skew, names }: Workload, bits: number) {
  const first = '0'.repeat(bits);
  const some: string[] = [];
  for (let rank = 0; rank < entities; rank += 1) {
    const name = entityName(rank, names);
    if (rangeOf(nameHash(METRIC, name), bits) === first) some.push(name);
  }
  const upTo: number[] = new Array(some.length).fill(0);
  let all = 0;
  for (let rank = 0; rank < entities; rank += 1) {
    all += (rank + 1) ** -skew;
    upTo[Math.floor((rank * some.length) / entities)] = all;
  }
  return { names: some, weights: upTo.map((weight) => weight / all) };
}
