// The trace of a history: every step in order, as a hash always and as text on demand.
import { hashText } from './random.ts';

/** Records steps. Two runs of one seed must give the same hash. */
export class Trace {
  readonly #lines: string[] | undefined;
  readonly #startMs: number;
  #first = 0x811c9dc5;
  #second = 0x1b873593;

  /** @param keepLines whether the text is wanted, not only the hash */
  constructor(startMs: number, keepLines: boolean) {
    this.#startMs = startMs;
    this.#lines = keepLines ? [] : undefined;
  }

  note(nowMs: number, what: string): void {
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
