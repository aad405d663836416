// Repairs rows of blocks and deltas, each on condition that it is unchanged since the read, after recording the change.
import { DedupWindows } from '../aggregator/windows.ts';
import type { CompactionState } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import { type Delta, type DeltaName, deltasOf } from '../core/delta.ts';
import { type HashRange, halvesOf, hashOf, holds, nameHash, rangeOf, rangesOf } from '../core/hash-range.ts';
import { segmentId } from '../core/identifiers.ts';
import { expiresAtOf, type Period, periodName } from '../core/level.ts';
import { compareRows, decodeRows, encodeRows, type Row, rowBytes, rowName } from '../core/rows.ts';
import { isForgotten } from '../core/segment-entry.ts';
import type { Block, BlockCondition, StoredDelta } from '../store/ports.ts';
import { keepExpired } from '../writer/write.ts';
import { correctedRows, type WrongLate, type WrongPeriod } from './compare-blocks.ts';
import type { SegmentName } from './compare-deltas.ts';
import type { RecountPorts, RecountSettings, RepairPorts } from './ports.ts';
import { produceOne } from './produce-segment.ts';

/** Something changed between read and repair: it must be compared again. */
export class ChangedMeanwhile extends Error {
  override readonly name = 'ChangedMeanwhile';
}

/** Repairs a period's rows. Repeatable. @throws ChangedMeanwhile */
export async function repairPeriod(
  { period, differences, right, leaves }: WrongPeriod,
  compaction: CompactionState,
  repair: RepairPorts,
  { retentions, blockBytes }: Pick<RecountSettings, 'retentions' | 'blockBytes'>,
): Promise<void> {
  for (const leaf of leaves) {
    const names = new Set([...right.keys()].filter((name) => holds(leaf.range, hashOf(name))));
    if (names.size === 0) continue;
    const { epoch } = leaf.block ?? compaction[period.level];
    const edit = (leaf.block?.edit ?? 0) + 1;
    const trace = `${period.level}/${periodName(period)}/B${leaf.range}.${epoch}.${edit}`;
    const own = differences.filter(({ metric, entity }) => names.has(rowName(metric, entity)));
    await repair.archive.keepRepair(trace, own);
    const expiresAt = expiresAtOf(period, retentions);
    const rewriting = { period, store: repair.store, epoch, edit, blockBytes, expiresAt };
    await rewriteRange(leaf.range, leaf.block, correctedRows(leaf, right), rewriting);
  }
}

/** How a block is rewritten, within its epoch. */
interface Rewriting extends Pick<RepairPorts, 'store'> {
  readonly period: Period;
  readonly epoch: number;
  /** The least edit that its blocks get. */
  readonly edit: number;
  readonly blockBytes: number;
  readonly expiresAt: number | undefined;
}

/** Writes the rows of a range; if too many for one block, as its halves, which are put before the split marker. */
async function rewriteRange(
  range: HashRange,
  before: Block | undefined,
  rows: readonly Row[],
  rewriting: Rewriting,
): Promise<void> {
  const { period, store, epoch, blockBytes } = rewriting;
  // If a repair makes a block somewhat too large, the next epoch splits it.
  const isTooLarge = rows.reduce((sum, row) => sum + rowBytes(row), 0) > 2 * blockBytes && rows.length > 1;
  if (!isTooLarge) {
    await putBlock(range, before, encodeRows([...rows].sort(compareRows)), rewriting);
    return;
  }
  // Edited first: if this repair dies before the marker, the next epoch finds the halves and puts them again.
  const edited = await putBlock(range, before, before?.content ?? encodeRows([]), rewriting);
  for (const half of halvesOf(range)) {
    const own = rows.filter(({ metric, entity }) => holds(half, nameHash(metric, entity)));
    const [there] = await store.readBlocks([{ period, range: half }]);
    // A later epoch also splits this block: its halves must not be overwritten.
    if (there !== undefined && there.epoch > epoch) throw changed(period);
    if (own.length > 0 || there !== undefined) await rewriteRange(half, there, own, rewriting);
  }
  await putBlock(range, edited, 'split', rewriting);
}

async function putBlock(
  range: HashRange,
  before: Block | undefined,
  content: Block['content'],
  { period, store, epoch, edit, expiresAt }: Rewriting,
): Promise<Block> {
  const condition: BlockCondition =
    before === undefined ? { is: 'absent' } : { is: 'as-read', epoch: before.epoch, edit: before.edit };
  const block = { epoch, edit: Math.max(edit, (before?.edit ?? 0) + 1), content };
  if ((await store.putBlock(period, range, block, condition, expiresAt)) === 'conflict')
    throw changed(period);
  return block;
}

function changed({ level }: Period): ChangedMeanwhile {
  return new ChangedMeanwhile(`a block of the ${level} was changed while it was repaired`);
}

/**
 * Repairs rows set aside for a level: each name goes into the first item that has or could have it, and nowhere else.
 * Repeatable. @throws ChangedMeanwhile
 */
export async function repairLate(
  { level, differences, right }: WrongLate,
  compaction: CompactionState,
  { archive, store, rewriter, state }: RepairPorts,
): Promise<void> {
  const { hours, rangeBits } = compaction;
  const note = async () => {
    if ((await state.noteLate(compaction, level)) === 'conflict')
      throw new ChangedMeanwhile(`the hours moved on while rows of the ${level} were repaired`);
  };
  // Before the rows: if this repair dies after them, no later one finds a difference, and nothing would say to read them.
  await note();
  const wrong = right.map((one) => ({ ...one, hash: hashOf(one.name) }));
  await archive.keepRepair(`late/${level}.${compaction[level].epoch}.${hours.epoch}`, differences);
  let left = wrong;
  // Search everywhere: an extra row may be in an item of a range other than its own.
  for (const range of rangeBits.flatMap((bits) => rangesOf(bits))) {
    for await (const item of rewriter.lateItems(level, range)) {
      if (item.epoch <= compaction[level].hourEpoch || item.epoch > hours.epoch) continue;
      const rows = decodeRows(item.rows);
      const isWrong = (row: Row) =>
        wrong.some(({ name, hour }) => name === rowName(row.metric, row.entity) && hour === row.hour);
      const others = rows.filter((row) => !isWrong(row));
      const own = left.filter(({ hash }) => holds(range, hash));
      if (others.length === rows.length && own.length === 0) continue;
      const whole = [...others, ...own.flatMap(({ row }) => row ?? [])].sort(compareRows);
      if ((await rewriter.replaceLate(level, range, item, encodeRows(whole))) === 'conflict')
        throw new ChangedMeanwhile(`rows put aside for the ${level} were changed while they were repaired`);
      left = left.filter((one) => !own.includes(one));
    }
  }
  const plan = { hourEpoch: hours.epoch, plannedAtMs: hours.plannedAtMs };
  for (const [range, own] of Map.groupBy(left, ({ hash }) => rangeOf(hash, rangeBits.at(-1) ?? 0))) {
    const rows = own.flatMap(({ row }) => row ?? []).sort(compareRows);
    if (rows.length > 0) await store.putLate(level, range, plan, rows);
  }
  await note();
}

/**
 * Repairs a segment's deltas from the reproduced segment: stores a missing delta, replaces rows that differ, and turns a delta
 * that the segment does not have into a tombstone. Repeatable.
 * @returns whether the repair was possible @throws ChangedMeanwhile
 */
export async function repairDeltas(
  { shard, segment }: SegmentName,
  phantoms: readonly StoredDelta[],
  compaction: CompactionState,
  ports: RecountPorts,
  repair: RepairPorts,
  { retentions }: Pick<RecountSettings, 'retentions'>,
): Promise<boolean> {
  const [entry] = await ports.ledger.readEntries(shard, [segment]);
  const head = await ports.ledger.readHead(shard);
  const id = segmentId(shard, segment);
  const replace = async (name: DeltaName, before: Uint8Array | undefined, delta: Delta | undefined) => {
    const was = before && decodeRows(before).map(traceOf);
    await repair.archive.keepRepair(`deltas/${id}/${name.part}`, was ?? [{ was: 'absent' }]);
    if (before === undefined) {
      if (delta !== undefined) await repair.store.putDelta(delta);
    } else if ((await repair.rewriter.replaceDelta(name, before, delta?.rows)) === 'conflict')
      throw new ChangedMeanwhile(`delta ${name.part} of segment ${id} was changed while it was repaired`);
  };
  for (const phantom of phantoms) {
    const isUnknown = phantom.segment === id && entry?.parts[phantom.part] === undefined;
    if (isUnknown) await replace(phantom, phantom.rows, undefined);
  }
  if (entry === undefined || head === undefined) return true;
  const reader = ports.source.segmentsOf(shard);
  const output = await produceOne(entry, shard, head, reader, new DedupWindows(), ports);
  if (typeof output === 'string') return false;
  const deletions = new Deletions(await ports.state.readDeletions(compaction.deletions));
  for (const delta of deltasOf(id, entry.runMaxMs, output.cut)) {
    const all = decodeRows(delta.rows);
    const kept = all.filter(({ entity }) => !deletions.cover(entity, entry.runMaxMs));
    const right = kept.length === all.length ? delta : { ...delta, rows: encodeRows(kept) };
    const stored = await storedDelta(right, ports);
    const isRight = stored !== undefined && Buffer.compare(stored, right.rows) === 0;
    // The queue may have dropped its message. If not, it finds the delta, and counts nothing.
    const forgotten = isForgotten(entry, delta.part, ports.clock.nowMs());
    if (!isRight && (stored !== undefined || entry.acked.has(delta.part) || forgotten))
      await replace(right, stored, right);
    if (!forgotten) continue;
    if ((await repair.store.putDelta(right)) === 'discarded') {
      // The discard may have stopped between its tombstone and its note.
      await repair.ledger.notePlace(id, [delta.part], 'discarded');
      continue;
    }
    await keepExpired(right, retentions, { ...repair, clock: ports.clock });
    await repair.ledger.acknowledge(id, [delta.part]);
  }
  return true;
}

function traceOf({ metric, entity, hour, events, cells }: Row): object {
  return { metric, entity, hour, events, cells: [...cells].map(([cell, n]) => [cell, String(n)]) };
}

async function storedDelta(
  { range, runMaxMs, segment, part }: Delta,
  { store }: RecountPorts,
): Promise<Uint8Array | undefined> {
  for await (const stored of store.deltasIn(range, runMaxMs, runMaxMs)) {
    if (stored.segment === segment && stored.part === part) return stored.rows;
  }
  return undefined;
}
