// The audit of the levels: what an item of a level says, held against what it is made of.
import type { SegmentId, ShardKey } from './identifiers.ts';
import { parseSegmentId } from './identifiers.ts';
import { ALL_PARTS, heldByDays, type LevelCursor } from './level-cursor.ts';
import { type LevelItem, type LevelName, sumOf } from './levels.ts';

/** One sum of a level that is not what it is made of. */
export interface LevelDifference extends LevelName {
  /** The start of the hour, day or month that differs, epoch milliseconds. */
  readonly atMs: number;
  readonly expected: bigint;
  /** Undefined when the level says nothing of it. */
  readonly found: bigint | undefined;
}

/** The cursors of one level, by shard, read before anything that is audited. */
export type LevelCursors = ReadonlyMap<ShardKey, LevelCursor>;

/**
 * Whether a level must hold what these segments have added. One that the level has not looked at yet, or that is open, may be
 * in it or not; segments of shards that nobody knows are the audit of counter items' to judge.
 */
export function mustHold(cursors: LevelCursors, segments: Iterable<string>): boolean {
  for (const id of segments) {
    const { shard, segment } = parseSegmentId(id as SegmentId);
    const cursor = cursors.get(shard);
    if (cursor !== undefined && heldByDays(segment, cursor) !== ALL_PARTS) return false;
  }
  return true;
}

/** Compares one sum of an item. @param expected what it is made of says; undefined: nothing */
export function compareSum(
  name: LevelName,
  atMs: number,
  item: LevelItem | undefined,
  expected: bigint | undefined,
): LevelDifference | undefined {
  const found = item?.sums.get(atMs);
  if (expected === undefined || found === expected) return undefined;
  return { ...name, atMs, expected, found };
}

/** What the level above must say of an item; undefined when there is none. */
export function expectedAbove(item: LevelItem | undefined): bigint | undefined {
  return item && sumOf(item);
}
