// Follows standard input: event ids consist of the stream's name, its first line, and the position.
import { createHash } from 'node:crypto';
import { BATCH_LIMITS, type BatchEvent, batchEvent, batchKey, partKey } from '../../formats/batches.ts';
import { LineSplitter } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { RecordReader } from '../../formats/records.ts';
import { noteRecord } from '../import/outcomes.ts';
import { ServiceError } from '../shared/errors.ts';
import { HEAD_BYTES_MAX } from '../source/state.ts';
import { type FollowPorts, type FollowSettings, planFor } from './followed-file.ts';

const NAME = 'standard input';

/**
 * Reads a pipe to its end. The same stream piped again within the service's dedup window counts nothing twice, at any speed:
 * since a request's content depends on timing here, each event has an id. Undelivered data of a killed process is lost.
 */
export async function followPipe(
  input: AsyncIterable<Buffer>,
  name: string,
  settings: FollowSettings,
  ports: FollowPorts,
): Promise<void> {
  let held = Buffer.alloc(0);
  let pipe: Pipe | undefined;
  const timer = setInterval(() => pipe?.flush(), settings.flushMs);
  try {
    for await (const chunk of input) {
      if (ports.stop.aborted) break;
      held = Buffer.concat([held, chunk]);
      if (pipe === undefined) {
        const lines = held.subarray(0, Math.max(held.lastIndexOf(10), held.lastIndexOf(13)) + 1);
        // Its first lines, such as headers or noise, may not reveal the format.
        const plan =
          lines.length === 0 ? undefined : planFor(settings, lines, held.length < HEAD_BYTES_MAX, NAME);
        if (plan === undefined) continue;
        pipe = new Pipe(plan, lines, name, settings, ports);
      }
      await pipe.take(held);
      held = Buffer.alloc(0);
    }
    const plan = pipe === undefined ? planFor(settings, held, true, NAME, true) : undefined;
    if (plan !== undefined) pipe = new Pipe(plan, held, name, settings, ports);
    await pipe?.end(held);
  } finally {
    clearInterval(timer);
  }
}

class Pipe {
  readonly #reader: RecordReader;
  readonly #identity: string;
  readonly #ports: FollowPorts;
  readonly #waitingMax: number;
  #events: (BatchEvent & { readonly id: string })[] = [];

  constructor(plan: ReadingPlan, head: Buffer, name: string, settings: FollowSettings, ports: FollowPorts) {
    const { metric } = settings.target;
    const splitter = new LineSplitter();
    const [first] = [...splitter.push(head), ...splitter.end()];
    this.#identity = createHash('sha256')
      .update(`pipe\n${name}\n${metric}\n`)
      .update(first?.bytes ?? '')
      .digest('base64url')
      .slice(0, 22);
    this.#reader = new RecordReader(plan, metric);
    this.#ports = ports;
    this.#waitingMax = settings.concurrency * 2;
  }

  async take(chunk: Buffer): Promise<void> {
    await this.#takeAll(this.#reader.push(chunk));
    // Stop reading to hold the writer back.
    await this.#ports.queue.onSizeLessThan(this.#waitingMax);
  }

  async end(held: Buffer): Promise<void> {
    await this.take(held);
    await this.#takeAll(this.#reader.end());
    this.flush();
    await this.#ports.queue.onIdle();
  }

  flush(): void {
    const events = this.#events;
    if (events.length === 0) return;
    this.#events = [];
    void this.#ports.queue.add(() => this.#deliver(events));
  }

  async #takeAll(records: ReturnType<RecordReader['push']>): Promise<void> {
    const { figures, reporter } = this.#ports;
    for (const record of records) {
      const { end: offset, crc, line } = record;
      const key = batchKey(this.#identity, { offset, crc, lines: line.number });
      for (const [place, outcome] of record.outcomes.entries()) {
        if (outcome.kind !== 'event') continue;
        this.#events.push({ ...batchEvent(outcome), id: partKey(key, place) });
        if (this.#events.length >= BATCH_LIMITS.events) this.flush();
      }
      const reported = noteRecord(record, figures, reporter);
      if (reported) await reported;
    }
  }

  async #deliver(events: readonly BatchEvent[]): Promise<void> {
    const { sender, kill, figures, trouble, fail } = this.#ports;
    const onRetry = (reason: string) => {
      figures.retries += 1;
      trouble(reason);
    };
    const sent = await sender.sendBatch(undefined, events, { signal: kill, onRetry });
    figures.accepted += sent.accepted;
    figures.rejected += sent.rejected.length;
    figures.unsent += sent.undelivered.length;
    const hopeless = sent.undelivered.find((one) => one.hopeless);
    if (hopeless !== undefined) fail(new ServiceError(`the service refuses: ${hopeless.reason}`));
  }
}
