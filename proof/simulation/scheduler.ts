// Virtual time: events in order, one after the other, with nothing in between.
import type { Clock } from '../../lambdas/ports.ts';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that jumps from one event to the next. */
export class Scheduler implements Clock {
  readonly #heap: Entry[] = [];
  #nowMs: number;
  #order = 0;
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
    this.#order += 1;
    const entry = { atMs: Math.max(atMs, this.#nowMs), order: this.#order, run };
    let place = this.#heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(entry, this.#heap[parent] as Entry)) break;
      this.#heap[place] = this.#heap[parent] as Entry;
      place = parent;
    }
    this.#heap[place] = entry;
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
    return this.#heap[0]?.atMs;
  }

  /** Runs the next event; await `settled` before the one after. @returns false if none is left */
  step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    this.#nowMs = next.atMs;
    this.steps += 1;
    next.run();
    return true;
  }

  /** Lets code run that the last event woke or started. @returns undefined if there is none: waiting costs as much as an event */
  settled(): Promise<void> | undefined {
    if (!this.#woken) return undefined;
    this.#woken = false;
    return allMicrotasks();
  }

  #pop(): Entry | undefined {
    const first = this.#heap[0];
    const last = this.#heap.pop();
    if (first === undefined || last === undefined || this.#heap.length === 0) return first;
    let place = 0;
    for (;;) {
      let child = place * 2 + 1;
      if (child >= this.#heap.length) break;
      if (
        child + 1 < this.#heap.length &&
        isBefore(this.#heap[child + 1] as Entry, this.#heap[child] as Entry)
      )
        child += 1;
      if (!isBefore(this.#heap[child] as Entry, last)) break;
      this.#heap[place] = this.#heap[child] as Entry;
      place = child;
    }
    this.#heap[place] = last;
    return first;
  }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
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
