// The leading entities of one metric in one period: a bounded list that knows how far it is exact.

/** An entity and what it has in the period. */
export interface Ranked {
  readonly entity: string;
  readonly n: bigint;
}

/**
 * The head of a ranking: by count downwards, equal counts by entity upwards (code units). What does not fit is outside, and
 * `outside` stands before everything there, or in the same place: so every entry before it is where it belongs, whatever
 * is outside. Counts fall as well as rise; an entity outside that falls leaves the mark too high, which is safe.
 */
export interface TopList {
  readonly entries: readonly Ranked[];
  /** Undefined as long as nothing is outside. */
  readonly outside: Ranked | undefined;
}

/** The list of a period in which nothing happened. */
export const EMPTY_TOP: TopList = { entries: [], outside: undefined };

/** Most entities that can be asked for. */
export const TOP_MAX = 100;

/** Entries kept: ten times what can be asked for, so that counts may fall a good deal before a list must be made anew. */
export const TOP_ENTRIES_MAX = 10 * TOP_MAX;

/**
 * Most bytes of a list's entries as JSON, before they are compressed: what does not compress must fit into an item of 400 KB,
 * too. An entity has 2,048 bytes at most, so that 160 entries fit at least.
 */
export const TOP_BYTES_MAX = 350_000;

/** Compares places in a ranking: negative when `a` stands before `b`. */
export function compareRanked(a: Ranked, b: Ranked): number {
  if (a.n !== b.n) return a.n > b.n ? -1 : 1;
  if (a.entity === b.entity) return 0;
  return a.entity < b.entity ? -1 : 1;
}

/**
 * Whether a count of an entity can change the list: whatever is behind the mark and not in the list stays outside.
 * @returns a function, since many counts are asked of one list
 */
export function concerns({ entries, outside }: TopList): (ranked: Ranked) => boolean {
  const inList = new Set(entries.map(({ entity }) => entity));
  return (ranked) => outside === undefined || compareRanked(ranked, outside) < 0 || inList.has(ranked.entity);
}

/**
 * The list after some entities have got other counts. Doing it twice, or with counts that are in the list already, changes nothing.
 * @param changed the entities' counts as they are now, each entity once
 * @param gone entities of which nothing is kept any more
 */
export function updateTop(
  list: TopList,
  changed: readonly Ranked[],
  entriesMax = TOP_ENTRIES_MAX,
  gone: readonly string[] = [],
): TopList {
  const names = new Set([...changed.map(({ entity }) => entity), ...gone]);
  const entries = [...list.entries.filter(({ entity }) => !names.has(entity)), ...changed].sort(
    compareRanked,
  );
  const kept = Math.min(entriesMax, fitting(entries));
  const [best] = entries.splice(kept);
  const { outside } = list;
  if (best === undefined) return { entries, outside };
  return { entries, outside: outside === undefined || compareRanked(best, outside) < 0 ? best : outside };
}

/** The list without an entity, its name in the mark included: the empty one stands before all others, so the mark only rises. */
export function withoutEntity({ entries, outside }: TopList, entity: string): TopList {
  return {
    entries: entries.filter((entry) => entry.entity !== entity),
    outside: outside?.entity === entity ? { entity: '', n: outside.n } : outside,
  };
}

/** How many of the first entries fit into one item. */
function fitting(entries: readonly Ranked[]): number {
  let bytes = 0;
  const firstOver = entries.findIndex((entry) => {
    bytes += Buffer.byteLength(JSON.stringify(pairOf(entry))) + 1;
    return bytes > TOP_BYTES_MAX;
  });
  return firstOver === -1 ? entries.length : firstOver;
}

/** Whether two lists say the same. */
export function isSameTop(a: TopList, b: TopList): boolean {
  return encodeTop(a) === encodeTop(b);
}

type Pair = [entity: string, n: string];

function pairOf({ entity, n }: Ranked): Pair {
  return [entity, String(n)];
}

/** A list as JSON: `{"entries": [[entity, "n"], …], "outside": [entity, "n"] or null}`. Sums may outgrow JSON's numbers. */
export function encodeTop({ entries, outside }: TopList): string {
  return JSON.stringify({
    entries: entries.map(pairOf),
    outside: outside === undefined ? null : pairOf(outside),
  });
}

/** A list that cannot be read: written by code that this code does not know. */
export class InvalidTopList extends Error {
  override readonly name = 'InvalidTopList';
}

/** Reads a list. @throws InvalidTopList when it is none */
export function decodeTop(text: string): TopList {
  const { entries, outside } = JSON.parse(text) as { readonly entries?: unknown; readonly outside?: unknown };
  if (!Array.isArray(entries)) throw new InvalidTopList('no entries');
  return { entries: entries.map(rankedIn), outside: outside === null ? undefined : rankedIn(outside) };
}

function rankedIn(pair: unknown): Ranked {
  if (!Array.isArray(pair) || pair.length !== 2) throw new InvalidTopList('not [entity, n]');
  const [entity, n] = pair as unknown[];
  if (typeof entity !== 'string' || typeof n !== 'string' || !/^-?\d+$/.test(n)) {
    throw new InvalidTopList('not [entity, n]');
  }
  return { entity, n: BigInt(n) };
}

/** How many of the first entries are certain to be the first of all. */
export function certainEntries({ entries, outside }: TopList): number {
  if (outside === undefined) return entries.length;
  const first = entries.findIndex((entry) => compareRanked(entry, outside) >= 0);
  return first === -1 ? entries.length : first;
}

/**
 * The first `k`, exact.
 * @returns undefined when counts have fallen so far that the list can not say; it must be made anew from all entities then
 */
export function topOf(list: TopList, k: number): readonly Ranked[] | undefined {
  if (list.outside !== undefined && certainEntries(list) < k) return undefined;
  return list.entries.slice(0, k);
}
