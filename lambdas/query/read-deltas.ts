// Reads what no block contains yet: rows of uncompacted deltas, and rows set aside for an upper level.
import type { LimitFunction } from 'p-limit';
import { type CompactionState, type Coverage, isCovered } from '../core/compaction.ts';
import type { Deletions } from '../core/deletions.ts';
import { type HashRange, holds, rangeOf } from '../core/hash-range.ts';
import { parseSegmentId, type ShardKey } from '../core/identifiers.ts';
import type { UpperLevel } from '../core/level.ts';
import { pickRows, type Row, rowName } from '../core/rows.ts';
import { LATEST_INSTANT_MS } from '../core/time.ts';
import type { DeltaReader, LateStore, StoredDelta } from '../store/ports.ts';

export interface Name {
  readonly metric: string;
  readonly entity: string;
  readonly hash: number;
}

export interface DeltaRow {
  readonly shard: ShardKey;
  readonly segment: number;
  readonly row: Row;
}

export interface DeltaReading {
  readonly rangeBits: readonly number[];
  readonly store: DeltaReader;
  readonly deletions: Deletions;
  readonly limit: LimitFunction;
}

/**
 * The rows of some names in deltas whose segments at least one of the coverages lacks. Reads each hash range once. Skips what
 * the register of deletions excludes.
 */
export async function readDeltas(
  names: readonly Name[],
  coverages: readonly Coverage[],
  { rangeBits, store, deletions, limit }: DeltaReading,
): Promise<readonly DeltaRow[]> {
  if (names.length === 0) return [];
  const floorMs = Math.min(...coverages.map((covers) => covers.floorMs));
  const open = coverages.flatMap((covers) => covers.open);
  // Open segments from the floor on are found with the others.
  const earlierMs = new Set(open.map(({ runMaxMs }) => runMaxMs).filter((runMaxMs) => runMaxMs < floorMs));
  const stretches = [
    [floorMs, LATEST_INSTANT_MS] as const,
    ...[...earlierMs].map((runMaxMs) => [runMaxMs, runMaxMs] as const),
  ];
  const found: DeltaRow[] = [];
  const read = async (range: HashRange, fromMs: number, toMs: number) => {
    const asked = namesIn(range, names);
    for await (const delta of store.deltasIn(range, fromMs, toMs)) {
      const { shard, segment } = parseSegmentId(delta.segment);
      if (coverages.every((covers) => isCovered(covers, shard, segment))) continue;
      const rows = rowsOf(delta, asked, shard, segment);
      found.push(...rows.filter(({ row }) => !deletions.cover(row.entity, delta.runMaxMs)));
    }
  };
  const reads = rangesOfNames(names, rangeBits).flatMap((range) =>
    stretches.map(([fromMs, toMs]) => limit(() => read(range, fromMs, toMs))),
  );
  await Promise.all(reads);
  return found;
}

function rowsOf(
  { rows }: StoredDelta,
  asked: ReadonlySet<string>,
  shard: ShardKey,
  segment: number,
): readonly DeltaRow[] {
  return rows === undefined ? [] : pickRows(rows, asked).map((row) => ({ shard, segment, row }));
}

/** The rows of some names that epochs of the hours in `after < epoch <= through` set aside for a level. */
export async function readLate(
  level: UpperLevel,
  names: readonly Name[],
  after: number,
  through: number,
  { rangeBits }: CompactionState,
  reader: Pick<LateStore, 'lateRows'>,
  limit: LimitFunction,
): Promise<readonly Row[]> {
  const found: Row[] = [];
  const read = async (range: HashRange) => {
    const asked = namesIn(range, names);
    for await (const row of reader.lateRows(level, range, after, through)) {
      if (asked.has(rowName(row.metric, row.entity))) found.push(row);
    }
  };
  await Promise.all(rangesOfNames(names, rangeBits).map((range) => limit(() => read(range))));
  return found;
}

/** Every range that may contain rows of the names. */
function rangesOfNames(names: readonly Name[], rangeBits: readonly number[]): readonly HashRange[] {
  return [...new Set(names.flatMap(({ hash }) => rangeBits.map((bits) => rangeOf(hash, bits))))];
}

function namesIn(range: HashRange, names: readonly Name[]): ReadonlySet<string> {
  const within = names.filter(({ hash }) => holds(range, hash));
  return new Set(within.map(({ metric, entity }) => rowName(metric, entity)));
}
