// The aggregator's use case: cut a shard's records into segments; the ledger plans and commits each.
import type { Reached } from '../core/boundaries.ts';
import { deltasOf } from '../core/delta.ts';
import { asAncestor, type GenerationStart, recordsAt, type ShardBeginning } from '../core/generation.ts';
import {
  BEFORE_ALL,
  type SequenceNumber,
  type ShardId,
  type ShardKey,
  segmentId,
  shardIdOf,
  shardKey,
} from '../core/identifiers.ts';
import { rawObject } from '../core/raw-segment.ts';
import { rollUp } from '../core/rollup.ts';
import { encodeMessages } from '../core/rollup-message.ts';
import {
  type Ancestor,
  type Head,
  isSamePlan,
  leadingSegment,
  plannedRecords,
  planSegment,
  ROLLUP_VERSION,
  type RollupConfig,
  recordsAfter,
  type StreamRecord,
} from '../core/segment.ts';
import { emittedEntry } from '../core/segment-entry.ts';
import { DAY_MS } from '../core/time.ts';
import type { Clock, RejectedArchive, RollupQueue, SegmentLedger, StreamLog } from '../ports.ts';
import type { RawArchive } from '../raw-ports.ts';
import type { RangeRegister } from '../store/ports.ts';
import { beginShard } from './begin-shard.ts';
import { GenerationEnded, LogBroken, SegmentMismatch, UnknownRollupVersion } from './errors.ts';
import { giveUp, markSent } from './finish-segment.ts';
import type { SegmentListener } from './segment-listener.ts';
import type { DedupWindows } from './windows.ts';

export interface AggregatorPorts {
  readonly ledger: SegmentLedger;
  readonly log: StreamLog;
  readonly queue: RollupQueue;
  readonly rejected: RejectedArchive;
  /** Undefined: raw records are not archived. */
  readonly raw?: RawArchive | undefined;
  readonly ranges: RangeRegister;
  readonly windows: DedupWindows;
  readonly clock: Clock;
  readonly listener: SegmentListener;
}

export interface AggregatorSettings {
  /** The stream's generation, part of every segment id. */
  readonly generation: string;
  /** Where the generation begins, if it is new to the ledger; `heads` by default. */
  readonly generationFrom?: GenerationStart;
  readonly rollup: RollupConfig;
  /** How long the stream keeps records. */
  readonly streamRetentionMs: number;
  /** Maximum bytes of deltas in one message; one SQS billing unit by default. */
  readonly messageBytesMax?: number;
  /** Maximum bytes of ids in a segment's entry; more get an item of their own. 128 by default. */
  readonly inlineIdsBytesMax?: number;
}

/** Records of one shard, in order. */
export interface Batch {
  readonly shard: ShardId;
  readonly records: readonly StreamRecord[];
}

/** Either the whole batch is in committed segments, or the next invocation must start at a record. */
export type AggregateOutcome = 'done' | { readonly resumeAt: SequenceNumber };

/** What every step needs. */
interface Run {
  readonly ports: AggregatorPorts;
  readonly settings: AggregatorSettings;
}

/**
 * Counts a batch into segments. Repeatable, however the shard's records are cut into batches: records that a segment has are
 * skipped, and a planned segment is finished first, from the stream if necessary.
 * @param hasTime whether there is time for another segment
 * @throws if a segment could not be committed; nothing after it was, so the batch must be delivered again
 */
export async function aggregate(
  batch: Batch,
  ports: AggregatorPorts,
  settings: AggregatorSettings,
  hasTime: () => boolean,
): Promise<AggregateOutcome> {
  const { ledger, listener, clock } = ports;
  const run = { ports, settings };
  const beganMs = clock.nowMs();
  const shard = shardKey(settings.generation, batch.shard);
  let head = await ledger.readHead(shard);
  let { records: own } = batch;
  let ancestors: readonly Ancestor[] = [];
  let known: KnownEnd | undefined = head;
  let published: Reached | undefined;
  if (head === undefined) {
    if (own.length === 0) return 'done';
    const beginning = await begin(batch.shard, beganMs, run);
    own = recordsAt(own, beginning.place);
    if (own.length === 0) return 'done';
    // Register first: if the records are trimmed before any is planned, the accountant can report the shard.
    await ledger.registerShard(shard);
    ancestors = await finishAncestors({ ...batch, records: own }, beginning, run);
    known = knownBefore(beginning);
    const { acceptedFromMs, throughMs } = await ledger.readWatermark();
    published = { acceptedFromMs, reachedMs: throughMs };
  }
  await noteGapBefore(own, shard, known, run);
  for (;;) {
    if (head?.status === 'planned') head = await recover(batch, head, run);
    const fresh = recordsAfter(own, head?.last);
    const first = fresh[0];
    if (first === undefined) return 'done';
    if (head?.status === 'ended')
      throw new GenerationEnded(
        `shard ${shard} ended with segment ${head.segment}: a later generation continues it`,
      );
    if (!hasTime()) return { resumeAt: first.sequenceNumber };
    const records = leadingSegment(fresh);
    const plan = planSegment(head, records, settings.rollup, ancestors, published);
    if ((await ledger.putPlan(shard, plan)) === 'conflict') {
      head = await ledger.readHead(shard);
      // A lost answer makes the SDK resend the plan, which then conflicts with itself: the plan is ours, so continue.
      if (head === undefined || !isSamePlan(head, plan)) continue;
    }
    listener.planned();
    head = await commit(shard, plan, records, run);
  }
}

/** Finishes a planned segment with exactly the planned records. @returns the sent head */
async function recover(batch: Batch, head: Head, run: Run): Promise<Head> {
  const { ports, settings } = run;
  const shard = shardKey(settings.generation, batch.shard);
  ports.listener.recovered();
  const inBatch = plannedRecords(head, batch.records);
  if (inBatch !== undefined) return commit(shard, head, inBatch, run);
  const range = await ports.log.readRange(batch.shard, head.first, head.last);
  const records = plannedRecords(head, range.records);
  if (records !== undefined) return commit(shard, head, records, run);
  if (!range.trimmed) {
    throw new LogBroken(
      `segment ${segmentId(shard, head.segment)}: the stream holds ${range.records.length} of ${head.records} records`,
    );
  }
  ports.listener.lost(segmentId(shard, head.segment), head);
  return giveUp(shard, head, ports.ledger);
}

/** Produces a planned segment and sends it. Every step is repeatable, by any invocation, with the same result. */
async function commit(
  shard: ShardKey,
  head: Head,
  records: readonly StreamRecord[],
  { ports, settings }: Run,
): Promise<Head> {
  const { ledger, queue, rejected, ranges, windows } = ports;
  if (head.version !== ROLLUP_VERSION) throw new UnknownRollupVersion(head.version);
  const id = segmentId(shard, head.segment);
  const window = await windows.before(shard, head, ledger);
  const output = rollUp(records, window, head.config);
  const deltas = deltasOf(id, head.runMaxMs, output.cut);
  if (output.rejected.length > 0) await rejected.keepRejected(id, output.rejected);
  // Before anything is stored under these ranges: readers query only registered ones.
  await ranges.registerRangeBits(head.config.slotBits, ports.clock.nowMs());
  // Before the entry: only archived records may be counted.
  const raw = ports.raw && rawObject(id, head, records);
  if (raw !== undefined) await ports.raw?.keepRaw(raw);
  const deltaBytes = deltas.reduce((sum, { rows }) => sum + rows.byteLength, 0);
  const entry = emittedEntry(head, output, deltaBytes, raw?.digest, settings.inlineIdsBytesMax);
  if (entry.ids === undefined) await ledger.putIds(shard, head.segment, output.ids);
  const existing = await ledger.putEntryIfAbsent(shard, entry);
  if (existing?.lost === true) throw new SegmentMismatch(`segment ${id} was given up as lost meanwhile`);
  if (existing !== undefined && existing.digest !== entry.digest) {
    throw new SegmentMismatch(
      `segment ${id} was produced differently before: ${existing.digest}, now ${entry.digest}`,
    );
  }
  await queue.send(encodeMessages(deltas, output.earliestHourMs ?? 0, settings.messageBytesMax));
  const sent = await markSent(shard, head, entry, ledger);
  windows.remember(shard, sent, output.ids);
  ports.listener.committed(output);
  return sent;
}

/** A dedup window is a day of arrivals at most; clocks differ. */
const ANCESTORS_MS = 2 * DAY_MS;

const always = () => true;

/** Where a shard begins in this generation, after finishing what an earlier one planned of it. */
function begin(shard: ShardId, beganMs: number, { ports, settings }: Run): Promise<ShardBeginning> {
  return beginShard(shard, beganMs, ports, settings, (generation) =>
    aggregate({ shard, records: [] }, ports, { ...settings, generation }, always),
  );
}

/**
 * Ensures that a shard's ancestors are read to their ends and sent: their ids belong to the shard's dedup window, as do
 * those of the same shard in an earlier generation.
 * @returns its nearest ancestors that have segments, and the older ones that a dedup window may reach. The others are in the
 * heads of their own children: here they would grow with every reshard, up to the limit of an item.
 */
async function finishAncestors(
  child: Batch,
  { before, place }: ShardBeginning,
  run: Run,
  looked = new Set<ShardId>(),
): Promise<readonly Ancestor[]> {
  const ancestors = new Map<ShardKey, Ancestor>();
  // By the first record, so that every attempt at this plan freezes the same ancestors.
  const sinceMs = (child.records[0]?.arrivalMs ?? 0) - ANCESTORS_MS;
  const take = (older: readonly Ancestor[], shard: ShardKey, head: Head | undefined) => {
    for (const ancestor of older) {
      if (head === undefined || ancestor.runMaxMs >= sinceMs) ancestors.set(ancestor.shard, ancestor);
    }
    if (head !== undefined) ancestors.set(shard, asAncestor(shard, head));
  };
  if (before !== undefined) take(before.head.ancestors, before.shard, before.head);
  // It planned only after all its ancestors were read to their ends: they hold no more records.
  if (place.after !== undefined) return [...ancestors.values()];
  for (const parent of await run.ports.log.parentsOf(child.shard)) {
    // Halves that were merged again have a parent in common: its ancestors are listed already.
    if (looked.has(parent)) continue;
    looked.add(parent);
    const { head, beginning } = await finishShard(parent, child, run);
    // A parent that never held a record has no head; its own ancestors still count.
    const idle = { ...child, shard: parent };
    const older = head?.ancestors ?? (await finishAncestors(idle, beginning, run, looked));
    take(older, shardKey(run.settings.generation, parent), head);
  }
  return [...ancestors.values()];
}

/** Aggregates what a closed shard still holds. @returns where it begins; its sent head, if it ever held a record */
async function finishShard(
  id: ShardId,
  child: Batch,
  run: Run,
): Promise<{ head: Head | undefined; beginning: ShardBeginning }> {
  const { ports, settings } = run;
  const shard = shardKey(settings.generation, id);
  await aggregate({ shard: id, records: [] }, ports, settings, always);
  const found = await ports.ledger.readHead(shard);
  const beginning: ShardBeginning =
    found === undefined
      ? await begin(id, ports.clock.nowMs(), run)
      : { place: { after: found.last }, before: undefined };
  for await (const records of ports.log.readToEnd(id, beginning.place)) {
    await aggregate({ shard: id, records }, ports, settings, always);
  }
  const after = await ports.ledger.readHead(shard);
  const [first] = child.records;
  const known = after ??
    knownBefore(beginning) ?? {
      last: BEFORE_ALL,
      // All that is known of an unlisted shard: records before the beginning are not ours.
      runMaxMs: (await ports.log.lists(id)) ? (first?.arrivalMs ?? 0) : (beginning.place.fromMs ?? 0),
    };
  await noteGap(shard, known, first?.sequenceNumber, run);
  if (after?.status === 'planned')
    throw new LogBroken(`shard ${shard} is a parent and still has a planned segment`);
  return { head: after, beginning };
}

/** The last record of a shard that is known to be counted, and the running maximum of arrivals up to it. */
type KnownEnd = Pick<Head, 'last' | 'runMaxMs'>;

/** The shard's end in an earlier generation, if this one continues there. */
function knownBefore({ place, before }: ShardBeginning): KnownEnd | undefined {
  return place.after === undefined ? undefined : before?.head;
}

/** Clocks differ. A false gap costs an investigation; a missed one hides data loss. */
const GAP_MARGIN_MS = 300_000;
/** Kinesis keeps every record for at least this long, whatever the setting was. */
const LEAST_RETENTION_MS = DAY_MS;

/** Records a gap before a batch: after the shard's newest segment, or before its first record ever. */
async function noteGapBefore(
  records: readonly StreamRecord[],
  shard: ShardKey,
  known: KnownEnd | undefined,
  run: Run,
): Promise<void> {
  const first = recordsAfter(records, known?.last)[0];
  if (first === undefined) return;
  const end = known ?? { last: BEFORE_ALL, runMaxMs: first.arrivalMs };
  await noteGap(shard, end, first.sequenceNumber, run);
}

/**
 * If the last known record of a shard is about as old as the stream's retention, records after it may have been trimmed
 * unread. How many is unknown, but the possible loss must be reported. A raised retention brings no record back: until the last
 * known one is younger than any retention, only the stream can say whether it still reaches back to it.
 */
async function noteGap(
  shard: ShardKey,
  known: KnownEnd,
  before: SequenceNumber | undefined,
  { ports, settings }: Run,
): Promise<void> {
  const nowMs = ports.clock.nowMs();
  const ageMs = nowMs - known.runMaxMs + GAP_MARGIN_MS;
  if (before === undefined || ageMs <= Math.min(LEAST_RETENTION_MS, settings.streamRetentionMs)) return;
  if (ageMs <= settings.streamRetentionMs) {
    // Before a shard's first record there is none to ask for: its parents' last ones tell.
    if (known.last === BEFORE_ALL || (await ports.log.holds(shardIdOf(shard), known.last, ageMs))) return;
  }
  const gap = { after: known.last, before, noticedAtMs: nowMs };
  await ports.ledger.recordGap(shard, gap);
  ports.listener.gap(shard, gap);
}
