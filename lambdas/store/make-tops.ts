// Computes a period's top lists in one pass over its blocks.
import { expiresAtOf, type Period, type Retentions } from '../core/level.ts';
import { viewRows } from '../core/rows.ts';
import { TopCollector } from '../core/top.ts';
import type { PeriodReader, TopStore } from './ports.ts';

/** Recomputes a period's lists for some metrics. @param epoch the level's epoch that wrote the blocks */
export async function makeTops(
  { period, metrics }: { readonly period: Period; readonly metrics: ReadonlySet<string> },
  epoch: number,
  store: PeriodReader & TopStore,
  retentions: Retentions,
): Promise<void> {
  const collector = new TopCollector(metrics);
  for await (const { rows } of store.blocksOf(period)) for (const row of viewRows(rows)) collector.add(row);
  for (const [metric, entries] of collector.lists()) {
    await store.putTop(metric, period, { epoch, entries }, expiresAtOf(period, retentions));
  }
}
