// The drill's own sums of what was answered with 202, compared with the API's counts.
import { MINUTE_MS } from '../../lambdas/core/time.ts';
import { minuteOf } from '../oracle/truth.ts';
import { readCounts } from '../tally.ts';

/** One event that the drill sends. */
export interface SentEvent {
  readonly id: string;
  readonly metric: string;
  readonly entity: string;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly n: number;
}

/** A count that is not what was sent. */
interface Difference {
  readonly entity: string;
  /** The minute, ISO 8601; or `total`. */
  readonly at: string;
  readonly sent: number;
  readonly counted: number;
}

/** What was compared, and what differed. */
export type Comparison = Awaited<ReturnType<Oracle['compare']>>;

/** The metric under which the drill sends. */
export const METRIC = 'drill';

/** Sums of accepted events by entity and minute, independent of how Tally counts. */
export class Oracle {
  readonly #sums = new Map<string, Map<number, number>>();
  #events = 0;

  /** Events that were accepted so far. */
  get events(): number {
    return this.#events;
  }

  /** Adds events of a request that was answered 202. */
  accepted(events: readonly SentEvent[]): void {
    this.#events += events.length;
    for (const { entity, at, n } of events) {
      const minutes = this.#sums.get(entity) ?? new Map<number, number>();
      const minute = minuteOf(at);
      minutes.set(minute, (minutes.get(minute) ?? 0) + n);
      this.#sums.set(entity, minutes);
    }
  }

  /** Asks the API for every minute of every entity. */
  async compare(url: string) {
    const differences: Difference[] = [];
    let minutes = 0;
    for (const [entity, sums] of this.#sums) {
      const counted = await readMinutes(url, entity, Math.min(...sums.keys()), Math.max(...sums.keys()));
      minutes += sums.size;
      for (const minute of new Set([...sums.keys(), ...counted.minutes.keys()])) {
        const [sent, found] = [sums.get(minute) ?? 0, counted.minutes.get(minute) ?? 0];
        if (sent === found) continue;
        differences.push({ entity, at: new Date(minute).toISOString(), sent, counted: found });
      }
      const sent = [...sums.values()].reduce((a, b) => a + b, 0);
      if (sent !== counted.total) differences.push({ entity, at: 'total', sent, counted: counted.total });
    }
    return { entities: this.#sums.size, minutes, events: this.#events, differences };
  }
}

async function readMinutes(url: string, entity: string, firstMs: number, lastMs: number) {
  const range = { by: 'minute', from: String(firstMs), to: String(lastMs + MINUTE_MS) };
  const { points, total } = await readCounts(url, METRIC, entity, range);
  return { total, minutes: new Map(points.map(({ at, n }) => [Date.parse(at), n])) };
}
