// The trace of a history: every step in order, as a hash always and as text on demand.
import type { Clock } from '../../lambdas/ports.ts';
import { hashText } from './random.ts';

/** Records steps. Two runs of one seed must give the same hash. */
export class Trace {
  readonly #lines: string[] | undefined;
  readonly #clock: Clock;
  readonly #startMs: number;
  #first = 0x811c9dc5;
  #second = 0x1b873593;

  /** @param keepLines whether the text is wanted, not only the hash */
  constructor(clock: Clock, startMs: number, keepLines: boolean) {
    this.#clock = clock;
    this.#startMs = startMs;
    this.#lines = keepLines ? [] : undefined;
  }

  /** Records a step, with the time. */
  note(what: string): void {
    const nowMs = this.#clock.nowMs();
    const line = `${nowMs} ${what}`;
    this.#first = hashText(line, this.#first);
    this.#second = Math.imul(this.#second ^ this.#first, 0x85ebca6b) >>> 0;
    this.#lines?.push(`+${((nowMs - this.#startMs) / 1000).toFixed(3)} ${what}`);
  }

  get hash(): string {
    return this.#first.toString(16).padStart(8, '0') + this.#second.toString(16).padStart(8, '0');
  }

  get lines(): readonly string[] {
    return this.#lines ?? [];
  }
}
