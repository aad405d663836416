// Reads what no block contains yet: rows of uncompacted deltas, and rows set aside for an upper level.
import { type CompactionState, type Coverage, isCovered } from '../core/compaction.ts';
import { type HashRange, holds, rangeOf } from '../core/hash-range.ts';
import { parseSegmentId, type ShardKey } from '../core/identifiers.ts';
import type { UpperLevel } from '../core/level.ts';
import { pickRows, type Row, rowName } from '../core/rows.ts';
import { LATEST_INSTANT_MS } from '../core/time.ts';
import type { SumsContext } from './read-sums.ts';

/** A (metric, entity). */
export interface Name {
  /** From `rowName`. */
  readonly name: string;
  readonly hash: number;
}

export interface DeltaRow {
  readonly shard: ShardKey;
  readonly segment: number;
  readonly row: Row;
}

/**
 * The rows of some names in deltas whose segments at least one of the coverages lacks. Reads each hash range once. Skips what
 * the register of deletions excludes.
 */
export async function readDeltas(
  names: readonly Name[],
  coverages: readonly Coverage[],
  { state, store, deletions, limit }: SumsContext,
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
      if (delta.rows === undefined || coverages.every((covers) => isCovered(covers, shard, segment)))
        continue;
      const rows = pickRows(delta.rows, asked).filter(
        ({ entity }) => !deletions.cover(entity, delta.runMaxMs),
      );
      found.push(...rows.map((row) => ({ shard, segment, row })));
    }
  };
  const reads = rangesOfNames(names, state).flatMap((range) =>
    stretches.map(([fromMs, toMs]) => limit(() => read(range, fromMs, toMs))),
  );
  await Promise.all(reads);
  return found;
}

/** The rows of some names that epochs of the hours later than `after` set aside for a level. */
export async function readLate(
  level: UpperLevel,
  names: readonly Name[],
  after: number,
  { state, store, limit }: SumsContext,
): Promise<readonly Row[]> {
  const found: Row[] = [];
  const read = async (range: HashRange) => {
    const asked = namesIn(range, names);
    for await (const row of store.lateRows(level, range, after, state.hours.epoch)) {
      if (asked.has(rowName(row.metric, row.entity))) found.push(row);
    }
  };
  await Promise.all(rangesOfNames(names, state).map((range) => limit(() => read(range))));
  return found;
}

/** Every range that may contain rows of the names. */
function rangesOfNames(names: readonly Name[], { rangeBits }: CompactionState): readonly HashRange[] {
  return [...new Set(names.flatMap(({ hash }) => rangeBits.map((bits) => rangeOf(hash, bits))))];
}

function namesIn(range: HashRange, names: readonly Name[]): ReadonlySet<string> {
  return new Set(names.filter(({ hash }) => holds(range, hash)).map(({ name }) => name));
}
