// Top lists: the leading entities of each metric in a period, from one pass over the period's rows.
import { compareRows, decodeRows, encodeRows, type Row } from './rows.ts';

/** An entity and its count in the period. */
export interface TopEntry {
  readonly entity: string;
  readonly n: bigint;
}

/** Most entities that a list has. */
export const TOP_MAX = 100;

/** Orders entries: by count downwards, equal counts by entity upwards (code units). */
function compareTopEntries(a: TopEntry, b: TopEntry): number {
  if (a.n !== b.n) return a.n > b.n ? -1 : 1;
  return a.entity < b.entity ? -1 : a.entity > b.entity ? 1 : 0;
}

/** Collects the first entries of some metrics. Each (metric, entity) may be added once. */
export class TopCollector {
  readonly #metrics: ReadonlySet<string>;
  readonly #lists = new Map<string, TopEntry[]>();

  /** @param metrics those whose lists are wanted */
  constructor(metrics: ReadonlySet<string>) {
    this.#metrics = metrics;
  }

  add({ metric, entity, cells }: Row): void {
    if (!this.#metrics.has(metric)) return;
    let n = 0n;
    for (const sum of cells.values()) n += sum;
    const list = this.#lists.get(metric) ?? [];
    this.#lists.set(metric, list);
    list.push({ entity, n });
    // Sorting now and then is cheaper than keeping the list sorted.
    if (list.length >= 10 * TOP_MAX) list.sort(compareTopEntries).splice(TOP_MAX);
  }

  /** The lists by metric. A metric without a row has an empty list. */
  lists(): ReadonlyMap<string, readonly TopEntry[]> {
    const sorted = (metric: string) =>
      (this.#lists.get(metric) ?? []).sort(compareTopEntries).slice(0, TOP_MAX);
    return new Map([...this.#metrics].map((metric) => [metric, sorted(metric)]));
  }
}

/** A list as one binary attribute. */
export function encodeTop(metric: string, entries: readonly TopEntry[]): Uint8Array {
  const rows = entries.map(({ entity, n }) => ({
    metric,
    entity,
    hour: 0,
    events: 0,
    cells: new Map([[0, n]]),
  }));
  return encodeRows(rows.sort(compareRows));
}

/** Reads a list. @throws InvalidRows when it is damaged */
export function decodeTop(bytes: Uint8Array): TopEntry[] {
  return decodeRows(bytes)
    .map(({ entity, cells }) => ({ entity, n: cells.get(0) ?? 0n }))
    .sort(compareTopEntries);
}
