// The spilled rows of one part, added up by the levels that include their segments.
import { type CompactionState, isCovered } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import { covers, type HashRange, rangesOf } from '../core/hash-range.ts';
import { parseShardKey, type ShardKey } from '../core/identifiers.ts';
import { LEVELS, type Level } from '../core/level.ts';
import { type Row, readLaid } from '../core/rows.ts';
import { isForgotten, type SegmentEntry } from '../core/segment-entry.ts';
import { decodeFrame, type Frame, partName } from './frames.ts';
import { contains, type RecountPorts, type RecountState } from './ports.ts';
import { addRow, hourOf, type PeriodSums } from './sums.ts';

/** The hash range of the part that is compared now. */
export function partOf({ bits, part }: RecountState): HashRange {
  return rangesOf(bits)[part] as HashRange;
}

/** Every range in use that overlaps a part. */
export function rangesOver(part: HashRange, { rangeBits }: CompactionState): readonly HashRange[] {
  const ranges = rangeBits.flatMap((bits) => rangesOf(bits));
  return ranges.filter((range) => covers(range, part) || covers(part, range));
}

/** The rows of the part that an uncompacted delta must contain. */
export interface ExpectedDelta {
  readonly frame: Frame;
  readonly rows: readonly Row[];
  /** Whether the ledger says that it is stored. */
  readonly acked: boolean;
  /** Not stored as far as the ledger says, and no message of it is known: the queue may have dropped it. */
  readonly forgotten: boolean;
}

export interface PartRows {
  /** Sums of hours, over the segments in a level's blocks. */
  of(level: Level): readonly PeriodSums[];
  /** Sums of hours, over the segments that the hours include and an upper level does not. */
  beyond(level: Level): readonly PeriodSums[];
  /** By part name, for segments that are `isPending`. */
  readonly deltas: ReadonlyMap<string, ExpectedDelta>;
}

/** Reads a part. @param isPending which segments' deltas to return individually */
export async function readPart(
  state: RecountState,
  compaction: CompactionState,
  isPending: (shard: ShardKey, segment: number) => boolean,
  ports: RecountPorts,
): Promise<PartRows> {
  const deletions = new Deletions(await ports.state.readDeletions(compaction.deletions));
  const unsettled = await unsettledEntries(state, ports);
  /** Sums by the set of levels that include them, one bit each. */
  const sums = new Map<number, PeriodSums>();
  const deltas = new Map<string, ExpectedDelta>();
  for await (const bytes of ports.spill.frames(state.part)) {
    const frame = decodeFrame(bytes);
    const { shard, segment, part, runMaxMs } = frame;
    const entry = unsettled.get(`${shard} ${segment}`);
    const acked = entry === undefined || entry.acked.has(part);
    const forgotten = entry !== undefined && isForgotten(entry, part, ports.clock.nowMs());
    const rows = readLaid(frame.laid).filter(
      (row) => contains(state.range, hourOf(row)) && !deletions.cover(row.entity, runMaxMs),
    );
    if (isPending(shard, segment)) deltas.set(partName(frame), { frame, rows, acked, forgotten });
    const levels = bitsOf(compaction, shard, segment);
    if (levels === 0 || !acked) continue;
    const group = sums.get(levels) ?? new Map();
    sums.set(levels, group);
    for (const row of rows) addRow(group, hourOf(row), row);
  }
  const groups = (isOf: (levels: number) => boolean) =>
    [...sums].filter(([levels]) => isOf(levels)).map(([, group]) => group);
  return {
    of: (level) => groups((levels) => (levels & bitOf(level)) !== 0),
    beyond: (level) => groups((levels) => (levels & bitOf('hours')) !== 0 && (levels & bitOf(level)) === 0),
    deltas,
  };
}

function bitOf(level: Level): number {
  return 1 << LEVELS.indexOf(level);
}

function bitsOf(compaction: CompactionState, shard: ShardKey, segment: number): number {
  return LEVELS.reduce(
    (bits, level) => bits | (isCovered(compaction[level].covers, shard, segment) ? bitOf(level) : 0),
    0,
  );
}

/** Current entries of segments that were not settled when they were produced. */
async function unsettledEntries(
  { shards }: RecountState,
  { ledger }: RecountPorts,
): Promise<ReadonlyMap<string, SegmentEntry>> {
  const entries = new Map<string, SegmentEntry>();
  for (const [name, { unsettled }] of Object.entries(shards)) {
    if (unsettled.length === 0) continue;
    const shard = parseShardKey(name);
    for (const entry of await ledger.readEntries(shard, unsettled))
      entries.set(`${shard} ${entry.segment}`, entry);
  }
  return entries;
}
