// The compactor's use case: finish planned epochs and plan due ones, for all levels in turn.
import { acceptedFromOf, progressOfShards, runMaxOf } from '../accountant/shard-progress.ts';
import { lastEntered } from '../core/checkpoint.ts';
import {
  areHoursDue,
  bytesToRead,
  type CompactionPlan,
  type CompactionState,
  type Coverage,
  type CoveredSegments,
  closesBeforeMs,
  forUpperLevels,
  isCovered,
  isSameCoverage,
  isUpperDue,
  nextCoverage,
  type ShardEntries,
} from '../core/compaction.ts';
import { completeFromMs, completeThroughMs } from '../core/completeness.ts';
import type { ShardKey } from '../core/identifiers.ts';
import { LEVELS, type Level, type Retentions, type UpperLevel } from '../core/level.ts';
import type { SegmentEntry } from '../core/segment-entry.ts';
import { retentionsKept } from '../core/watermark.ts';
import { DeltasMissing } from './epoch-rows.ts';
import { keepWhileOpen } from './keep-while-open.ts';
import { withoutLostParts } from './lost-parts.ts';
import { BlockChanged } from './merge-period.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './ports.ts';
import { runEpoch } from './run-epoch.ts';

/**
 * Compacts what is due, while there is time. Compactors may run concurrently, crash at any point, and be followed by others.
 * @throws DeltasMissing when a planned segment's deltas differ from the ledger: nothing after it is compacted
 */
export async function compact(
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
): Promise<CompactionReport> {
  const report: CompactionReport = { epochs: { hours: 0, days: 0, months: 0, all: 0 }, unfinished: false };
  // A step of each level in turn: the hours may be due again at once, and must not hold up the others.
  for (let again = true; again && !report.unfinished; ) {
    again = false;
    for (const level of LEVELS) {
      if (!report.unfinished && (await compactLevel(level, ports, settings, hasTime, report))) again = true;
    }
  }
  return report;
}

/** One step of a level: runs its planned epoch, or plans a due one. @returns whether another may follow */
async function compactLevel(
  level: Level,
  ports: CompactorPorts,
  settings: CompactorSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<boolean> {
  if (!hasTime()) {
    report.unfinished = true;
    return false;
  }
  const state = await ports.state.readState();
  if (state[level].plan === undefined) {
    const plan =
      level === 'hours'
        ? await planHours(state, ports, settings)
        : await planUpper(state, level, ports, settings);
    if (plan === undefined) return false;
    const closesMs = level === 'hours' ? undefined : plan.closedBeforeMs[level];
    await ports.state.putPlan(state, level, plan, closesMs);
    // This run or another planned it: read the state again and run it.
    return true;
  }
  const outcome = await runPlan(state, level, ports, hasTime);
  if (outcome === 'done') report.epochs[level] += 1;
  if (outcome === 'no-time') report.unfinished = true;
  return !report.unfinished;
}

/**
 * Finishes the plans in progress without planning more, for a recount, which needs every level at rest.
 * @returns why one cannot be finished: its deltas are missing; undefined when all are done
 */
export async function finishPlans(ports: CompactorPorts): Promise<string | undefined> {
  try {
    for (const level of LEVELS) {
      for (;;) {
        const state = await ports.state.readState();
        if (state[level].plan === undefined) break;
        await runPlan(state, level, ports, () => true);
      }
    }
    return undefined;
  } catch (error) {
    if (error instanceof DeltasMissing) return error.message;
    throw error;
  }
}

/** Runs a level's planned epoch. @returns `again`: it changed meanwhile, so the state must be read again */
async function runPlan(
  state: CompactionState,
  level: Level,
  ports: CompactorPorts,
  hasTime: () => boolean,
): Promise<'done' | 'again' | 'no-time'> {
  try {
    return (await runEpoch(state, level, ports, hasTime)) ? 'done' : 'no-time';
  } catch (error) {
    const isRetried = error instanceof BlockChanged;
    if (!isRetried && !(error instanceof DeltasMissing)) throw error;
    // Another compactor may have finished the epoch meanwhile, and its deltas may have expired since.
    const { epoch } = (await ports.state.readState())[level];
    if (!isRetried && epoch === state[level].epoch) throw error;
    return 'again';
  }
}

/** The next epoch of the hours; undefined if it is not due, or has nothing to take. */
async function planHours(
  state: CompactionState,
  ports: CompactorPorts,
  settings: CompactorSettings,
): Promise<CompactionPlan | undefined> {
  const { ledger, clock } = ports;
  const { covers, epoch, events } = state.hours;
  const nowMs = clock.nowMs();
  const following: ShardEntries[] = [];
  const reopened: { shard: ShardKey; entry: SegmentEntry }[] = [];
  let unreadBytes = 0;
  /** Some shard has more segments than one epoch takes: the next epoch is due at once. */
  let isMore = false;
  const eventsMax = eventsMaxOf(settings);
  const asToPlan = async (shard: ShardKey, given: SegmentEntry) => {
    const entry = await withoutLostParts(shard, given, ports, settings.giveUpAfterMs);
    await keepWhileOpen(shard, entry, ports);
    return entry;
  };
  const ends = new Map<ShardKey, number>();
  for (const shard of await ledger.shards()) ends.set(shard, lastEntered(await ledger.readHead(shard)));
  const waiting = [...ends].filter(([shard, end]) => end > (covers.through[shard] ?? 0)).length;
  for (const [shard, end] of ends) {
    const entries: SegmentEntry[] = [];
    let events = 0;
    for await (const entry of ledger.entriesUp(shard, covers.through[shard] ?? 0, end)) {
      entries.push(await asToPlan(shard, entry));
      events += entry.accounts.emitted;
      // An epoch takes no more of a shard: after a standstill, the rest may not fit into memory.
      if (events <= eventsMax / waiting && entries.length < ENTRIES_MAX / waiting) continue;
      isMore ||= entry.segment < end;
      break;
    }
    unreadBytes += bytesToRead(entries);
    following.push({ shard, entries });
    const open = covers.open.filter((place) => place.shard === shard).map(({ segment }) => segment);
    for (const entry of await ledger.readEntries(shard, open)) {
      reopened.push({ shard, entry: await asToPlan(shard, entry) });
    }
  }
  if (!isMore && !areHoursDue(state, unreadBytes, nowMs, settings.cadence)) return undefined;
  const next = nextCoverage(covers, reopened, following, nowMs, eventsMax, settings.openMax);
  if (isSameCoverage(next, covers)) return undefined;
  const retentions = await retentionsOf(ports, settings);
  if (retentions === undefined) return undefined;
  // Late rows are set aside under ranges of this length: readers query only registered ones.
  await ports.state.registerRangeBits(settings.slotBits, nowMs);
  const all = [
    ...reopened,
    ...following.flatMap(({ shard, entries }) => entries.map((entry) => ({ shard, entry }))),
  ];
  const taken = all
    .filter(({ shard, entry }) => isCovered(next, shard, entry.segment))
    .reduce((sum, { entry }) => sum + entry.accounts.emitted, 0);
  return {
    covers: { ...next, ...(await boundsOf(next, covers, ports, settings)) },
    blockBytes: settings.blockBytes,
    slotBits: settings.slotBits,
    plannedAtMs: nowMs,
    retentions,
    deletions: state.deletions,
    closedBeforeMs: state.closing,
    hourEpoch: epoch + 1,
    events: events + taken,
  };
}

/** Maximum segments that a plan reads: an entry can take some 7 KB. */
const ENTRIES_MAX = 50_000;

/** Maximum events of an epoch: more of a hash range may not fit into memory, nor into one run. */
function eventsMaxOf({ rangeEventsMax, slotBits }: CompactorSettings): number {
  return rangeEventsMax * 2 ** slotBits;
}

/** What is known of everything that a coverage lacks: when it arrived at the earliest, and when it happened. */
async function boundsOf(
  { through, open }: CoveredSegments,
  before: Coverage,
  { ledger, stream }: CompactorPorts,
  { generation }: CompactorSettings,
): Promise<Pick<Coverage, 'floorMs' | 'acceptedFromMs'>> {
  const wholeThrough = (shard: ShardKey) => {
    const firstOpen = Math.min(...open.filter((one) => one.shard === shard).map(({ segment }) => segment));
    return Math.min(through[shard] ?? 0, firstOpen - 1);
  };
  const shards = await progressOfShards(ledger, stream, generation, async (shard) => {
    const head = await ledger.readHead(shard);
    if (head === undefined) return { head, done: 0, doneRunMaxMs: 0 };
    const done = through[shard] ?? 0;
    const doneRunMaxMs = await runMaxOf(shard, head, done, ledger);
    const doneAcceptedFromMs = await acceptedFromOf(shard, head, wholeThrough(shard), ledger);
    return { head, done, doneRunMaxMs, doneAcceptedFromMs };
  });
  // Open segments have deltas of their own to find them by, but what they accepted is missing.
  const whole = shards.map((one) => ({ ...one, done: wholeThrough(one.shard) }));
  return {
    floorMs: Math.max(before.floorMs, completeThroughMs(shards)),
    // A stream that replaces this one accepts what the watermark says.
    acceptedFromMs: Math.max(
      before.acceptedFromMs ?? 0,
      Math.min(completeFromMs(whole), (await ledger.readWatermark()).acceptedFromMs),
    ),
  };
}

/**
 * Retentions as recorded in the ledger: raising a setting does not bring expired counts back. Undefined while the accountant has
 * recorded none: readers could not know when blocks made before that expire.
 */
async function retentionsOf(
  { ledger }: CompactorPorts,
  { retentions }: CompactorSettings,
): Promise<Retentions | undefined> {
  const watermark = await ledger.readWatermark();
  const expires = Object.values(retentions).some((retention) => retention !== undefined);
  return watermark.kept === undefined && expires ? undefined : retentionsKept(watermark, retentions);
}

/** The next epoch of an upper level: everything the hours cover; undefined if it is not due. */
async function planUpper(
  state: CompactionState,
  level: UpperLevel,
  ports: CompactorPorts,
  settings: CompactorSettings,
): Promise<CompactionPlan | undefined> {
  const { blockBytes, slotBits } = settings;
  const { hours } = state;
  // The hours' closing times must not change within one of their epochs.
  if (hours.plan !== undefined) return undefined;
  const nowMs = ports.clock.nowMs();
  if (!isUpperDue(state, level, slotBits, nowMs, eventsMaxOf(settings))) return undefined;
  const retentions = await retentionsOf(ports, settings);
  if (retentions === undefined) return undefined;
  const closesMs = closesBeforeMs(level, state, nowMs);
  return {
    covers: hours.covers,
    blockBytes,
    slotBits,
    plannedAtMs: nowMs,
    retentions,
    deletions: state.deletions,
    closedBeforeMs: forUpperLevels((each) => (each === level ? closesMs : 0)),
    hourEpoch: hours.epoch,
    events: hours.events,
  };
}
