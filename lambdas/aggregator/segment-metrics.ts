// The aggregator's metrics: what its segments did, as counts, and the two things that must never go unseen as errors.
import { rejectedEvents } from '../counting/accounts.ts';
import type { SegmentListener } from './segment-listener.ts';

/** Turns what happens to segments into counts and log lines. */
export function segmentMetrics(
  count: (counts: Readonly<Record<string, number>>) => void,
  reportError: (message: string, details: Record<string, string | number>) => void,
): SegmentListener {
  return {
    planned: () => count({ SegmentsPlanned: 1 }),
    recovered: () => count({ SegmentsRecovered: 1 }),
    committed: ({ accounts, cut, rows, late }) => {
      count({
        EventsReceived: accounts.received,
        EventsDuplicate: accounts.duplicate,
        EventsRejected: rejectedEvents(accounts),
        EventsEmitted: accounts.emitted,
        EventsLate: late,
        RowsEmitted: rows,
        DeltasEmitted: cut.length,
      });
      for (const [reason, events] of Object.entries(accounts.rejected))
        count({ [`Rejected-${reason}`]: events });
    },
    lost: (segment, { first, last, records }) => {
      count({ RecordsLost: records });
      reportError('the stream trimmed a planned segment: it is lost', { segment, first, last, records });
    },
    gap: (shard, { after, before }) => {
      count({ StreamGaps: 1 });
      reportError('records may have been trimmed before anybody read them', { shard, after, before });
    },
  };
}
