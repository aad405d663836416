// Who waits until everything up to some event is settled.
import type { Platform } from './platform.ts';

/** The longest timer there is. Holds are released long before. */
const HOLD_MS = 2 ** 31 - 1;

interface Flush {
  /** The last event it is about. */
  readonly upTo: number;
  readonly done: (settled: boolean) => void;
}

/** Flushes under way. Each keeps the process until it is done. */
export class Flushes {
  #open: readonly Flush[] = [];
  readonly #platform: Pick<Platform, 'setTimer'>;

  constructor(platform: Pick<Platform, 'setTimer'>) {
    this.#platform = platform;
  }

  /** @returns whether all up to this event is settled; false at the deadline, if there is one */
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

  /** Ends those of which everything is settled. */
  settle(isSettled: (upTo: number) => boolean): void {
    for (const { upTo, done } of this.#open) if (isSettled(upTo)) done(true);
  }

  /** Keeps the process until the returned function is called, or the time is over. */
  hold(forMs = HOLD_MS, over = () => {}): () => void {
    return this.#platform.setTimer(over, forMs, true);
  }
}
