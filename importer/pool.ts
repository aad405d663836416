// Runs a few tasks at once and holds back whoever brings more.

/** A bounded set of running tasks. The first failure is kept; later ones of the same trouble are not told. */
export class Pool {
  readonly #sizeMax: number;
  readonly #running = new Set<Promise<void>>();
  readonly #onFailure: (error: unknown) => void;

  /** @param onFailure told of the first task that throws, so that the others can be stopped */
  constructor(sizeMax: number, onFailure: (error: unknown) => void) {
    this.#sizeMax = sizeMax;
    this.#onFailure = onFailure;
  }

  /** Starts the task as soon as there is room, and resolves then. */
  async run(task: () => Promise<void>): Promise<void> {
    while (this.#running.size >= this.#sizeMax) await Promise.race(this.#running);
    const running = task()
      .catch(this.#onFailure)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  /** Resolves when no task runs any more. */
  async drained(): Promise<void> {
    while (this.#running.size > 0) await Promise.race(this.#running);
  }
}
