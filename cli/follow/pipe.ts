// Follows standard input: lines are counted once while this process lives, and once more only if the same stream comes again.
import { createHash } from 'node:crypto';
import { BatchCutter, type BatchEvent, partKey } from '../../formats/batches.ts';
import { readingPlan } from '../../formats/detect.ts';
import { RecordReader } from '../../formats/records.ts';
import { ServiceError } from '../errors.ts';
import { noteRecord } from '../import/outcomes.ts';
import type { FollowPorts, FollowSettings } from './followed-file.ts';

/**
 * Reads a pipe to its end. A batch's key is made of the name, the stream's first line and the place: the same stream piped again
 * within the service's dedup window counts nothing twice. What a killed process had not delivered is gone with the pipe.
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
      if (pipe === undefined) {
        held = Buffer.concat([held, chunk]);
        const end = held.lastIndexOf(10) + 1;
        if (end > 0) pipe = Pipe.open(held.subarray(0, end), name, settings, ports);
        if (pipe === undefined) continue;
        await pipe.take(held);
      } else await pipe.take(chunk);
    }
    pipe ??= Pipe.open(held, name, settings, ports);
    if (pipe !== undefined) await pipe.end(held);
  } finally {
    clearInterval(timer);
  }
}

class Pipe {
  readonly #reader: RecordReader;
  readonly #cutter: BatchCutter;
  readonly #ports: FollowPorts;
  readonly #waitingMax: number;
  #bytes = 0;

  private constructor(reader: RecordReader, cutter: BatchCutter, ports: FollowPorts, waitingMax: number) {
    this.#reader = reader;
    this.#cutter = cutter;
    this.#ports = ports;
    this.#waitingMax = waitingMax;
  }

  static open(head: Buffer, name: string, settings: FollowSettings, ports: FollowPorts): Pipe | undefined {
    const plan = readingPlan(settings.format, head, true, 'standard input');
    if (plan === undefined) return undefined;
    const { metric } = settings.target;
    const first = head.subarray(0, head.indexOf(10));
    const identity = createHash('sha256')
      .update(`pipe\n${name}\n${metric}\n`)
      .update(first)
      .digest('base64url')
      .slice(0, 22);
    return new Pipe(
      new RecordReader(plan, metric),
      new BatchCutter(identity),
      ports,
      settings.concurrency * 2,
    );
  }

  async take(chunk: Buffer): Promise<void> {
    this.#bytes += chunk.length;
    await this.#takeAll(this.#reader.push(chunk));
    // What is not read yet holds the writer back.
    await this.#ports.queue.onSizeLessThan(this.#waitingMax);
  }

  async end(held: Buffer): Promise<void> {
    if (this.#bytes === 0) await this.take(held);
    await this.#takeAll(this.#reader.end());
    this.flush();
    await this.#ports.queue.onIdle();
  }

  flush(): void {
    this.#send(this.#cutter.cut());
  }

  async #takeAll(records: ReturnType<RecordReader['push']>): Promise<void> {
    const { figures, reporter } = this.#ports;
    for (const record of records) {
      const reported = noteRecord(record, figures, reporter);
      if (reported) await reported;
      this.#send(this.#cutter.add(record));
    }
  }

  #send(batch: ReturnType<BatchCutter['cut']>): void {
    for (const [part, events] of batch?.parts.entries() ?? []) {
      void this.#ports.queue.add(() => this.#deliver(partKey(batch?.key ?? '', part), events));
    }
  }

  async #deliver(key: string, events: readonly BatchEvent[]): Promise<void> {
    const { sender, kill, figures, trouble, fail } = this.#ports;
    const onRetry = (reason: string) => {
      figures.retries += 1;
      trouble(reason);
    };
    const sent = await sender.sendBatch(key, events, { signal: kill, onRetry });
    figures.accepted += sent.accepted;
    figures.rejected += sent.rejected.length;
    figures.unsent += sent.undelivered.length;
    const hopeless = sent.undelivered.find((one) => one.hopeless);
    if (hopeless !== undefined) fail(new ServiceError(`the service refuses: ${hopeless.reason}`));
  }
}
