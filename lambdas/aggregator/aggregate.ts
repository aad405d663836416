// The aggregator's use case: turn a shard's records into segments, each planned, produced and committed by the ledger.
import { deltasOf } from '../core/delta.ts';
import {
  BEFORE_ALL,
  type SequenceNumber,
  type ShardId,
  type ShardKey,
  segmentId,
  shardKey,
} from '../counting/identifiers.ts';
import { rawObject } from '../counting/raw-segment.ts';
import { rollUp } from '../counting/rollup.ts';
import { encodeMessages } from '../counting/rollup-message.ts';
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
} from '../counting/segment.ts';
import { emittedEntry } from '../counting/segment-entry.ts';
import type { Clock, RejectedArchive, RollupQueue, SegmentLedger, StreamLog } from '../ports.ts';
import type { RawArchive } from '../raw-ports.ts';
import type { RangeRegister } from '../store/ports.ts';
import { LogBroken, SegmentMismatch, UnknownRollupVersion } from './errors.ts';
import { giveUp, markSent } from './finish-segment.ts';
import type { SegmentListener } from './segment-listener.ts';
import type { DedupWindows } from './windows.ts';

/** What the aggregator needs. */
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

/** How the aggregator works. */
export interface AggregatorSettings {
  /** The stream's generation, part of every segment id. */
  readonly generation: string;
  readonly rollup: RollupConfig;
  /** How long the stream keeps records. */
  readonly streamRetentionMs: number;
  /** Most bytes of deltas in one message; what SQS bills as one where nothing is said. */
  readonly messageBytesMax?: number;
}

/** Records of one shard, in order. */
export interface Batch {
  readonly shard: ShardId;
  readonly records: readonly StreamRecord[];
}

/** Either everything in the batch is in committed segments, or the next invocation has to start at a record. */
export type AggregateOutcome = 'done' | { readonly resumeAt: SequenceNumber };

/**
 * Counts a batch into segments. Repeatable with any cut of the same shard: what a segment has already is skipped, what was
 * planned is finished first, from the stream if need be.
 * @param hasTime whether there is time for another segment
 * @throws whatever kept a segment from being committed; nothing past it was, and the batch has to be delivered again
 */
export async function aggregate(
  batch: Batch,
  ports: AggregatorPorts,
  settings: AggregatorSettings,
  hasTime: () => boolean,
): Promise<AggregateOutcome> {
  const { ledger, listener } = ports;
  const shard = shardKey(settings.generation, batch.shard);
  let head = await ledger.readHead(shard);
  let ancestors: readonly Ancestor[] = [];
  if (head === undefined) {
    if (batch.records.length === 0) return 'done';
    // First of all: should its records be trimmed before any of them could be planned, the accountant misses the shard.
    await ledger.registerShard(shard);
    ancestors = await finishAncestors(batch, ports, settings);
  }
  await noteGapBefore(batch, shard, head, ports, settings);
  for (;;) {
    if (head?.status === 'planned') head = await recover(batch, head, ports, settings);
    const fresh = recordsAfter(batch.records, head?.last);
    const first = fresh[0];
    if (first === undefined) return 'done';
    if (!hasTime()) return { resumeAt: first.sequenceNumber };
    const records = leadingSegment(fresh);
    const plan = planSegment(head, records, settings.rollup, ancestors);
    if ((await ledger.putPlan(shard, plan)) === 'conflict') {
      head = await ledger.readHead(shard);
      // A plan whose answer was lost, and which the SDK sent again, fails on itself: it is mine, go on with it.
      if (head === undefined || !isSamePlan(head, plan)) continue;
    }
    listener.planned();
    head = await commit(shard, plan, records, ports, settings);
  }
}

/** Finishes a planned segment with exactly the records that were planned. @returns the head, sent */
async function recover(
  batch: Batch,
  head: Head,
  ports: AggregatorPorts,
  settings: AggregatorSettings,
): Promise<Head> {
  const shard = shardKey(settings.generation, batch.shard);
  ports.listener.recovered();
  const atHand = plannedRecords(head, batch.records);
  if (atHand !== undefined) return commit(shard, head, atHand, ports, settings);
  const range = await ports.log.readRange(batch.shard, head.first, head.last);
  const records = plannedRecords(head, range.records);
  if (records !== undefined) return commit(shard, head, records, ports, settings);
  if (!range.trimmed) {
    throw new LogBroken(
      `segment ${segmentId(shard, head.segment)}: the stream holds ${range.records.length} of ${head.records} records`,
    );
  }
  ports.listener.lost(segmentId(shard, head.segment), head);
  return giveUp(shard, head, ports.ledger);
}

/** Produces a planned segment and sends it. Every step may be done again, by anybody, with the same result. */
async function commit(
  shard: ShardKey,
  head: Head,
  records: readonly StreamRecord[],
  { ledger, queue, rejected, raw: rawArchive, ranges, windows, listener, clock }: AggregatorPorts,
  { messageBytesMax }: AggregatorSettings,
): Promise<Head> {
  if (head.version !== ROLLUP_VERSION) throw new UnknownRollupVersion(head.version);
  const id = segmentId(shard, head.segment);
  const window = await windows.before(shard, head, ledger);
  const output = rollUp(records, window, head.config);
  const deltas = deltasOf(id, head.runMaxMs, output.cut);
  if (output.rejected.length > 0) await rejected.keepRejected(id, output.rejected);
  // Before anything can be stored under it: readers look where they were told.
  await ranges.registerRangeBits(head.config.slotBits);
  await ledger.putIds(shard, head.segment, output.ids);
  // Before the entry: nothing is counted that is not archived.
  const raw = rawArchive && rawObject(id, head, records);
  if (raw !== undefined) await rawArchive?.keepRaw(raw);
  const deltaBytes = deltas.reduce((sum, { rows }) => sum + rows.byteLength, 0);
  const entry = emittedEntry(head, output, deltaBytes, raw?.digest);
  const existing = await ledger.putEntryIfAbsent(shard, entry);
  if (existing?.lost === true) throw new SegmentMismatch(`segment ${id} was given up as lost meanwhile`);
  if (existing !== undefined && existing.digest !== entry.digest) {
    throw new SegmentMismatch(
      `segment ${id} was produced differently before: ${existing.digest}, now ${entry.digest}`,
    );
  }
  await queue.send(encodeMessages(deltas, output.earliestHourMs ?? 0, messageBytesMax));
  const sent = await markSent(shard, head, entry, ledger);
  windows.remember(shard, sent, output.ids);
  listener.committed(output, clock.nowMs(), head);
  return sent;
}

/**
 * Makes sure that a shard's ancestors are read to their ends and sent: their ids belong to the shard's dedup window.
 * @returns all ancestors that have segments
 */
async function finishAncestors(
  child: Batch,
  ports: AggregatorPorts,
  settings: AggregatorSettings,
): Promise<readonly Ancestor[]> {
  const ancestors = new Map<ShardKey, Ancestor>();
  for (const parent of await ports.log.parentsOf(child.shard)) {
    const shard = shardKey(settings.generation, parent);
    const head = await finishShard(parent, child, ports, settings);
    // A parent that never held a record has no head; its own ancestors count all the same.
    const older = head?.ancestors ?? (await finishAncestors({ ...child, shard: parent }, ports, settings));
    for (const ancestor of older) ancestors.set(ancestor.shard, ancestor);
    if (head !== undefined) ancestors.set(shard, { shard, segment: head.segment, runMaxMs: head.runMaxMs });
  }
  return [...ancestors.values()];
}

/** Aggregates what a closed shard still holds. @returns its head, sent; undefined when it never held a record */
async function finishShard(
  id: ShardId,
  child: Batch,
  ports: AggregatorPorts,
  settings: AggregatorSettings,
): Promise<Head | undefined> {
  const shard = shardKey(settings.generation, id);
  const always = () => true;
  await aggregate({ shard: id, records: [] }, ports, settings, always);
  const before = await ports.ledger.readHead(shard);
  for await (const records of ports.log.readToEnd(id, before?.last)) {
    await aggregate({ shard: id, records }, ports, settings, always);
  }
  const after = await ports.ledger.readHead(shard);
  const first = child.records[0]?.sequenceNumber;
  if (after !== undefined) await noteGap(shard, after, first, ports, settings);
  else if (!(await ports.log.lists(id))) await recordGap(shard, BEFORE_ALL, first, ports);
  else
    await noteGap(
      shard,
      { last: BEFORE_ALL, runMaxMs: child.records[0]?.arrivalMs ?? 0 },
      first,
      ports,
      settings,
    );
  if (after?.status === 'planned')
    throw new LogBroken(`shard ${shard} is a parent and still has a planned segment`);
  return after;
}

/** Clocks differ, and a gap that is noted although there was none costs a look; one that is not noted costs the truth. */
const GAP_MARGIN_MS = 300_000;

/** Notes a gap before a batch: after the shard's newest segment, or before the first record that the shard ever gave us. */
async function noteGapBefore(
  batch: Batch,
  shard: ShardKey,
  head: Head | undefined,
  ports: AggregatorPorts,
  settings: AggregatorSettings,
): Promise<void> {
  const first = recordsAfter(batch.records, head?.last)[0];
  if (first === undefined) return;
  const known = head ?? { last: BEFORE_ALL, runMaxMs: first.arrivalMs };
  await noteGap(shard, known, first.sequenceNumber, ports, settings);
}

/**
 * When the last record that is known of a shard is about as old as the stream's retention, whatever followed it unread may
 * have been trimmed. Nobody can know how much it was; that it may have happened must not be hidden.
 */
async function noteGap(
  shard: ShardKey,
  known: Pick<Head, 'last' | 'runMaxMs'>,
  before: SequenceNumber | undefined,
  ports: AggregatorPorts,
  { streamRetentionMs }: AggregatorSettings,
): Promise<void> {
  if (ports.clock.nowMs() - known.runMaxMs <= streamRetentionMs - GAP_MARGIN_MS) return;
  await recordGap(shard, known.last, before, ports);
}

async function recordGap(
  shard: ShardKey,
  after: SequenceNumber,
  before: SequenceNumber | undefined,
  { ledger, clock, listener }: AggregatorPorts,
): Promise<void> {
  if (before === undefined) return;
  const gap = { after, before, noticedAtMs: clock.nowMs() };
  await ledger.recordGap(shard, gap);
  listener.gap(shard, gap);
}
