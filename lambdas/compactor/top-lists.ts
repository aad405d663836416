// Top lists, brought up to what was recomputed: after a portion of items is set, and before it is taken for done.
import pLimit from 'p-limit';
import { type CompactedLevel, itemStartMs, type LevelName, mayBeDeleted } from '../counting/levels.ts';
import {
  certainEntries,
  concerns,
  isSameTop,
  type Ranked,
  type TopList,
  updateTop,
} from '../counting/top-list.ts';
import { levelOfTop, type TopName, topExpiresAt, topKey } from '../counting/top-name.ts';
import type { CompactionReport, CompactorPorts, CompactorSettings } from './compaction.ts';
import type { Sums } from './recompute.ts';
import { remakeTop } from './remake-top.ts';

/** What keeping top lists needs. */
export type TopListPorts = Pick<CompactorPorts, 'tops' | 'levels' | 'clock' | 'ledger' | 'progress'>;

/** An item that was recomputed: the sums of it that were touched, and what it says now. */
export interface Recomputed {
  readonly name: LevelName;
  readonly sumsMs: readonly number[];
  readonly sums: Sums;
}

/** What one list has to hear. */
interface Changes {
  readonly name: TopName;
  /** What entities had in the period when they were recomputed. */
  readonly counts: Ranked[];
}

/** Lists at once: each may be long, and each reads its counters side by side. */
const LISTS_AT_ONCE = 4;

/** Brings the lists of all touched periods up. @returns false when time ran out: what was recomputed must not be taken for done */
export async function updateTopLists(
  level: CompactedLevel,
  recomputed: readonly Recomputed[],
  limit: ReturnType<typeof pLimit>,
  ports: TopListPorts,
  settings: Pick<CompactorSettings, 'topLists' | 'retentionsMs'>,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<boolean> {
  const lists = pLimit(LISTS_AT_ONCE);
  let inTime = true;
  await Promise.all(
    [...changesOf(level, recomputed)].map((changes) =>
      lists(async () => {
        inTime &&= hasTime();
        if (inTime) inTime = (await updateList(changes, limit, ports, settings, hasTime, report)) && inTime;
      }),
    ),
  );
  return inTime;
}

/** What changed, by list. */
function changesOf(level: CompactedLevel, recomputed: readonly Recomputed[]): Iterable<Changes> {
  const lists = new Map<string, Changes>();
  const add = (name: TopName, entity: string, n: bigint | undefined) => {
    // An hour of which nothing is applied yet.
    if (n === undefined) return;
    const { pk, sk } = topKey(name);
    const changes = lists.get(`${pk}#${sk}`) ?? { name, counts: [] };
    lists.set(`${pk}#${sk}`, changes);
    changes.counts.push({ entity, n });
  };
  for (const { name, sumsMs, sums } of recomputed) {
    const { metric, entity, startMs } = name;
    const whole: TopName = { metric, by: level === 'days' ? 'day' : 'month', startMs };
    add(whole, entity, sumOfPeriod(whole, sums));
    if (level === 'months') continue;
    for (const hourMs of sumsMs) add({ metric, by: 'hour', startMs: hourMs }, entity, sums.get(hourMs));
  }
  return lists.values();
}

/** What an item of the list's level says of the list's period; undefined when it says nothing. */
function sumOfPeriod({ by, startMs }: TopName, sums: Sums): bigint | undefined {
  if (by === 'hour') return sums.get(startMs);
  let sum: bigint | undefined;
  for (const n of sums.values()) sum = (sum ?? 0n) + n;
  return sum;
}

/**
 * Brings one list up. The list is read before the counts that go into it: whatever is put on top of a revision was then read
 * no earlier than what made that revision, so an older count never overwrites a newer one. What was counted of an entity
 * after that is the business of whoever counted it: he comes here as well.
 * It is put even where it says so already, or where nothing concerns it: another compactor that hangs may have read, on this
 * revision, counts that were higher or lower for a while, and its late put must not be the last word.
 * @returns false when time ran out before the list was made anew
 */
async function updateList(
  { name, counts }: Changes,
  limit: ReturnType<typeof pLimit>,
  ports: TopListPorts,
  settings: Pick<CompactorSettings, 'topLists' | 'retentionsMs'>,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<boolean> {
  const { tops, clock } = ports;
  const { entriesMax, certainMin } = settings.topLists;
  const expiresAt = topExpiresAt(name, settings.retentionsMs);
  if (mayBeDeleted(expiresAt, clock.nowMs())) return true;
  const isCertain = (list: TopList) => list.outside === undefined || certainEntries(list) >= certainMin;
  for (;;) {
    const stored = await tops.readTop(name);
    const isConcerned = concerns(stored.list);
    const entities = counts.filter(isConcerned).map(({ entity }) => entity);
    const { changed, gone } = await countsNow(name, entities, limit, ports);
    let list = updateTop(stored.list, changed, entriesMax, gone);
    let remade = false;
    if (!isCertain(list)) {
      const read = (all: readonly string[]) => countsNow(name, all, limit, ports);
      const anew = await remakeTop(name, read, limit, ports, settings.topLists, hasTime, report);
      if (anew === 'no-time') return false;
      remade = anew !== 'impossible';
      if (anew !== 'impossible') list = anew;
    }
    if ((await tops.putTop(name, { list, revision: stored.revision + 1, expiresAt })) === 'put') {
      if (!isSameTop(list, stored.list)) report.topsChanged += 1;
      if (remade) report.topsRemade += 1;
      if (!isCertain(list)) noteUncertain(name, report);
      return true;
    }
    report.conflicts += 1;
  }
}

/** Most lists that a report names. */
const NAMED_MAX = 20;

function noteUncertain(name: TopName, report: CompactionReport): void {
  const { pk, sk } = topKey(name);
  report.topsUncertain += 1;
  if (report.uncertainTops.length < NAMED_MAX) report.uncertainTops.push(`${pk} ${sk}`);
}

/** What entities have in a period as its level says now, and the entities of which it has nothing any more. */
async function countsNow(
  name: TopName,
  entities: readonly string[],
  limit: ReturnType<typeof pLimit>,
  { levels }: Pick<CompactorPorts, 'levels'>,
): Promise<{ readonly changed: Ranked[]; readonly gone: string[] }> {
  const { metric, by, startMs } = name;
  const level = levelOfTop(by);
  const [changed, gone]: [Ranked[], string[]] = [[], []];
  await Promise.all(
    entities.map((entity) =>
      limit(async () => {
        const item = await levels.readLevel({ level, metric, entity, startMs: itemStartMs(level, startMs) });
        const n = item && sumOfPeriod(name, item.sums);
        if (n === undefined) gone.push(entity);
        else changed.push({ entity, n });
      }),
    ),
  );
  return { changed, gone };
}
