// Computes a period's top lists in one pass over its blocks.
import pLimit, { type LimitFunction } from 'p-limit';
import { expiresAtOf, type Period, type Retentions } from '../core/level.ts';
import { viewRows } from '../core/rows.ts';
import { TopCollector } from '../core/top.ts';
import type { PeriodReader, TopStore } from './ports.ts';

/** Concurrent calls: a killed epoch makes all of its lists again, and one by one those of 40,000 metrics would outlast any run. */
const LISTS_AT_ONCE = 32;

/**
 * Recomputes a period's lists for some metrics, unless a later epoch's are there. Repeatable. Each put is conditional on
 * the list read before the blocks: a deletion or repair may have rewritten both since.
 * @param epoch the level's epoch that wrote the blocks
 * @param limit limits concurrent calls
 */
export async function makeTops(
  { period, metrics }: { readonly period: Period; readonly metrics: ReadonlySet<string> },
  epoch: number,
  store: PeriodReader & TopStore,
  retentions: Retentions,
  limit: LimitFunction = pLimit(LISTS_AT_ONCE),
): Promise<void> {
  const edits = new Map<string, number>();
  await limit.map(metrics, async (metric) => {
    const top = await store.readTop(metric, period);
    if (top === undefined || top.epoch <= epoch) edits.set(metric, top?.edit ?? 0);
  });
  if (edits.size === 0) return;
  const collector = new TopCollector(new Set(edits.keys()));
  for await (const { rows } of store.blocksOf(period)) for (const row of viewRows(rows)) collector.add(row);
  const changed = new Set<string>();
  await limit.map(collector.lists(), async ([metric, entries]) => {
    const top = { epoch, edit: (edits.get(metric) ?? 0) + 1, entries };
    if ((await store.putTop(metric, period, top, expiresAtOf(period, retentions))) === 'conflict')
      changed.add(metric);
  });
  if (changed.size > 0) await makeTops({ period, metrics: changed }, epoch, store, retentions, limit);
}
