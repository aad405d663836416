// A top list made anew: from all entities that segments touched in its period, as the ledger keeps them.
import type pLimit from 'p-limit';
import { lastEntered } from '../counting/books.ts';
import type { ShardKey } from '../counting/identifiers.ts';
import { enteredRunMaxMs } from '../counting/level-cursor.ts';
import type { SegmentEntry } from '../counting/segment-entry.ts';
import { DAY_MS } from '../counting/time.ts';
import { EMPTY_TOP, type Ranked, type TopList, updateTop } from '../counting/top-list.ts';
import { type TopName, topEndMs } from '../counting/top-name.ts';
import { decodeTouched } from '../counting/touched-counters.ts';
import type { CompactionReport, CompactorPorts, TopListSettings } from './compaction.ts';

/** What is needed to find a period's entities. */
export interface RemakePorts {
  readonly ledger: Pick<CompactorPorts['ledger'], 'shards' | 'readHead' | 'entriesDown'>;
  readonly progress: Pick<CompactorPorts['progress'], 'readTouched'>;
}

/** The counts of entities as they are now. */
type ReadCounts = (entities: readonly string[]) => Promise<{ readonly changed: readonly Ranked[] }>;

/** Events may be ahead of their arrival, by this much at least: segments that are gone may have allowed more than those that are there. */
const AHEAD_MIN_MS = DAY_MS;

/** Segments whose lists of what they touched are in memory together: each may have some hundred kilobytes. */
const SEGMENTS_AT_ONCE = 64;

/** Why a list is not made anew: segments are past their retention, or one run may not read that much; or time ran out. */
export type NotRemade = 'impossible' | 'no-time';

/**
 * Makes a list anew. To be put on top of the list that was read before: an entity whose first segment comes after this looked
 * is then either noticed as a conflict, or still to come.
 */
export async function remakeTop(
  name: TopName,
  read: ReadCounts,
  limit: ReturnType<typeof pLimit>,
  ports: RemakePorts,
  settings: TopListSettings,
  hasTime: () => boolean,
  report: CompactionReport,
): Promise<TopList | NotRemade> {
  const { remaking } = report;
  const entities = new Set<string>();
  for (const shard of await ports.ledger.shards()) {
    const entries = await entriesOf(shard, name, ports, settings, hasTime, report);
    if (typeof entries === 'string') return entries;
    for (let at = 0; at < entries.length; at += SEGMENTS_AT_ONCE) {
      if (!hasTime()) return 'no-time';
      const some = entries.slice(at, at + SEGMENTS_AT_ONCE);
      if (!(await addTouched(entities, shard, some, name, limit, ports))) return 'impossible';
      if (remaking.counters + entities.size > settings.remakeCountersMax) return 'impossible';
    }
  }
  remaking.counters += entities.size;
  const { changed } = await read([...entities]);
  return updateTop(EMPTY_TOP, changed, settings.entriesMax);
}

/** The entries of a shard that add to a period, found from the last one back. */
async function entriesOf(
  shard: ShardKey,
  { by, startMs }: TopName,
  { ledger }: RemakePorts,
  settings: TopListSettings,
  hasTime: () => boolean,
  { remaking }: CompactionReport,
): Promise<readonly SegmentEntry[] | NotRemade> {
  const endMs = topEndMs({ by, startMs });
  const found: SegmentEntry[] = [];
  const head = await ledger.readHead(shard);
  let expected = lastEntered(head);
  let aheadMs = Math.max(AHEAD_MIN_MS, head?.config.acceptFutureMs ?? 0);
  // Of a shard that was closed or idle long before, no entry may be left.
  if (expected === 0 || enteredRunMaxMs(head) < startMs - aheadMs) return found;
  for await (const entry of ledger.entriesDown(shard, expected)) {
    if (!hasTime()) return 'no-time';
    if (entry.segment !== expected || remaking.segments >= settings.remakeSegmentsMax) return 'impossible';
    remaking.segments += 1;
    const { buckets } = entry;
    if (buckets !== undefined && buckets.latestMs >= startMs && buckets.earliestMs < endMs) found.push(entry);
    aheadMs = Math.max(aheadMs, entry.config.acceptFutureMs);
    expected -= 1;
    // Whatever arrived before this can not have happened in the period.
    if (expected === 0 || entry.runMaxBeforeMs < startMs - aheadMs) return found;
  }
  return 'impossible';
}

/** Adds what segments touched in a period. @returns false when the list of what one touched is gone */
async function addTouched(
  entities: Set<string>,
  shard: ShardKey,
  entries: readonly SegmentEntry[],
  name: TopName,
  limit: ReturnType<typeof pLimit>,
  { progress }: RemakePorts,
): Promise<boolean> {
  const touched = await Promise.all(entries.map((entry) => limit(() => progress.readTouched(shard, entry))));
  for (const [index, chunks] of touched.entries()) {
    // Gone, or from before segments kept what they touch.
    if (chunks === undefined || (chunks.length === 0 && entries[index]?.parts.length !== 0)) return false;
    for (const chunk of chunks) addEntities(entities, chunk, name);
  }
  return true;
}

function addEntities(entities: Set<string>, chunk: string, { metric, by, startMs }: TopName): void {
  const endMs = topEndMs({ by, startMs });
  for (const touched of decodeTouched(chunk)) {
    if (touched.metric === metric && touched.hourMs >= startMs && touched.hourMs < endMs) {
      entities.add(touched.entity);
    }
  }
}
