// Follows standard input: event ids consist of the stream's name, its first line, and the position.
import {
  BATCH_LIMITS,
  type BatchEvent,
  batchEvent,
  batchKey,
  digestOf,
  partKey,
} from '../../formats/batches.ts';
import { LINE_BYTES_MAX, LineSplitter } from '../../formats/lines.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import { type DeliverySettings, resendMs } from '../import/deliver.ts';
import { noteRecord } from '../import/figures.ts';
import type { ImportSettings } from '../import/import-file.ts';
import { CommandError, systemCode } from '../shared/errors.ts';
import { HEAD_BYTES_MAX } from '../source/state.ts';
import { FLUSH_MS, type FollowPorts, planFor } from './followed-file.ts';

const NAME = 'standard input';

/**
 * Reads a pipe to its end. The same stream piped again within the service's dedup window counts nothing twice, at any speed:
 * since a request's content depends on timing here, each event has an id. Undelivered data of a killed process is lost.
 */
export async function followPipe(
  input: AsyncIterable<Buffer>,
  name: string,
  settings: ImportSettings,
  ports: FollowPorts,
): Promise<void> {
  const { queue, stop } = ports;
  const { metric } = settings.target;
  let held = Buffer.alloc(0);
  let pipe: { readonly reader: RecordReader; readonly identity: string } | undefined;
  let events: ReadEvent[] = [];

  /** Undefined while the first lines, such as headers or noise, do not reveal the format. */
  function begun(lines: Buffer, all: Parameters<typeof planFor>[3]): typeof pipe {
    // The reader keeps no more of a line than this, however long it is.
    const isEmpty = lines.length === 0 && held.length <= LINE_BYTES_MAX;
    const plan = isEmpty ? undefined : planFor(settings, lines, NAME, all);
    return plan && { reader: new RecordReader(plan, metric), identity: streamIdentity(name, metric, lines) };
  }

  function flush(): void {
    if (events.length === 0) return;
    const batch = events;
    events = [];
    void queue.add(() => send(batch, settings.delivery, ports));
  }

  async function takeAll(records: readonly FileRecord[], identity: string): Promise<void> {
    for (const record of records) {
      const key = batchKey(identity, record.end);
      for (const [place, outcome] of record.outcomes.entries()) {
        if (outcome.kind !== 'event') continue;
        const { number: lineNumber, start: offset } = record.line;
        events.push({ event: { ...batchEvent(outcome), id: partKey(key, place) }, lineNumber, offset });
        if (events.length >= BATCH_LIMITS.events) flush();
      }
      const reported = noteRecord(record, 'to-send', ports);
      if (reported) await reported;
    }
    // Stop reading to hold the writer back.
    await queue.onSizeLessThan(settings.concurrency * 2);
  }

  async function readAll(): Promise<void> {
    for await (const chunk of input) {
      if (stop.aborted) return;
      held = Buffer.concat([held, chunk]);
      const lines = held.subarray(0, Math.max(held.lastIndexOf(10), held.lastIndexOf(13)) + 1);
      pipe ??= begun(lines, { whole: held.length < HEAD_BYTES_MAX });
      if (pipe === undefined) continue;
      await takeAll(pipe.reader.push(held), pipe.identity);
      held = Buffer.alloc(0);
    }
    pipe ??= begun(held, { whole: true, ended: true });
    if (pipe === undefined) return;
    await takeAll(pipe.reader.push(held), pipe.identity);
    await takeAll(pipe.reader.end(), pipe.identity);
  }

  const timer = setInterval(flush, FLUSH_MS);
  try {
    await readAll().catch((error: unknown) => {
      // A signal closes standard input, perhaps within a line.
      if (!stop.aborted || systemCode(error) !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
    flush();
    await queue.onIdle();
  } finally {
    clearInterval(timer);
  }
}

function streamIdentity(name: string, metric: string, head: Buffer): string {
  const splitter = new LineSplitter();
  const [first] = [...splitter.push(head), ...splitter.end()];
  return digestOf(`pipe\n${name}\n${metric}\n`, first?.bytes);
}

/** An event, and where it was read. */
interface ReadEvent {
  readonly event: BatchEvent & { readonly id: string };
  readonly lineNumber: number;
  readonly offset: number;
}

async function send(
  read: readonly ReadEvent[],
  delivery: DeliverySettings,
  { sender, stop, kill, figures, reporter, fail }: FollowPorts,
): Promise<void> {
  const onRetry = (reason: string) => {
    figures.retries += 1;
    reporter.trouble(reason);
  };
  const giveUpAfterMs = Math.max(0, resendMs(delivery));
  const events = read.map(({ event }) => event);
  const sent = await sender.sendBatch(undefined, events, { giveUpAfterMs, signal: kill, onRetry });
  figures.accepted += sent.accepted;
  figures.rejected += sent.rejected.length;
  for (const { index, reason } of sent.rejected) {
    const refused = read[index];
    if (refused === undefined) continue;
    const { event, ...place } = refused;
    const raw = JSON.stringify(event);
    await reporter.rejected({ ...place, kind: 'rejected', reason: `the service: ${reason}`, raw });
  }
  const uncertain = stop.aborted ? 0 : sent.undelivered.filter((one) => one.mayBeCounted).length;
  figures.uncertain += uncertain;
  figures.unsent += sent.undelivered.length - uncertain;
  if (uncertain > 0)
    reporter.note(
      `${uncertain} events are uncertain: they were sent, and no answer came while the service would have recognised them`,
    );
  const hopeless = sent.undelivered.find((one) => one.hopeless);
  if (hopeless !== undefined) fail(new CommandError(`the service refuses: ${hopeless.reason}`));
}
