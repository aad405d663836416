// Compares uncompacted deltas, which readers add to the blocks, with what their segments produce.
import type { CompactionState } from '../core/compaction.ts';
import { type HashRange, holds, nameHash } from '../core/hash-range.ts';
import { parseSegmentId, type ShardKey } from '../core/identifiers.ts';
import { decodeRows, type Row } from '../core/rows.ts';
import { isoSeconds, LATEST_INSTANT_MS, MINUTE_MS } from '../core/time.ts';
import type { StoredDelta } from '../store/ports.ts';
import { partName } from './frames.ts';
import { type PartRows, partOf, rangesOver } from './part-rows.ts';
import { contains, type Difference, type RecountPorts, type RecountState } from './ports.ts';
import { addRow, hourOf, type PeriodSums, sides } from './sums.ts';

export interface SegmentName {
  readonly shard: ShardKey;
  readonly segment: number;
}

/** Differences in deltas, and the segments whose deltas need repair. */
export interface WrongDeltas {
  readonly differences: Difference[];
  readonly segments: Map<string, SegmentName>;
  /** Deltas with rows that their segments do not produce. */
  readonly phantoms: StoredDelta[];
  compared: number;
}

/** Compares one part's deltas. @param isPending which segments' deltas to compare @param fromMs their least running maximum */
export async function compareDeltas(
  state: RecountState,
  compaction: CompactionState,
  rows: PartRows,
  isPending: (shard: ShardKey, segment: number) => boolean,
  fromMs: number,
  ports: RecountPorts,
): Promise<WrongDeltas> {
  const part = partOf(state);
  const wrong: WrongDeltas = { differences: [], segments: new Map(), phantoms: [], compared: 0 };
  const seen = new Set<string>();
  const blame = ({ shard, segment }: SegmentName, differences: readonly Difference[]) => {
    if (differences.length === 0) return;
    wrong.segments.set(`${shard} ${segment}`, { shard, segment });
    wrong.differences.push(...differences);
  };
  for await (const stored of storedDeltas(part, compaction, fromMs, ports)) {
    const { shard, segment } = parseSegmentId(stored.segment);
    if (stored.rows === undefined || !isPending(shard, segment)) continue;
    const name = partName({ shard, segment, part: stored.part });
    seen.add(name);
    const expected = rows.deltas.get(name)?.rows;
    if (expected === undefined && !(await isKnown({ shard, segment }, state, ports))) continue;
    const found = decodeRows(stored.rows).filter(
      (row) => contains(state.range, hourOf(row)) && holds(part, nameHash(row.metric, row.entity)),
    );
    wrong.compared += 1;
    const differences = differencesIn(name, expected ?? [], found);
    if (differences.length > 0 && expected === undefined) wrong.phantoms.push(stored);
    blame({ shard, segment }, differences);
  }
  for (const [name, { frame, rows: expected, acked, forgotten }] of rows.deltas) {
    if (!forgotten && (!acked || seen.has(name))) continue;
    const events = expected.reduce((sum, row) => sum + row.events, 0);
    const { metric = '', entity = '' } = expected[0] ?? {};
    const stored = seen.has(name) ? 'not acknowledged' : 'none';
    const absent = { at: 'absent', expected: `${events} events`, stored };
    blame(frame, [{ in: 'delta', of: name, metric, entity, ...absent }]);
  }
  return wrong;
}

/** Every delta that may contain rows of a part. */
async function* storedDeltas(
  part: HashRange,
  compaction: CompactionState,
  fromMs: number,
  { store }: RecountPorts,
): AsyncIterable<StoredDelta> {
  for (const range of rangesOver(part, compaction)) yield* store.deltasIn(range, fromMs, LATEST_INSTANT_MS);
}

/** Whether the correct deltas of a segment are known. They are for a segment that the ledger lacks: none. */
async function isKnown(
  { shard, segment }: SegmentName,
  { shards, found }: RecountState,
  { ledger }: RecountPorts,
): Promise<boolean> {
  const isUnknown = found.unknown.some(
    (run) => run.shard === shard && segment >= run.first && segment <= run.last,
  );
  if (isUnknown) return false;
  if (segment < (shards[shard]?.next ?? 0)) return true;
  const head = await ledger.readHead(shard);
  return head === undefined || segment > head.segment;
}

function differencesIn(of: string, expected: readonly Row[], stored: readonly Row[]): Difference[] {
  const differences: Difference[] = [];
  for (const [hourMs, right, left] of sides(byHour(expected), byHour(stored))) {
    for (const [, one, other] of sides(right, left)) {
      const { metric = '', entity = '' } = one ?? other ?? {};
      for (const [minute, n, m] of sides(one?.cells, other?.cells)) {
        const at = isoSeconds(hourMs + minute * MINUTE_MS);
        const [is, was] = [String(n ?? 'none'), String(m ?? 'none')];
        if (n !== m) differences.push({ in: 'delta', of, metric, entity, at, expected: is, stored: was });
      }
    }
  }
  return differences;
}

function byHour(rows: readonly Row[]): PeriodSums {
  const sums: PeriodSums = new Map();
  for (const row of rows) addRow(sums, hourOf(row), row);
  return sums;
}
