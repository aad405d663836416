// The use case of top lists: which entities lead, and how complete the answer is.
import { coveredBeforeMs } from '../core/compaction.ts';
import { Deletions } from '../core/deletions.ts';
import { retentionsKept } from '../core/watermark.ts';
import type { Freshness } from '../ports.ts';
import type { TopStore } from '../store/ports.ts';
import type { QueryPorts, QuerySettings } from './read-counts.ts';
import { type TopAnswer, type TopQuery, topAnswer, topFreshness } from './top-query.ts';

export interface TopPorts extends Pick<QueryPorts, 'watermarks' | 'state' | 'clock'> {
  readonly tops: Pick<TopStore, 'readTop'>;
}

export interface ReadTop {
  readonly answer: TopAnswer;
  readonly freshness: Freshness;
}

/** Answers a query from its period's list, as of the last epoch of its level. */
export async function readTop(
  query: TopQuery,
  ports: TopPorts,
  settings: Pick<QuerySettings, 'retentions'>,
): Promise<ReadTop> {
  const nowMs = ports.clock.nowMs();
  // The watermark first, then the state: read after the list, they could vouch for events that it does not include yet.
  const watermark = await ports.watermarks.readWatermark();
  const state = await ports.state.readState();
  const stored = await ports.tops.readTop(query.metric, query.period);
  const { covers } = state[query.period.level];
  const throughMs = Math.min(watermark.throughMs, coveredBeforeMs(covers));
  const as = {
    settledMs: covers.acceptedFromMs ?? 0,
    retentions: retentionsKept(watermark, settings.retentions),
    nowMs,
  };
  const deletions = new Deletions(await ports.state.readDeletions(state.deletions), state.deleting);
  const entries = stored?.entries.filter(({ entity }) => deletions.deletingThroughMs(entity) === undefined);
  const answer = topAnswer(query, entries ?? [], throughMs, as);
  return { answer, freshness: topFreshness(query, answer, as) };
}
