// Rewrites what contains an entity: blocks with their top lists, late rows, deltas. Rows that arrived after the deletion stay.
import type { CompactionState } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import { cellOf, expiresAtOf, type Level, type Period, periodStartMs, UPPER_LEVELS } from '../core/level.ts';
import { compareRows, decodeRows, encodeRows, hasSameCounts, type Row, rowName } from '../core/rows.ts';
import { HOUR_MS } from '../core/time.ts';
import { makeTops } from '../store/make-tops.ts';
import {
  type DeletionTarget,
  type FoundRow,
  isIn,
  type Places,
  rowsOf,
  rowsOfDeltas,
} from './find-entity.ts';
import type { DeletionPorts, DeletionReport, DeletionSettings } from './ports.ts';

/** What is deleted, where, and the report of it. */
export interface Forgetting {
  readonly what: DeletionTarget;
  /** Rows of segments whose running maximum of arrivals is at most this go. */
  readonly throughMs: number;
  readonly ports: DeletionPorts;
  readonly settings: DeletionSettings;
  readonly report: DeletionReport;
}

/** Pause before a block that compaction has just changed is read again. */
const RETRY_MS = 1_000;

/** Top lists read at once: beneath periods that are gone, there are many names and few lists. */
const TOPS_AT_ONCE = 50;

/** Rewrites a level's blocks, then the top lists of their periods. Repeatable. */
export async function forgetLevel(level: Level, places: Places, forgetting: Forgetting): Promise<void> {
  const { what, ports, report } = forgetting;
  const changed = new Map<number, Set<string>>();
  const note = ({ startMs }: Period, metric: string) => {
    changed.set(startMs, (changed.get(startMs) ?? new Set()).add(metric));
  };
  for (let open = places; open.size > 0; ) {
    const state = await ports.state.readState();
    const later = await laterRows(level, state, forgetting);
    const again = new Map<string, Period[]>();
    for await (const found of rowsOf(what, open, ports.store)) {
      const { period, row } = found;
      const outcome = await rewriteBlock(found, later, state, forgetting);
      if (outcome === 'again') again.set(row.metric, [...(again.get(row.metric) ?? []), period]);
      if (outcome !== 'rewritten') continue;
      report.rows[level] += 1;
      note(period, row.metric);
    }
    open = again;
    if (open.size > 0) await ports.pause(RETRY_MS);
  }
  // An earlier run that crashed may have left lists that name the entity.
  for (const [metric, periods] of places) {
    for (let at = 0; at < periods.length; at += TOPS_AT_ONCE) {
      const look = async (period: Period) => {
        const top = await ports.store.readTop(metric, period);
        if (top?.entries.some(({ entity }) => entity === what.entity)) note(period, metric);
      };
      await Promise.all(periods.slice(at, at + TOPS_AT_ONCE).map(look));
    }
  }
  for (const [startMs, metrics] of changed) await remakeTops({ level, startMs }, metrics, forgetting);
}

/** A level's rows of segments after the deletion, by period and metric: these must stay. */
async function laterRows(
  level: Level,
  state: CompactionState,
  { what, throughMs, ports }: Forgetting,
): Promise<ReadonlyMap<string, Row>> {
  const deletions = new Deletions(await ports.state.readDeletions(state.deletions));
  const later = new Map<string, Row>();
  for await (const { delta, row } of rowsOfDeltas(what, throughMs + 1, ports)) {
    if (!isIn(state, level, delta) || deletions.cover(row.entity, delta.runMaxMs)) continue;
    const hourMs = row.hour * HOUR_MS;
    const name = laterName(periodStartMs(level, hourMs), row.metric);
    const before = later.get(name);
    const cells = new Map(before?.cells);
    for (const [minute, n] of row.cells) {
      const cell = level === 'hours' ? minute : cellOf(level, hourMs);
      cells.set(cell, (cells.get(cell) ?? 0n) + n);
    }
    later.set(name, { ...row, hour: 0, events: (before?.events ?? 0) + row.events, cells });
  }
  return later;
}

function laterName(startMs: number, metric: string): string {
  return `${startMs} ${metric}`;
}

async function rewriteBlock(
  { period, leaf, row }: FoundRow,
  later: ReadonlyMap<string, Row>,
  state: CompactionState,
  { ports, settings }: Forgetting,
): Promise<'rewritten' | 'right' | 'again'> {
  const { block, range } = leaf;
  if (block === undefined || block.content === 'split') return 'right';
  // The block includes more segments than `later`.
  if (block.epoch > state[period.level].epoch) return 'again';
  const right = later.get(laterName(period.startMs, row.metric));
  if (right !== undefined && hasSameCounts(right, row)) return 'right';
  const name = rowName(row.metric, row.entity);
  const others = decodeRows(block.content).filter(({ metric, entity }) => rowName(metric, entity) !== name);
  const rows = right === undefined ? others : [...others, right].sort(compareRows);
  const { epoch, edit } = block;
  const put = await ports.store.putBlock(
    period,
    range,
    { epoch, edit: edit + 1, content: encodeRows(rows) },
    { is: 'as-read', epoch, edit },
    expiresAtOf(period, settings.retentions),
  );
  return put === 'put' ? 'rewritten' : 'again';
}

async function remakeTops(
  period: Period,
  metrics: ReadonlySet<string>,
  { ports, settings, report }: Forgetting,
): Promise<void> {
  const { state, store, pause } = ports;
  for (;;) {
    const before = (await state.readState())[period.level];
    await makeTops({ period, metrics }, before.epoch, store, settings.retentions);
    // An epoch that ran meanwhile may have stored lists from the old blocks.
    const after = (await state.readState())[period.level];
    if (before.plan === undefined && after.plan === undefined && after.epoch === before.epoch) break;
    await pause(RETRY_MS);
  }
  report.tops += metrics.size;
}

/** Rewrites late rows. @param lastEpoch later epochs of the hours already exclude the entity */
export async function forgetLate(lastEpoch: number, { what, ports, report }: Forgetting): Promise<void> {
  for (const level of UPPER_LEVELS) {
    for (const range of what.ranges) {
      await untilUnchanged(ports, async () => {
        let isDone = true;
        for await (const item of ports.rewriter.lateItems(level, range)) {
          const rows = item.epoch > lastEpoch ? undefined : rowsWithout(item.rows, what);
          if (rows === undefined) continue;
          const replaced = await ports.rewriter.replaceLate(level, range, item, rows);
          if (replaced === 'replaced') report.late += 1;
          else isDone = false;
        }
        return isDone;
      });
    }
  }
}

/** Rewrites deltas; their event counts stay, since the ledger has them. */
export async function forgetDeltas({ what, throughMs, ports, report }: Forgetting): Promise<void> {
  for (const range of what.ranges) {
    await untilUnchanged(ports, async () => {
      let isDone = true;
      for await (const delta of ports.store.deltasIn(range, 0, throughMs)) {
        const rows = delta.rows && rowsWithout(delta.rows, what);
        if (rows === undefined || delta.rows === undefined) continue;
        const replaced = await ports.rewriter.replaceDelta(delta, delta.rows, rows);
        if (replaced === 'replaced') report.deltas += 1;
        else isDone = false;
      }
      return isDone;
    });
  }
}

/** Repeats a rewrite until nothing changed between its reads and its writes. */
async function untilUnchanged({ pause }: DeletionPorts, rewrite: () => Promise<boolean>): Promise<void> {
  while (!(await rewrite())) await pause(RETRY_MS);
}

/** Encoded rows without the entity; undefined if it is not in them. */
function rowsWithout(encoded: Uint8Array, what: DeletionTarget): Uint8Array | undefined {
  const rows = decodeRows(encoded);
  const others = rows.filter(({ entity }) => entity !== what.entity);
  return others.length === rows.length ? undefined : encodeRows(others);
}
