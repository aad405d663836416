// The event source mapping of the rollup queue: some concurrent writers; messages are deleted unless the writer reports them as failed.
import type { History } from '../history.ts';
import { VISIBILITY_MS } from '../plan/settings.ts';
import { deliveredMessage } from '../world/deliveries.ts';

/** Polls the queue and hands messages to writers. */
export class QueueMapping {
  readonly #history: History;
  #busy = 0;

  constructor(history: History) {
    this.#history = history;
    history.world.queue.onArrival = (visibleMs) => this.#wake(visibleMs);
  }

  #wake(atMs: number): void {
    const { scheduler, random } = this.#history;
    scheduler.at(atMs + random.between(1, 400), () => this.#poll());
  }

  #poll(): void {
    const { scheduler, faults, functions, settings, world } = this.#history;
    const nowMs = scheduler.nowMs();
    const pausedMs = faults.pausedUntilMs('writer');
    if (pausedMs > nowMs) {
      this.#wake(pausedMs);
      return;
    }
    while (this.#busy < settings.writers) {
      const messages = world.queue.receive(settings.writerBatch, VISIBILITY_MS).map(deliveredMessage);
      if (messages.length === 0) return;
      this.#busy += 1;
      // If this batch fails, its messages become visible again by themselves.
      this.#wake(nowMs + VISIBILITY_MS);
      functions.write(messages, (ending) => {
        this.#busy -= 1;
        if ('result' in ending) {
          const retry = new Set(ending.result.retry);
          for (const { messageId, receiptHandle } of messages)
            if (!retry.has(messageId) && !faults.losesDelete()) world.queue.delete(receiptHandle);
        }
        this.#wake(scheduler.nowMs());
      });
    }
  }
}
