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

/** Compares places in a ranking: negative when `a` stands before `b`. */
export function compareRanked(a: Ranked, b: Ranked): number {
  if (a.n !== b.n) return a.n > b.n ? -1 : 1;
  if (a.entity === b.entity) return 0;
  return a.entity < b.entity ? -1 : 1;
}

/**
 * The list after some entities have got other counts. Doing it twice, or with counts that are in the list already, changes nothing.
 * @param changed the entities' counts as they are now, each entity once
 */
export function updateTop(list: TopList, changed: readonly Ranked[], entriesMax = TOP_ENTRIES_MAX): TopList {
  const names = new Set(changed.map(({ entity }) => entity));
  const entries = [...list.entries.filter(({ entity }) => !names.has(entity)), ...changed].sort(
    compareRanked,
  );
  const [best] = entries.splice(entriesMax);
  const { outside } = list;
  if (best === undefined) return { entries, outside };
  return { entries, outside: outside === undefined || compareRanked(best, outside) < 0 ? best : outside };
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
