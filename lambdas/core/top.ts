// Top lists: the leading entities of each metric in a period, from one pass over the period's rows.
import { compareRows, decodeRows, encodeRows, type NamedRow, splitName } from './rows.ts';

/** An entity and its count in the period. */
export interface TopEntry {
  readonly entity: string;
  readonly n: bigint;
}

/** Maximum number of entities in a list. */
export const TOP_MAX = 100;

/** Orders entries: count descending, then entity ascending by code units. */
function compareTopEntries(a: TopEntry, b: TopEntry): number {
  if (a.n !== b.n) return a.n > b.n ? -1 : 1;
  return a.entity < b.entity ? -1 : a.entity > b.entity ? 1 : 0;
}

/** Collects the top entries of some metrics. Add each (metric, entity) at most once. */
export class TopCollector {
  readonly #metrics: ReadonlySet<string>;
  readonly #lists = new Map<string, List>();
  /** Lower bound for every list. */
  #least: number | bigint = Number.NEGATIVE_INFINITY;

  /** @param metrics whose lists to collect */
  constructor(metrics: ReadonlySet<string>) {
    this.#metrics = metrics;
  }

  add(row: NamedRow): void {
    const n = totalOf(row);
    // Skips most rows without decoding their names.
    if (n < this.#least) return;
    const [metric, entity] = splitName(row.name);
    if (!this.#metrics.has(metric)) return;
    const list = this.#lists.get(metric) ?? { entries: [], least: Number.NEGATIVE_INFINITY };
    this.#lists.set(metric, list);
    if (n < list.least) return;
    list.entries.push({ entity, n: BigInt(n) });
    // Sorting occasionally is cheaper than keeping the list sorted.
    if (list.entries.length < 10 * TOP_MAX) return;
    list.entries.sort(compareTopEntries).splice(TOP_MAX);
    list.least = list.entries[TOP_MAX - 1]?.n ?? list.least;
    this.#least = [...this.#metrics]
      .map((each) => this.#lists.get(each)?.least ?? Number.NEGATIVE_INFINITY)
      .reduce((a, b) => (a < b ? a : b));
  }

  /** The lists by metric; empty for a metric without rows. */
  lists(): ReadonlyMap<string, readonly TopEntry[]> {
    const sorted = (metric: string) =>
      (this.#lists.get(metric)?.entries ?? []).sort(compareTopEntries).slice(0, TOP_MAX);
    return new Map([...this.#metrics].map((metric) => [metric, sorted(metric)]));
  }
}

/** The leading entries of a metric and some more, and the least count that can still be among the leading ones. */
interface List {
  readonly entries: TopEntry[];
  least: number | bigint;
}

function totalOf({ length, sums }: NamedRow): number | bigint {
  let n = 0;
  for (let index = 0; index < length; index += 1) {
    const sum = sums[index] as number | bigint;
    if (typeof sum === 'bigint' || !Number.isSafeInteger(n + sum))
      return sums.slice(0, length).reduce((all: bigint, one) => all + BigInt(one), 0n);
    n += sum;
  }
  return n;
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

/** Decodes a list. @throws InvalidRows when it is damaged */
export function decodeTop(bytes: Uint8Array): TopEntry[] {
  return decodeRows(bytes)
    .map(({ entity, cells }) => ({ entity, n: cells.get(0) ?? 0n }))
    .sort(compareTopEntries);
}
