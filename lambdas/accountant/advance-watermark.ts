// The accountant's second task: compute the watermark, up to which all arrivals are counted, and publish it.
import { giveUp } from '../aggregator/finish-segment.ts';
import { lastEntered } from '../core/checkpoint.ts';
import { completeFromMs, completeThroughMs, vanishedShards } from '../core/completeness.ts';
import { AFTER_ALL, BEFORE_ALL, type SegmentId, type ShardKey, segmentId } from '../core/identifiers.ts';
import { acceptedToOf, type Head } from '../core/segment.ts';
import { isGivenUp, type SegmentEntry } from '../core/segment-entry.ts';
import { type RecordedSettings, raisedWatermark, type Watermark } from '../core/watermark.ts';
import type { CheckpointLedger, Clock, SegmentLedger, ShardDirectory } from '../ports.ts';
import { acceptedFromOf, progressOfShards, type Reached, runMaxOf } from './shard-progress.ts';

/** The result of one run. */
interface Completeness {
  /** The current watermark, epoch milliseconds; 0 while unknown. */
  readonly throughMs: number;
  /** Shards whose unread end this run recorded as a gap. */
  readonly gaps: readonly ShardKey[];
  /** Planned segments of such shards that this run gave up. */
  readonly lost: readonly SegmentId[];
}

/**
 * Publishes `completeThrough` if it has advanced. It never steps back: what was counted stays counted. With `settings` it
 * records what is retained at each level, and up to when events are accepted. For shards that the stream dropped unread it
 * records a gap, and gives up their planned segments, whose records are gone.
 */
export async function advanceWatermark(
  ledger: CheckpointLedger & Pick<SegmentLedger, 'markLost' | 'markSent'>,
  stream: ShardDirectory,
  generation: string,
  clock: Clock,
  settings?: RecordedSettings,
): Promise<Completeness> {
  const shards = await progressOfShards(ledger, stream, generation, (shard) => howFar(shard, ledger));
  const gaps: ShardKey[] = [];
  const lost: SegmentId[] = [];
  for (const { shard, head } of vanishedShards(shards)) {
    const gap = { after: head?.last ?? BEFORE_ALL, before: AFTER_ALL, noticedAtMs: clock.nowMs() };
    if ((await ledger.recordGap(shard, gap)) === 'noted') gaps.push(shard);
    const planned = head?.status === 'planned' ? await ledger.readHead(shard) : undefined;
    if (planned?.status !== 'planned') continue;
    await giveUp(shard, planned, ledger);
    lost.push(segmentId(shard, planned.segment));
  }
  const seen = {
    throughMs: completeThroughMs(shards),
    acceptedFromMs: completeFromMs(shards),
    acceptedToMs: Math.max(0, ...shards.map(({ acceptedToMs = 0 }) => acceptedToMs)),
  };
  return { throughMs: await publish(seen, settings, ledger, clock), gaps, lost };
}

/** Raises the published watermark; concurrent runs are safe. @returns the watermark in force afterwards */
async function publish(
  seen: Pick<Watermark, 'throughMs' | 'acceptedFromMs' | 'acceptedToMs'>,
  settings: RecordedSettings | undefined,
  ledger: CheckpointLedger,
  clock: Clock,
): Promise<number> {
  for (;;) {
    const watermark = raisedWatermark(await ledger.readWatermark(), seen, settings, clock.nowMs());
    if ((await ledger.putWatermark(watermark)) === 'put') return watermark.throughMs;
  }
}

async function howFar(shard: ShardKey, ledger: CheckpointLedger): Promise<Reached> {
  const head = await ledger.readHead(shard);
  if (head === undefined) return { head, done: 0, doneRunMaxMs: 0 };
  const done = await longestDonePrefix(shard, head, ledger);
  return {
    head,
    done,
    doneRunMaxMs: await runMaxOf(shard, head, done, ledger),
    doneAcceptedFromMs: await acceptedFromOf(shard, head, done, ledger),
    acceptedToMs: acceptedToOf(head),
  };
}

/** Entries of open segments that are read at once. */
const PIECE_ENTRIES = 100;

/** The last segment before the first one with a missing part. Discarded parts are reported, not waited for. */
async function longestDonePrefix(shard: ShardKey, head: Head, ledger: CheckpointLedger): Promise<number> {
  const checkpoint = await ledger.readCheckpoint(shard);
  const isDone = (entry: SegmentEntry | undefined) => entry !== undefined && isGivenUp(entry);
  // In pieces: a shard may have a thousand open segments, and the first one that is not done decides.
  for (let at = 0; at < checkpoint.open.length; at += PIECE_ENTRIES) {
    const piece = checkpoint.open.slice(at, at + PIECE_ENTRIES);
    const entries = await ledger.readEntries(shard, piece);
    const open = new Map(entries.map((entry) => [entry.segment, entry]));
    const missing = piece.find((segment) => !isDone(open.get(segment)));
    if (missing !== undefined) return missing - 1;
  }
  let done = checkpoint.through;
  for await (const entry of ledger.entriesUp(shard, checkpoint.through, lastEntered(head))) {
    if (entry.segment !== done + 1 || !isDone(entry)) break;
    done = entry.segment;
  }
  return done;
}
