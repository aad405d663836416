// The aggregator's metrics: counts of what its segments did, and error logs of what operators must see.
import { rejectedEvents } from '../core/accounts.ts';
import type { SegmentListener } from './segment-listener.ts';

type Count = (counts: Readonly<Record<string, number>>) => void;

type Details = Readonly<Record<string, unknown>>;

interface Log {
  warn(message: string, details: Details): void;
  error(message: string, details: Details): void;
}

/**
 * Turns segment events into counts and log lines.
 * @param countAny emits only nonzero counts
 */
export function segmentMetrics(count: Count, countAny: Count, log: Log): SegmentListener {
  return {
    planned: () => {},
    recovered: () => log.warn('a segment that was planned earlier is finished', {}),
    committed: ({ accounts }) => {
      count({ EventsReceived: accounts.received });
      countAny({ EventsDuplicate: accounts.duplicate, EventsRejected: rejectedEvents(accounts) });
      if (Object.keys(accounts.rejected).length > 0)
        log.warn('events were rejected', { ...accounts.rejected });
    },
    lost: (segment, { first, last, records }) => {
      count({ RecordsLost: records });
      log.error('the stream trimmed a planned segment: it is lost', { segment, first, last, records });
    },
    gap: (shard, { after, before }) => {
      count({ RecordsLost: 1 });
      log.error('records may have been trimmed before they were read', { shard, after, before });
    },
  };
}
