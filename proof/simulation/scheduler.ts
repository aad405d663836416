// Virtual time: events in order, one after the other, with nothing in between.
import type { Clock } from '../../lambdas/ports.ts';

interface Event {
  readonly atMs: number;
  readonly run: () => void;
}

/** A clock that jumps from one event to the next. */
export class Scheduler implements Clock {
  /** In the order in which they will run. */
  readonly #events: Event[] = [];
  #nowMs: number;
  #woken = false;
  /** Events so far. */
  steps = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Schedules a task at a time; tasks of the same time run in the order of their scheduling. */
  at(atMs: number, run: () => void): void {
    const event = { atMs: Math.max(atMs, this.#nowMs), run };
    // Most new events are due soon: few come before them.
    const place = this.#events.findIndex((later) => later.atMs > event.atMs);
    this.#events.splice(place === -1 ? this.#events.length : place, 0, event);
  }

  /** Schedules a task after a delay. */
  in(delayMs: number, run: () => void): void {
    this.at(this.#nowMs + delayMs, run);
  }

  /** Notes that code was started or woken: it must run before the next event. */
  woke(): void {
    this.#woken = true;
  }

  /** The time of the next event; undefined if there is none. */
  get nextMs(): number | undefined {
    return this.#events[0]?.atMs;
  }

  /** Runs the next event, if there is one; await `settled` before the one after. */
  step(): void {
    const next = this.#events.shift();
    if (next === undefined) return;
    this.#nowMs = next.atMs;
    this.steps += 1;
    next.run();
  }

  /** Lets code run that the last event woke or started. @returns undefined if there is none: waiting costs as much as an event */
  settled(): Promise<void> | undefined {
    if (!this.#woken) return undefined;
    this.#woken = false;
    return allMicrotasks();
  }
}

/** Immediates asked for at once: a round of the event loop for each would cost more than most steps do. */
const TURNS_AT_ONCE = 64;
let turnsLeft = 0;
let waiting: (() => void)[] = [];

function turn(): void {
  turnsLeft -= 1;
  const woken = waiting;
  waiting = [];
  for (const wake of woken) wake();
}

/** Resolves when every promise reaction that can run has run: Node gets to its next immediate only then. */
export function allMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    if (turnsLeft > 0) return;
    for (; turnsLeft < TURNS_AT_ONCE; turnsLeft += 1) setImmediate(turn);
  });
}
