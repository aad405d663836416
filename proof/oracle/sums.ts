// Sums by counter and minute.
import type { Row } from '../../lambdas/core/rows.ts';
import { valueIn } from '../simulation/value-in.ts';
import { counterName } from './truth.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** Sums of minutes, by `counterName`, then by the minute's start in epoch milliseconds. */
export class MinuteSums {
  readonly counters = new Map<string, Map<number, number>>();

  add(name: string, minuteMs: number, n: number): number {
    const minutes = valueIn(this.counters, name, () => new Map<number, number>());
    const sum = (minutes.get(minuteMs) ?? 0) + n;
    minutes.set(minuteMs, sum);
    return sum;
  }

  /** Adds the rows of a delta. @returns the minutes that changed, with their new sums */
  addRows(rows: readonly Row[]): { name: string; minuteMs: number; sum: number }[] {
    return rows.flatMap(({ metric, entity, hour, cells }) => {
      const name = counterName(metric, entity);
      return [...cells].map(([minute, n]) => {
        const minuteMs = hour * HOUR_MS + minute * MINUTE_MS;
        return { name, minuteMs, sum: this.add(name, minuteMs, Number(n)) };
      });
    });
  }

  of(name: string, minuteMs: number): number {
    return this.counters.get(name)?.get(minuteMs) ?? 0;
  }

  /** The sum of a counter's minutes in a range, epoch milliseconds. */
  within(name: string, fromMs: number, toMs: number): number {
    let sum = 0;
    for (const [minuteMs, n] of this.counters.get(name) ?? [])
      if (minuteMs >= fromMs && minuteMs < toMs) sum += n;
    return sum;
  }
}
