// Recount as an operator's command runs it, and damage for it to find.
import { finishPlans } from '../../../lambdas/compactor/compact.ts';
import { holds, nameHash, WHOLE_RANGE } from '../../../lambdas/core/hash-range.ts';
import { goneAtMs, LEVELS, type Level, type Retentions } from '../../../lambdas/core/level.ts';
import { compareRows, decodeRows, encodeRows, type Row } from '../../../lambdas/core/rows.ts';
import { type LevelRetentionsMs, retentionsKept } from '../../../lambdas/core/watermark.ts';
import { archivedSource } from '../../../lambdas/recount/archived-source.ts';
import { ALL_HOURS, type Findings, type RecountState } from '../../../lambdas/recount/ports.ts';
import { begin } from '../../../lambdas/recount/produce.ts';
import { recount } from '../../../lambdas/recount/recount.ts';
import { leavesIn } from '../../../lambdas/store/leaf-blocks.ts';
import { makeTops } from '../../../lambdas/store/make-tops.ts';
import type { Settings } from '../plan/settings.ts';
import type { Random } from '../random.ts';
import { MemorySpill, type Saved } from '../world/spill.ts';
import type { Clients } from '../world/world.ts';

/** A recount that has not begun. */
export function nothingSaved(): Saved {
  return { state: undefined, spill: undefined };
}

/** Recounts all hours, in several parts. @param saved its progress, before and after */
export async function recountAll(
  settings: Settings,
  clients: Clients,
  retentions: LevelRetentionsMs,
  saved: Saved,
  isRepair = false,
): Promise<Findings> {
  const { ledger, log, raw, clock, rewriter: periods, repairs: archive } = clients;
  const { blockBytes } = settings.compaction;
  const cut = {
    periodsAtOnce: 16,
    blockBytes,
    partEvents: settings.size === 'small' ? 20 : 5_000,
  };
  const kept = retentionsKept(await ledger.readWatermark(), retentions);
  const begun = saved.state ?? (await begin('everything', ALL_HOURS, { ledger }, cut));
  const spill = saved.spill ?? new MemorySpill(begun.spilled.length);
  saved.spill = spill;
  spill.cut(begun.spilled);
  const source = settings.archiveRaw ? archivedSource(raw, clock, undefined) : log;
  const repair = isRepair ? { ...clients, archive } : undefined;
  const ports = { ...clients, source, periods, spill, repair, finishPlans: () => finishPlans(clients) };
  return recount(
    structuredClone(begun),
    ports,
    { ...cut, retentions: kept },
    {
      save: async (now: RecountState) => {
        saved.state = structuredClone(now);
      },
      onProgress: () => {},
    },
  );
}

/** A damaged row of a block. */
export interface Damage {
  readonly level: Level;
  readonly entity: string;
}

/** Damages a row of a retained block, and the top list made from it: changes the row, drops it, or adds one that no segment has. */
export async function damage(
  { rewriter, state, store, clock }: Clients,
  draw: Random,
  retentions: Retentions,
): Promise<Damage | undefined> {
  const level = draw.pick(LEVELS);
  const periods = (await rewriter.periodsOf(level)).filter(
    (period) => goneAtMs(period, retentions) > clock.nowMs(),
  );
  const leaves = (await leavesIn(store, periods, WHOLE_RANGE)).filter(
    ({ block }) => block !== undefined && block.content !== 'split' && decodeRows(block.content).length > 0,
  );
  if (leaves.length === 0) return undefined;
  const { period, range, block } = draw.pick(leaves);
  if (block === undefined || block.content === 'split') return undefined;
  const rows = decodeRows(block.content);
  const row = draw.pick(rows);
  const others = rows.filter((one) => one !== row);
  const changed = { ...row, cells: new Map([...row.cells].map(([cell, n]) => [cell, n + 7n] as const)) };
  let phantom: Row = { ...row, entity: 'phantom' };
  for (let number = 0; !holds(range, nameHash(phantom.metric, phantom.entity)); number += 1)
    phantom = { ...row, entity: `phantom-${number}` };
  const [entity, damaged] = draw.pick<[string, Row[]]>([
    [row.entity, [...others, changed]],
    [row.entity, others],
    [phantom.entity, [...rows, phantom]],
  ]);
  const content = encodeRows(damaged.sort(compareRows));
  const { epoch, edit } = block;
  await store.putBlock(period, range, { epoch, edit, content }, { is: 'as-read', epoch, edit }, undefined);
  // As the next epoch would compute the list.
  const latest = (await state.readState())[level].epoch;
  await makeTops({ period, metrics: new Set([row.metric]) }, latest, store, retentions);
  return { level, entity };
}
