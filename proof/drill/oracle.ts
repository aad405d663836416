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

/** What was compared, and what differed: the count of a minute, ISO 8601, or the `total`. */
export type Comparison = Awaited<ReturnType<Oracle['compare']>>;

/** The metric under which the drill sends. */
export const METRIC = 'drill';

/** Sums of accepted events by entity and minute, independent of how Tally counts. */
export class Oracle {
  readonly #sums = new Map<string, Map<number, number>>();
  /** Events that were accepted so far. */
  events = 0;

  /** Adds events of a request that was answered 202. */
  accepted(events: readonly SentEvent[]): void {
    this.events += events.length;
    for (const { entity, at, n } of events) {
      const minutes = this.#sums.get(entity) ?? new Map<number, number>();
      const minute = minuteOf(at);
      minutes.set(minute, (minutes.get(minute) ?? 0) + n);
      this.#sums.set(entity, minutes);
    }
  }

  /** Asks the API for every minute of every entity. */
  async compare(url: string) {
    const differences: { entity: string; at: string; sent: number; counted: number }[] = [];
    let minutes = 0;
    for (const [entity, sums] of this.#sums) {
      const to = String(Math.max(...sums.keys()) + MINUTE_MS);
      const range = { by: 'minute', from: String(Math.min(...sums.keys())), to };
      const { points, total } = await readCounts(url, METRIC, entity, range);
      const found = new Map(points.map(({ at, n }) => [Date.parse(at), n]));
      minutes += sums.size;
      for (const minute of new Set([...sums.keys(), ...found.keys()])) {
        const [sent, counted] = [sums.get(minute) ?? 0, found.get(minute) ?? 0];
        if (sent !== counted) differences.push({ entity, at: new Date(minute).toISOString(), sent, counted });
      }
      const sent = sums.values().reduce((a, b) => a + b, 0);
      if (sent !== total) differences.push({ entity, at: 'total', sent, counted: total });
    }
    return { entities: this.#sums.size, minutes, events: this.events, differences };
  }
}
