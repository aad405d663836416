// The queue's event source mapping as Lambda has it under load: five pollers, each gathering a batch for as long as the window is.
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';
import type { History } from '../history.ts';
import type { HotStage } from './stage.ts';

const POLLERS = 5;
/** Messages that one ReceiveMessage brings. */
const RECEIVED_MAX = 10;
/** How long it takes until a poller sees a message that has come. */
const LOOK_MS = 1_000;

interface Poller {
  gathered: DeliveredMessage[];
  /** Grows with each batch: a window that ended for an older one says nothing. */
  batch: number;
  /** Its window is over, or its batch full: it waits for a writer. */
  due: boolean;
}

/** Takes the place of the simulation's usual mapping of the queue. */
export class QueuePollers {
  readonly #history: History;
  readonly #stage: HotStage;
  readonly #pollers: readonly Poller[] = Array.from({ length: POLLERS }, () => ({
    gathered: [],
    batch: 0,
    due: false,
  }));
  #running = 0;
  batches = 0;
  mostWriters = 0;
  /** Messages that the writer did not get through. */
  broughtBack = 0;
  dead = 0;

  constructor(history: History, stage: HotStage) {
    this.#history = history;
    this.#stage = stage;
    history.world.queue.onArrival = (visibleMs) => this.#lookAt(visibleMs);
  }

  /** A poller looks soon after a message has come, however many come. */
  #lookAt(visibleMs: number): void {
    const { scheduler, random } = this.#history;
    const atMs = visibleMs + random.between(1, LOOK_MS);
    scheduler.at(atMs, () => this.#look());
  }

  #look(): void {
    const { world, random } = this.#history;
    const free = this.#pollers.filter(({ gathered }) => gathered.length < this.#history.settings.writerBatch);
    if (free.length === 0) return;
    const poller = random.pick(free);
    const room = this.#history.settings.writerBatch - poller.gathered.length;
    const visibilityMs = this.#stage.visibilitySeconds * 1000;
    const most = Math.min(RECEIVED_MAX, room);
    const messages = world.queue.receive(most, visibilityMs);
    if (messages.length === 0) return;
    if (messages.length === most) this.#lookAt(this.#history.scheduler.nowMs());
    // Should their batch fail, they come back by themselves.
    this.#lookAt(this.#history.scheduler.nowMs() + visibilityMs);
    if (poller.gathered.length === 0) this.#openWindow(poller);
    poller.gathered.push(...messages);
    if (poller.gathered.length >= this.#history.settings.writerBatch) poller.due = true;
    this.#handOver();
  }

  #openWindow(poller: Poller): void {
    const { batch } = poller;
    this.#history.scheduler.in(this.#stage.writerWindowSeconds * 1000, () => {
      if (poller.batch !== batch || poller.gathered.length === 0) return;
      poller.due = true;
      this.#handOver();
    });
  }

  #handOver(): void {
    const { functions, faults, scheduler, world } = this.#history;
    for (const poller of this.#pollers) {
      if (!poller.due || this.#running >= this.#stage.writers) continue;
      const messages = poller.gathered;
      Object.assign(poller, { gathered: [], batch: poller.batch + 1, due: false });
      this.#running += 1;
      this.batches += 1;
      this.mostWriters = Math.max(this.mostWriters, this.#running);
      functions.write(messages, (ending) => {
        this.#running -= 1;
        if ('result' in ending) {
          const { retry, report } = ending.result;
          this.broughtBack += retry.length;
          this.dead += report.dead;
          const kept = new Set(retry);
          for (const { messageId, receiptHandle } of messages)
            if (!kept.has(messageId) && !faults.losesDelete()) world.queue.delete(receiptHandle);
        }
        this.#handOver();
        this.#lookAt(scheduler.nowMs());
      });
    }
  }
}
