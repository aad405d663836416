// An epoch's rows, hash range by hash range: its segments' deltas, compared with the ledger.
import { type CompactionPlan, isCovered, runsBetween, type SegmentPlace } from '../core/compaction.ts';
import { type Deletion, Deletions } from '../core/deletions.ts';
import { covers, type HashRange, hashOf, holds, rangeOf } from '../core/hash-range.ts';
import { parseSegmentId, type ShardKey } from '../core/identifiers.ts';
import { type NamedRow, splitName, viewRows } from '../core/rows.ts';
import type { SegmentEntry } from '../core/segment-entry.ts';
import type { CheckpointLedger } from '../ports.ts';
import type { DeltaReader, StoredDelta } from '../store/ports.ts';
import { GrowingRow } from './growing-row.ts';

/** The deltas differ from the ledger. They may be gone because another compactor has finished the epoch. */
export class DeltasMissing extends Error {
  override readonly name = 'DeltasMissing';
}

/** What must be stored under one hash range. */
interface Expected {
  deltas: number;
  events: number;
}

/** A range of running maxima of arrivals, both ends included. */
interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The segments of an epoch, and what their deltas must contain according to the ledger. */
interface EpochSegments {
  readonly wanted: (shard: ShardKey, segment: number) => boolean;
  readonly expected: ReadonlyMap<HashRange, Readonly<Expected>>;
  /** Where the deltas are: a stretch for all runs together, and one for each segment that was open. */
  readonly stretches: readonly Stretch[];
}

/** Looks up an epoch's segments in the ledger. @throws DeltasMissing when the ledger lacks one */
export async function epochSegments(
  covered: Parameters<typeof runsBetween>[0],
  plan: CompactionPlan,
  ledger: Pick<CheckpointLedger, 'entriesUp' | 'readEntries'>,
): Promise<EpochSegments> {
  const { runs, reopened } = runsBetween(covered, plan.covers);
  const wanted = (shard: ShardKey, segment: number) =>
    isCovered(plan.covers, shard, segment) && !isCovered(covered, shard, segment);
  const expected = new Map<HashRange, Expected>();
  let [fromMs, toMs] = [Number.POSITIVE_INFINITY, 0];
  const expect = (entry: SegmentEntry) => {
    for (const part of entry.acked) expectPart(expected, entry, part);
  };
  for (const { shard, after, through } of runs) {
    let next = after + 1;
    for await (const entry of ledger.entriesUp(shard, after, through)) {
      if (entry.segment !== next) break;
      next += 1;
      if (!wanted(shard, entry.segment)) continue;
      expect(entry);
      fromMs = Math.min(fromMs, entry.runMaxMs);
      toMs = Math.max(toMs, entry.runMaxMs);
    }
    if (next !== through + 1) throw new DeltasMissing(`the ledger has no segment ${next} of shard ${shard}`);
  }
  for (const place of reopened) expect(await entryOf(place, ledger));
  const apart = reopened.map(({ runMaxMs }) => ({ fromMs: runMaxMs, toMs: runMaxMs }));
  const stretches = fromMs <= toMs ? [{ fromMs, toMs }, ...apart] : apart;
  return { wanted, expected, stretches: withoutOverlaps(stretches) };
}

function expectPart(expected: Map<HashRange, Expected>, entry: SegmentEntry, part: number): void {
  const summary = entry.parts[part];
  if (summary === undefined) throw new DeltasMissing(`segment ${entry.segment} has no part ${part}`);
  const sum = expected.get(summary.range) ?? { deltas: 0, events: 0 };
  sum.deltas += 1;
  sum.events += summary.events;
  expected.set(summary.range, sum);
}

async function entryOf(
  { shard, segment }: SegmentPlace,
  ledger: Pick<CheckpointLedger, 'readEntries'>,
): Promise<SegmentEntry> {
  const [entry] = await ledger.readEntries(shard, [segment]);
  if (entry === undefined) throw new DeltasMissing(`the ledger has no segment ${segment} of shard ${shard}`);
  return entry;
}

/** Overlapping stretches would return the same deltas twice. */
function withoutOverlaps(stretches: readonly Stretch[]): Stretch[] {
  const merged: { fromMs: number; toMs: number }[] = [];
  for (const { fromMs, toMs } of stretches.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = merged.at(-1);
    if (last !== undefined && fromMs <= last.toMs) last.toMs = Math.max(last.toMs, toMs);
    else merged.push({ fromMs, toMs });
  }
  return merged;
}

/** At some 500 bytes for a row, wide deltas take at most 100 MB in memory; larger ones are read in several passes. */
const WIDE_EVENTS_MAX = 200_000;

/** Rows of a wide range: those of its part that is worked on, by the ranges they belong to. */
interface WideRows {
  readonly part: HashRange;
  readonly byRange: ReadonlyMap<HashRange, readonly NamedRow[]>;
}

/** Reads the rows of an epoch's deltas, hash range by hash range. */
export class EpochRows {
  readonly #segments: EpochSegments;
  readonly #store: DeltaReader;
  readonly #deletions: Deletions;
  /** Rows of ranges wider than `slotBits`, kept until the work leaves their part. */
  readonly #wide = new Map<HashRange, WideRows>();

  constructor(segments: EpochSegments, store: DeltaReader, deletions: readonly Deletion[]) {
    this.#segments = segments;
    this.#store = store;
    this.#deletions = new Deletions(deletions);
  }

  /**
   * The rows of a hash range, delta by delta. Each row is valid until the next one.
   * @param range of `slotBits` bits; ranges must be requested in ascending order
   * @throws DeltasMissing
   */
  async *rowsIn(range: HashRange): AsyncIterable<Iterable<NamedRow>> {
    for (const stored of [...this.#segments.expected.keys()].sort()) {
      if (covers(range, stored)) yield* this.#read(stored);
      else if (covers(stored, range)) yield (await this.#wideRows(stored, range)).get(range) ?? [];
      else this.#wide.delete(stored);
    }
  }

  /** @returns the rows of the wide range's part around a range, by their ranges of the same length */
  async #wideRows(stored: HashRange, range: HashRange): Promise<WideRows['byRange']> {
    const known = this.#wide.get(stored);
    if (known !== undefined && covers(known.part, range)) return known.byRange;
    this.#wide.delete(stored);
    const { events } = this.#segments.expected.get(stored) ?? { events: 0 };
    const bits = Math.max(0, Math.ceil(Math.log2(events / WIDE_EVENTS_MAX)));
    const part = range.slice(0, stored.length + bits) as HashRange;
    const rows: GrowingRow[] = [];
    for await (const delta of this.#read(stored)) {
      for (const row of delta) {
        if (part !== stored && !holds(part, hashOf(row.name))) continue;
        const own = new GrowingRow(row.name, row.hour);
        own.addAll(row);
        rows.push(own);
      }
    }
    const byRange = Map.groupBy(rows, ({ hash }) => rangeOf(hash, range.length));
    this.#wide.set(stored, { part, byRange });
    return byRange;
  }

  /** Reads the rows stored under a range. Missing rows are detected at its end, before any of them is merged. */
  async *#read(range: HashRange): AsyncIterable<Iterable<NamedRow>> {
    const { stretches, wanted, expected } = this.#segments;
    const found: Expected = { deltas: 0, events: 0 };
    for (const { fromMs, toMs } of stretches) {
      for await (const delta of this.#store.deltasIn(range, fromMs, toMs)) {
        const { shard, segment } = parseSegmentId(delta.segment);
        if (delta.rows === undefined || !wanted(shard, segment)) continue;
        found.deltas += 1;
        found.events += delta.events;
        yield this.#rowsOf(delta, delta.rows);
      }
    }
    const { deltas, events } = expected.get(range) ?? { deltas: 0, events: 0 };
    if (found.deltas !== deltas || found.events !== events) {
      throw new DeltasMissing(
        `hash range "${range}" has ${found.deltas} deltas with ${found.events} events, but the ledger says ${deltas} with ${events}`,
      );
    }
  }

  #rowsOf({ runMaxMs }: StoredDelta, encoded: Uint8Array): Iterable<NamedRow> {
    const rows = viewRows(encoded);
    if (this.#deletions.isEmpty) return rows;
    return Iterator.from(rows).filter(({ name }) => !this.#deletions.cover(splitName(name)[1], runMaxMs));
  }
}
