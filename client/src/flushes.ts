// Callers that wait until everything up to some event is settled.
import type { Platform } from './platform.ts';

/** The maximum delay of a timer. Holds are released long before. */
const HOLD_MS = 2 ** 31 - 1;

interface Flush {
  /** The last event to wait for. */
  readonly upTo: number;
  readonly done: (settled: boolean) => void;
}

/** Flushes in progress. Each keeps the process alive until it is done. */
export class Flushes {
  #open: readonly Flush[] = [];
  readonly #platform: Pick<Platform, 'setTimer'>;

  constructor(platform: Pick<Platform, 'setTimer'>) {
    this.#platform = platform;
  }

  /** @returns whether everything up to this event is settled; false at the deadline, if there is one */
  add(upTo: number, deadlineMs: number | undefined): Promise<boolean> {
    return new Promise((resolve) => {
      const done = (settled: boolean) => {
        this.#open = this.#open.filter((other) => other !== flush);
        release();
        resolve(settled);
      };
      const flush: Flush = { upTo, done };
      const release = this.hold(deadlineMs, () => {
        if (deadlineMs !== undefined) done(false);
      });
      this.#open = [...this.#open, flush];
    });
  }

  /** Ends the flushes whose events are all settled. */
  settle(isSettled: (upTo: number) => boolean): void {
    for (const { upTo, done } of this.#open) if (isSettled(upTo)) done(true);
  }

  /** Keeps the process alive until the returned function is called, or the time is over. */
  hold(forMs = HOLD_MS, over = () => {}): () => void {
    return this.#platform.setTimer(over, forMs, true);
  }
}
