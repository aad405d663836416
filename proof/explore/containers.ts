// The aggregator's containers that are warm: they keep their dedup windows from one invocation to the next.
import { DedupWindows } from '../../lambdas/aggregator/windows.ts';

/** One container: its windows, and a hash of all that it went through, which decides what they hold. */
export interface Container {
  readonly windows: DedupWindows;
  readonly memory: string;
}

/** A container that was never used. */
export function coldContainer(): Container {
  return { windows: new DedupWindows(), memory: '' };
}

/** The containers that wait for an invocation, latest last. */
export class WarmContainers {
  readonly #most: number;
  #waiting: Container[] = [];

  /** @param most how many wait at once; the one that waited longest is given up */
  constructor(most: number) {
    this.#most = most;
  }

  get waiting(): readonly Container[] {
    return this.#waiting;
  }

  /** Takes one for an invocation: nobody else gets it meanwhile. */
  take(container: Container): void {
    this.#waiting = this.#waiting.filter((other) => other !== container);
  }

  /** Keeps one after its invocation. */
  keep(container: Container): void {
    this.#waiting = [...this.#waiting, container].slice(-this.#most);
  }

  /** A deployment gives all of them up. */
  giveUp(): void {
    this.#waiting = [];
  }
}
