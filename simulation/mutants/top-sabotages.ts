// The sabotages of the top lists: their order against what they are made of, what is outside, and making them anew.
import { one, type Sabotage } from './sabotage.ts';

const LISTS = 'lambdas/compactor/top-lists.ts';
const REMAKE = 'lambdas/compactor/remake-top.ts';
const LIST = 'lambdas/counting/top-list.ts';
const WORK_OFF = 'lambdas/compactor/work-off.ts';
const TABLE = 'simulation/world/tops.ts';

const SABOTAGES: readonly Sabotage[] = [
  one(
    'tops: put without the condition on the revision',
    TABLE,
    '    if ((stored?.revision ?? 0) !== revision - 1) return false;\n',
    '',
  ),
  one(
    'tops: counts from before the list was read',
    LISTS,
    'let list = updateTop(stored.list, changed, entriesMax, gone);',
    'let list = updateTop(stored.list, counts.filter(isConcerned), entriesMax, gone.slice(changed.length));',
  ),
  {
    // Compactors that meet mostly work on the same page, and then it does not matter whose list stays.
    ...one(
      'tops: a conflict taken as done',
      LISTS,
      '    report.conflicts += 1;\n',
      '    report.conflicts += 1;\n    return true;\n',
    ),
    tests: ['test/contract/top-lists.test.ts'],
  },
  {
    ...one(
      'tops: what says so already is not put',
      LISTS,
      '    if ((await tops.putTop(name,',
      '    if (stored.revision > 0 && isSameTop(list, stored.list)) return true;\n    if ((await tops.putTop(name,',
    ),
    tests: ['test/compactor/top-lists.test.ts'],
  },
  {
    ...one(
      'tops: hours past retention are not told of',
      'lambdas/compactor/recompute.ts',
      'if (readable.length === 0) return storedSums(name, ports, settings);',
      'void storedSums;\n  if (readable.length === 0) return undefined;',
    ),
    tests: ['test/compactor/recompute.test.ts'],
  },
  one(
    'tops: lists after the cursor, when there is time',
    WORK_OFF,
    'return inTime && (await updateTopLists(level, recomputed, limit, ports, settings, hasTime, report));',
    'if (inTime) void updateTopLists(level, recomputed, limit, ports, settings, hasTime, report).catch(() => {});\n  return inTime;',
  ),
  one(
    'tops: an uncertain list left as it is',
    LISTS,
    'if (!isCertain(list)) {\n',
    'if (list === undefined) {\n',
  ),
  one(
    'tops: the mark follows what was cut last',
    LIST,
    'outside: outside === undefined || compareRanked(best, outside) < 0 ? best : outside',
    'outside: best',
  ),
  one(
    'tops: made anew from the last segment of each shard',
    REMAKE,
    'if (expected === 0 || entry.runMaxBeforeMs < startMs - aheadMs) return found;',
    'return found;',
  ),
  one(
    'tops: made anew without its first entity',
    REMAKE,
    'const { changed } = await read([...entities]);',
    'const { changed } = await read([...entities].slice(1));',
  ),
];

export const TOP_SABOTAGES: readonly Sabotage[] = SABOTAGES.map((sabotage) => ({
  ...sabotage,
  unexplored: 'no compactor runs in the small worlds',
}));
