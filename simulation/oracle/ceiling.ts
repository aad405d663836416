// The most that a counter may show at this moment: everything that has arrived, and no more.
import type { Arrived } from './truth.ts';
import { counterName } from './truth.ts';
import { Violation } from './violation.ts';

interface Bounds {
  events: number;
  up: number;
  down: number;
}

/** Grows with every arrival; every write of a counter item is held against it. */
export class Ceiling {
  readonly #windowMs: number;
  readonly #bounds = new Map<string, Bounds>();
  readonly #latestMs = new Map<string, number>();

  /** @param windowMs the least dedup window in force */
  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  arrived({ occurrence, arrivalMs }: Arrived): void {
    const { id, rejected, metric, entity, atMs, n } = occurrence;
    if (rejected !== undefined) return;
    if (id !== undefined) {
      const latestMs = this.#latestMs.get(id);
      this.#latestMs.set(id, Math.max(latestMs ?? 0, arrivalMs));
      if (latestMs !== undefined && arrivalMs - latestMs <= this.#windowMs) {
        // Without a time of its own it would count in another minute, should its first record be lost.
        if (atMs === undefined) this.#raise(counterName(metric, entity), arrivalMs, n, 1);
        return;
      }
    }
    this.#raise(counterName(metric, entity), atMs ?? arrivalMs, n, 1);
  }

  /**
   * Checks a counter item after a write.
   * @param numbers its attributes: `e`, and a sum for each minute `m00` to `m59`
   */
  check(metric: string, entity: string, hourMs: number, numbers: ReadonlyMap<string, number>): void {
    const name = counterName(metric, entity);
    let events = 0;
    for (const [attribute, sum] of numbers) {
      if (attribute.length !== 3 || attribute[0] !== 'm') continue;
      const minuteMs = hourMs + Number(attribute.slice(1)) * 60_000;
      const bounds = this.#bounds.get(`${name}\n${minuteMs}`) ?? { events: 0, up: 0, down: 0 };
      events += bounds.events;
      if (sum > bounds.up || sum < bounds.down) {
        throw new Violation(
          'nothing counts twice',
          `${metric} of ${entity} shows ${sum} at ${iso(minuteMs)}, and only ${bounds.down} to ${bounds.up} has arrived`,
        );
      }
    }
    const shown = numbers.get('e') ?? 0;
    if (shown > events) {
      throw new Violation(
        'nothing counts twice',
        `${metric} of ${entity} holds ${shown} events in the hour of ${iso(hourMs)}, and only ${events} have arrived`,
      );
    }
  }

  #raise(name: string, atMs: number, n: number, events: number): void {
    const key = `${name}\n${Math.floor(atMs / 60_000) * 60_000}`;
    const bounds = this.#bounds.get(key);
    const up = Math.max(0, n);
    const down = Math.min(0, n);
    if (bounds === undefined) this.#bounds.set(key, { events, up, down });
    else {
      bounds.events += events;
      bounds.up += up;
      bounds.down += down;
    }
  }
}

/** An instant in a message. */
export function iso(atMs: number): string {
  return new Date(atMs).toISOString();
}
