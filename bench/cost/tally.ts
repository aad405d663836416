// Tally on a complete real log: metered, and its counts compared with the published truth at every level.
import { isDeepStrictEqual } from 'node:util';
import { LEVELS, periodAt } from '../../lambdas/core/level.ts';
import { decodeRows } from '../../lambdas/core/rows.ts';
import { CountingStack, START_MS } from '../../plan/count.ts';
import { Meter } from '../../plan/meter.ts';
import type { Log } from './real-logs.ts';

/** The counts differ from what others counted. */
class WrongCounts extends Error {
  override readonly name = 'WrongCounts';
}

const DAY_MS = 86_400_000;

/** Counts a log, one event per record, at the given rate. @throws WrongCounts */
export async function runLog(log: Log, eventsPerSecond: number): Promise<{ meter: Meter; events: number }> {
  const meter = new Meter();
  const settings = { hashSlots: 64, windowSeconds: 10, compactionSeconds: 300, dedupWindowSeconds: 600 };
  const stack = new CountingStack(settings, meter);
  for (const [index, entity] of log.entities.entries()) {
    const atMs = START_MS + Math.floor((index * 1000) / eventsPerSecond);
    meter.noteRecord(200);
    await stack.take(atMs, [{ id: `event-${index}`, metric: log.metric, entity, atMs }]);
  }
  await stack.finish(2 * DAY_MS);
  const endMs = START_MS + (log.entities.length * 1000) / eventsPerSecond;
  for (const level of LEVELS) {
    const sums = new Map<string, number>();
    const periods = new Map<number, ReturnType<typeof periodAt>>();
    for (let atMs = START_MS; atMs <= endMs; atMs += 60_000) {
      const period = periodAt(level, atMs);
      periods.set(period.startMs, period);
    }
    for (const period of periods.values()) {
      for await (const { rows } of stack.ports.store.blocksOf(period)) {
        for (const { entity, cells } of decodeRows(rows)) {
          for (const n of cells.values()) sums.set(entity, (sums.get(entity) ?? 0) + Number(n));
        }
      }
    }
    if (!isDeepStrictEqual(sums, log.truth))
      throw new WrongCounts(`${log.name}: the ${level} differ from the truth`);
  }
  return { meter, events: log.entities.length };
}
