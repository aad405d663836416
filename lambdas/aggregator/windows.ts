// The dedup windows of all shards that this container has processed: in memory while it is warm, otherwise from the ledger.
import { anyOf, type DedupView, ShardWindow } from '../core/dedup-window.ts';
import type { ShardKey } from '../core/identifiers.ts';
import { ID_BYTES } from '../core/seen-ids.ts';
import type { Head } from '../core/segment.ts';
import { MissingLedgerItem, type WindowEntry } from '../core/segment-entry.ts';
import type { SegmentLedger } from '../ports.ts';

/** What determines a segment's dedup window. */
export type WindowPlan = Pick<Head, 'segment' | 'minArrivalMs' | 'runMaxBeforeMs' | 'config' | 'ancestors'>;

/** The part of the ledger that windows are read from. */
export type WindowLedger = Pick<SegmentLedger, 'windowEntries' | 'readIds'>;

/** A cache of dedup windows. Its answers never depend on what is cached. */
export class DedupWindows {
  /** In order of last use. */
  readonly #windows = new Map<ShardKey, ShardWindow>();
  readonly #idsMax: number;

  /** @param idsMax limit on ids in memory; evicts the least recently used shards, but never the one in use */
  constructor(idsMax = 4_000_000) {
    this.#idsMax = idsMax;
  }

  /** The window in which a planned segment looks for duplicates: its shard's earlier segments, and its ancestors'. */
  async before(shard: ShardKey, plan: WindowPlan, ledger: WindowLedger): Promise<DedupView> {
    const sinceMs = plan.minArrivalMs - plan.config.dedupWindowMs;
    const views = [await this.#view(shard, plan.segment - 1, plan.runMaxBeforeMs, sinceMs, ledger)];
    for (const { shard: ancestor, segment, runMaxMs } of plan.ancestors) {
      views.push(await this.#view(ancestor, segment, runMaxMs, sinceMs, ledger));
    }
    return anyOf(views.filter((view) => view !== undefined));
  }

  /** Adds a committed segment's ids, if the segment directly follows the cached ones. */
  remember(shard: ShardKey, sent: Head, ids: Uint8Array): void {
    const window = this.#windows.get(shard) ?? (sent.segment === 1 ? new ShardWindow() : undefined);
    if (window === undefined || window.to !== sent.segment - 1) return;
    window.add(sent.segment, sent.runMaxMs, ids);
    this.#use(shard, window);
  }

  async #view(
    shard: ShardKey,
    to: number,
    runMaxMs: number,
    sinceMs: number,
    ledger: WindowLedger,
  ): Promise<DedupView | undefined> {
    if (to === 0 || runMaxMs < sinceMs) return undefined;
    let window = this.#windows.get(shard) ?? new ShardWindow();
    // A window beyond the plan can only come from another history: start over.
    if (window.to > to) window = new ShardWindow();
    if (window.to !== to || !window.reachesBackTo(sinceMs)) {
      window = await loaded(window, shard, to, sinceMs, ledger);
    }
    this.#use(shard, window);
    return window.since(sinceMs);
  }

  #use(shard: ShardKey, window: ShardWindow): void {
    this.#windows.delete(shard);
    this.#windows.set(shard, window);
    let ids = [...this.#windows.values()].reduce((sum, { size }) => sum + size, 0);
    for (const [oldest, { size }] of this.#windows) {
      if (ids <= this.#idsMax || oldest === shard) break;
      this.#windows.delete(oldest);
      ids -= size;
    }
  }
}

/** Extends a window up to segment `to` and back to `sinceMs`, reading only missing segments from the ledger. */
async function loaded(
  held: ShardWindow,
  shard: ShardKey,
  to: number,
  sinceMs: number,
  ledger: WindowLedger,
): Promise<ShardWindow> {
  const newer = await entriesNeeded(shard, to, held.to + 1, sinceMs, ledger);
  const joined = newer.olderRunMaxMs === undefined && held.to > 0;
  const window = joined ? held : new ShardWindow(idsIn(newer.entries));
  await fill(window, shard, newer.entries.reverse(), ledger);
  if (!joined) window.olderRunMaxMs = newer.olderRunMaxMs;
  if (window.reachesBackTo(sinceMs)) return window;
  const older = await entriesNeeded(shard, window.from - 1, 1, sinceMs, ledger);
  await fill(window, shard, older.entries, ledger);
  window.olderRunMaxMs = older.olderRunMaxMs;
  return window;
}

function idsIn(entries: readonly WindowEntry[]): number {
  return entries.reduce((sum, { idBytes }) => sum + idBytes, 0) / ID_BYTES;
}

async function fill(
  window: ShardWindow,
  shard: ShardKey,
  entries: readonly WindowEntry[],
  ledger: WindowLedger,
): Promise<void> {
  if (entries.length === 0) return;
  const ids = await ledger.readIds(shard, entries);
  for (const [index, { segment, runMaxMs }] of entries.entries()) {
    window.add(segment, runMaxMs, ids[index] as Uint8Array);
  }
}

/**
 * The entries from `from` down to `downTo`, as far as the window since `sinceMs` needs them.
 * @returns with `olderRunMaxMs` of the first entry that is not needed, if there is one
 * @throws MissingLedgerItem when a needed entry is missing
 */
async function entriesNeeded(
  shard: ShardKey,
  from: number,
  downTo: number,
  sinceMs: number,
  ledger: WindowLedger,
): Promise<{ entries: WindowEntry[]; olderRunMaxMs?: number }> {
  const entries: WindowEntry[] = [];
  if (from < downTo) return { entries };
  for await (const entry of ledger.windowEntries(shard, from, downTo)) {
    if (entry.segment !== from - entries.length) break;
    if (entry.runMaxMs < sinceMs) return { entries, olderRunMaxMs: entry.runMaxMs };
    entries.push(entry);
    if (entry.segment === downTo) return { entries };
    // Decided without reading the segment before, which may have expired.
    if (entry.runMaxBeforeMs < sinceMs) return { entries, olderRunMaxMs: entry.runMaxBeforeMs };
  }
  const segment = from - entries.length;
  throw new MissingLedgerItem(
    `the dedup window needs segment ${segment} of shard ${shard}, which has no entry`,
  );
}
