// From the queue to the writers on a clock that nobody waits for: pollers that share the messages, each with a batch of its own.
import type { Configuration } from '../../lib/configuration.ts';
import { assumed } from '../../plan/assumptions.ts';
import { INVOCATION_BYTES_MAX, SQS_BATCH_MESSAGES } from '../../plan/quotas.ts';
import { Random } from '../../simulation/random.ts';
import type { Meter } from './meter.ts';

/** What one invocation gets. */
export interface QueueBatch {
  readonly atMs: number;
  readonly bodies: readonly string[];
}

type Settings = Pick<Configuration, 'writerWindowSeconds' | 'writerBatchSize'>;

/** The mapping of a standard queue: which poller gets a message is chance. */
export class Pollers {
  readonly #settings: Settings;
  readonly #pollers: number;
  readonly #meter: Meter;
  readonly #random = new Random('pollers');
  /** Batches being gathered, by poller, in the order in which they were begun, which is that of their dues. */
  readonly #open = new Map<number, { bodies: string[]; bytes: number; dueMs: number }>();

  constructor(settings: Settings, pollers: number, meter: Meter) {
    this.#settings = settings;
    this.#pollers = pollers;
    this.#meter = meter;
  }

  /** Takes the messages of one SendMessageBatch. @returns batches that are full */
  take(bodies: readonly string[], atMs: number): QueueBatch[] {
    const full: QueueBatch[] = [];
    const received = new Map<number, string[]>();
    for (const body of bodies) {
      const poller = this.#random.between(0, this.#pollers - 1);
      const together = received.get(poller);
      if (together === undefined) received.set(poller, [body]);
      else together.push(body);
    }
    for (const [poller, together] of received) {
      const bytes = together.reduce((sum, body) => sum + body.length, 0);
      this.#meter.noteSqs(bytes, 'received');
      for (const body of together) full.push(...this.#add(poller, body, atMs));
    }
    return full;
  }

  #add(poller: number, body: string, atMs: number): QueueBatch[] {
    const full: QueueBatch[] = [];
    const bytes = body.length * assumed('sqsEscape') + assumed('sqsEnvelopeBytes');
    if ((this.#open.get(poller)?.bytes ?? 0) + bytes > INVOCATION_BYTES_MAX)
      full.push(this.#close(poller, atMs));
    const dueMs = atMs + this.#settings.writerWindowSeconds * 1000;
    const batch = this.#open.get(poller) ?? { bodies: [], bytes: 0, dueMs };
    this.#open.set(poller, batch);
    batch.bodies.push(body);
    batch.bytes += bytes;
    if (batch.bodies.length === this.#settings.writerBatchSize) full.push(this.#close(poller, atMs));
    return full;
  }

  /** Batches whose window is over. */
  *due(untilMs: number): Iterable<QueueBatch> {
    for (const [poller, { dueMs }] of this.#open) {
      if (dueMs > untilMs) return;
      yield this.#close(poller, dueMs);
    }
  }

  #close(poller: number, atMs: number): QueueBatch {
    const bodies = this.#open.get(poller)?.bodies ?? [];
    this.#open.delete(poller);
    for (let at = 0; at < bodies.length; at += SQS_BATCH_MESSAGES) this.#meter.noteSqs(0, 'deleted');
    return { atMs, bodies };
  }
}
