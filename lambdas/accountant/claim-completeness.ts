// The accountant's second task: compute the watermark, up to which all arrivals are counted, and publish it.
import { giveUp } from '../aggregator/finish-segment.ts';
import { lastEntered } from '../core/books.ts';
import { acceptedFromMs } from '../core/boundaries.ts';
import { type Claim, type LevelRetentionsMs, raisedClaim } from '../core/claim.ts';
import { completeFromMs, completeThroughMs, vanishedShards } from '../core/completeness.ts';
import { AFTER_ALL, BEFORE_ALL, type SegmentId, type ShardKey, segmentId } from '../core/identifiers.ts';
import type { Head } from '../core/segment.ts';
import { isGivenUp, isSettled, type SegmentEntry } from '../core/segment-entry.ts';
import type { BooksLedger, Clock, SegmentLedger, ShardDirectory } from '../ports.ts';
import { progressOfShards, type Reached, runMaxOf } from './shard-progress.ts';

/** The result of one run. */
export interface Completeness {
  /** The current watermark, epoch milliseconds; 0 while unknown. */
  readonly throughMs: number;
  /** Shards whose unread end this run recorded as a gap. */
  readonly gaps: readonly ShardKey[];
  /** Planned segments of such shards that this run gave up. */
  readonly lost: readonly SegmentId[];
}

/**
 * Publishes `completeThrough` if it has advanced. It never steps back: what was counted stays counted.
 * With `retentions` it records what is retained at each level. For shards that the stream dropped unread it records a gap, and
 * gives up their planned segments, whose records are gone.
 */
export async function claimCompleteness(
  ledger: BooksLedger & Pick<SegmentLedger, 'markLost' | 'markSent'>,
  stream: ShardDirectory,
  generation: string,
  clock: Clock,
  retentions?: LevelRetentionsMs,
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
  const seen = { throughMs: completeThroughMs(shards), acceptedFromMs: completeFromMs(shards) };
  return { throughMs: await publish(seen, retentions, ledger, clock), gaps, lost };
}

/** Raises the published watermark; concurrent runs are safe. @returns the watermark in force afterwards */
async function publish(
  seen: Pick<Claim, 'throughMs' | 'acceptedFromMs'>,
  retentions: LevelRetentionsMs | undefined,
  ledger: BooksLedger,
  clock: Clock,
): Promise<number> {
  for (;;) {
    const claim = raisedClaim(await ledger.readClaim(), seen, retentions, clock.nowMs());
    if ((await ledger.putClaim(claim)) === 'put') return claim.throughMs;
  }
}

async function howFar(shard: ShardKey, ledger: BooksLedger): Promise<Reached> {
  const head = await ledger.readHead(shard);
  if (head === undefined) return { head, done: 0, doneRunMaxMs: 0 };
  const done = await longestDonePrefix(shard, head, ledger);
  return {
    head,
    done,
    doneRunMaxMs: await runMaxOf(shard, head, done, ledger),
    doneAcceptedFromMs: await acceptedFromOf(shard, head, done, ledger),
  };
}

/**
 * The time before which a shard accepts nothing after a segment. Taken from the segment's own configuration: later segments
 * keep that boundary, or were planned before a later one.
 */
async function acceptedFromOf(
  shard: ShardKey,
  head: Head,
  segment: number,
  ledger: BooksLedger,
): Promise<number> {
  if (segment === 0) return 0;
  const [at] = segment === head.segment ? [head] : await ledger.readEntries(shard, [segment]);
  return at === undefined ? 0 : acceptedFromMs(at.config, at.runMaxMs);
}

/** The last segment before the first one with a missing part. Lost and discarded parts are reported, not waited for. */
async function longestDonePrefix(shard: ShardKey, head: Head, ledger: BooksLedger): Promise<number> {
  const books = await ledger.readBooks(shard);
  const isOver = (entry: SegmentEntry | undefined) => entry !== undefined && (entry.lost || isSettled(entry));
  const isDone = (entry: SegmentEntry | undefined) =>
    isOver(entry) || (entry !== undefined && isGivenUp(entry));
  const open = new Map((await ledger.readEntries(shard, books.open)).map((entry) => [entry.segment, entry]));
  const missing = books.open.find((segment) => !isDone(open.get(segment)));
  if (missing !== undefined) return missing - 1;
  let done = books.through;
  for await (const entry of ledger.entriesUp(shard, books.through, lastEntered(head))) {
    if (entry.segment !== done + 1 || !isDone(entry)) break;
    done = entry.segment;
  }
  return done;
}
