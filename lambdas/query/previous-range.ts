// The preceding range of a comparison: as long, or as many days, weeks or months.
import {
  type Grain,
  instantsIn,
  periodCeilingMs,
  periodStartMs,
  periodsOf,
  type Stretch,
  type TimeZone,
} from './calendar.ts';
import { InvalidQuery } from './invalid-query.ts';

/**
 * The preceding range. Minutes, hours and totals: equally long. Days, weeks and months: equally many; if the last one is not
 * over, the preceding range ends as far into its own last one: the month to date against as much of the month before.
 * @throws InvalidQuery if the range has nothing to compare with
 */
export function previousRange({ fromMs, toMs }: Stretch, by: Grain, zone: TimeZone): Stretch {
  const previous =
    by === 'day' || by === 'week' || by === 'month'
      ? calendarBefore({ fromMs, toMs }, by, zone)
      : { fromMs: fromMs - (toMs - fromMs), toMs: fromMs };
  if (previous.fromMs < 0)
    throw new InvalidQuery('"compare" looks back before 1970: ask for a shorter range');
  return previous;
}

function calendarBefore({ fromMs, toMs }: Stretch, by: 'day' | 'week' | 'month', zone: TimeZone): Stretch {
  if (periodStartMs(by, fromMs, zone) !== fromMs) {
    const nextMs = periodCeilingMs(by, fromMs, zone);
    throw new InvalidQuery(
      `"compare" by ${by} needs a "from" that starts a ${by}, such as ${instantsIn(zone)(nextMs)}`,
    );
  }
  let startMs = fromMs;
  let last: Stretch = { fromMs, toMs: fromMs };
  for (last of periodsOf({ fromMs, toMs }, by, zone)) startMs = periodStartMs(by, startMs - 1, zone);
  if (toMs === last.toMs) return { fromMs: startMs, toMs: fromMs };
  const lastBeforeMs = periodStartMs(by, fromMs - 1, zone);
  return { fromMs: startMs, toMs: Math.min(fromMs, lastBeforeMs + (toMs - last.fromMs)) };
}
