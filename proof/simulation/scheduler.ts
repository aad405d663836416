// Virtual time: what happens when, one thing after the other, and nothing else runs in between.
import type { Clock } from '../../lambdas/ports.ts';

interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** A clock that jumps from one thing that happens to the next. */
export class Scheduler implements Clock {
  readonly #heap: Entry[] = [];
  #nowMs: number;
  #order = 0;
  #woken = false;
  /** Things that have happened. */
  steps = 0;

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  /** Lets something happen at a time; things of one time happen in the order in which they were asked for. */
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

  /** Lets something happen after a while. */
  in(delayMs: number, run: () => void): void {
    this.at(this.#nowMs + delayMs, run);
  }

  /** Tells that code was started, or a promise settled that code waits for: it must run before anything else happens. */
  woke(): void {
    this.#woken = true;
  }

  /** When the next thing happens; undefined when nothing does. */
  get nextMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  /** Lets the next thing happen; `settled` comes before the one after. @returns false when nothing is left */
  step(): boolean {
    const next = this.#pop();
    if (next === undefined) return false;
    this.#nowMs = next.atMs;
    this.steps += 1;
    next.run();
    return true;
  }

  /** Lets code run that the last step woke or started. @returns undefined when there is none: waiting costs as much as a step */
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
