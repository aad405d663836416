// One growing file: read as it grows, counted by the journal that belongs to its content.
import type { FileHandle } from 'node:fs/promises';
import type PQueue from 'p-queue';
import { readingPlan } from '../../formats/detect.ts';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { UnknownFormat } from '../../formats/reading.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import { type DeliveryPorts, deliver } from '../import/deliver.ts';
import { noteRecord } from '../import/figures.ts';
import { type ImportSettings, openStateOf } from '../import/import-file.ts';
import { BatchPlanner, type PlannedBatch } from '../import/planner.ts';
import { uncertainAdvice } from '../import/report.ts';
import { AlikeError } from '../shared/errors.ts';
import type { Journal } from '../source/journal.ts';
import type { Content, Source } from '../source/source.ts';
import { HEAD_BYTES_MAX, numberedLabel, type Target } from '../source/state.ts';
import { beginsAs, beginsLike, findState, lockFile } from '../source/state-store.ts';

export interface FollowPorts extends DeliveryPorts {
  readonly queue: PQueue;
  /** Called with a batch that cannot be delivered. */
  fail(error: unknown): void;
}

/** How long an event waits for others. */
export const FLUSH_MS = 400;
const CHUNK_BYTES = 256 * 1024;
/** If this many bytes at its beginning or before the read position have changed, it is another file now. */
const CHECKED_BYTES = 4096;
/** Files with the same beginning are distinguished by a number in their label. */
const ALIKE_MAX = 100;

/** A file identified by its inode, whatever its current name. */
export type FollowedFile = NonNullable<Awaited<ReturnType<typeof openFollowed>>>;

/**
 * Takes over an open file, and continues where an earlier run stopped.
 * @param known how the file before it was read
 * @returns undefined while it has no complete line, or nothing that tells it from a file that is counted
 * @throws BusyError while another run has its state
 */
export async function openFollowed(
  handle: FileHandle,
  names: Pick<Source, 'name' | 'path'>,
  settings: ImportSettings,
  ports: FollowPorts,
  known?: ReadingPlan,
) {
  const source = liveSource(handle, names);
  const { head, whole } = await wholeLines(source);
  if (head.length === 0) return undefined;
  const plan = known ?? planFor(settings, head, names.name, { whole });
  if (plan === undefined) return undefined;
  const stats = await handle.stat();
  const unlock = await lockFile(source, stats, settings.target, settings.stateFolders);
  let opened: Journal | undefined;
  try {
    opened = await findAlike(settings.target, async (target) => {
      const start = head.subarray(0, HEAD_BYTES_MAX);
      const found = await findState(source, start, target, settings.stateFolders);
      // It is a part of a counted file, such as its header. The next lines tell whether it is that file.
      return found.is === 'prefix' ? undefined : openStateOf(names, plan, found);
    });
  } finally {
    if (opened === undefined) unlock();
  }
  if (opened === undefined) return undefined;
  const journal = opened;
  const { queue, now } = ports;
  const reader = new RecordReader(plan, settings.target.metric);
  const planner = new BatchPlanner(journal.state, settings.limits);
  let offset = 0;
  let beginning = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  let eventSinceMs: number | undefined;
  let last: FileRecord | undefined;
  let grownAtMs = now();

  function dispatch(): void {
    for (const batch of planner.take()) {
      eventSinceMs = planner.hasEvents ? now() : undefined;
      void queue.add(() => send(batch));
    }
  }

  async function send(batch: PlannedBatch): Promise<void> {
    try {
      const { uncertain } = await deliver(batch, settings.delivery, journal, ports);
      if (uncertain > 0) ports.reporter.note(uncertainAdvice(uncertain));
    } catch (error) {
      ports.fail(error);
    }
  }

  function flush(): void {
    planner.flush();
    dispatch();
  }

  /** Whether events have waited long enough. If the service is slower than the file, batches become larger. */
  function isDue(): boolean {
    return eventSinceMs !== undefined && queue.size === 0 && now() - eventSinceMs >= FLUSH_MS;
  }

  return {
    plan,
    inode: stats.ino,
    get grownAtMs() {
      return grownAtMs;
    },

    /** Whether a file begins with all that was sent of this one. @param start the file's first bytes */
    async isIn(file: Content, start: Buffer): Promise<boolean> {
      return beginsLike(start, journal.state.key) && (await beginsAs(file, journal.state)) === true;
    },

    /** Reads what was appended. @returns whether something was read; `truncated` if the file was rewritten since the last read */
    async read(): Promise<boolean | 'truncated'> {
      let grew = false;
      let atEnd = false;
      const buffer = Buffer.allocUnsafe(CHECKED_BYTES + CHUNK_BYTES);
      const { bytesRead: kept } = await handle.read(buffer, 0, beginning.length, 0);
      if (!buffer.subarray(0, kept).equals(beginning)) return 'truncated';
      // While the service is down, the file is the buffer.
      while (queue.size < settings.concurrency * 2 && !ports.stop.aborted) {
        // Reread the bytes before the position: if they changed, the file was replaced.
        const known = tail.length;
        const { bytesRead } = await handle.read(buffer, 0, known + CHUNK_BYTES, offset - known);
        if (bytesRead < known || !buffer.subarray(0, known).equals(tail)) return 'truncated';
        atEnd = bytesRead === known;
        if (atEnd) break;
        grew = true;
        const bytes = Buffer.from(buffer.subarray(known, bytesRead));
        offset += bytes.length;
        beginning = Buffer.concat([beginning, bytes.subarray(0, CHECKED_BYTES - beginning.length)]);
        tail = Buffer.concat([tail, bytes.subarray(-CHECKED_BYTES)]).subarray(-CHECKED_BYTES);
        for (const record of reader.push(bytes)) {
          last = record;
          const reported = noteRecord(record, planner.add(record), ports);
          if (planner.hasEvents) eventSinceMs ??= now();
          if (reported) await reported;
        }
        // A compressed copy may be found before they are sent. Without events, it would be in the way of others with its header.
        if (eventSinceMs !== undefined) await journal.begin();
        dispatch();
      }
      // While the service is slow or away, what is not read yet may have been written just now.
      if (grew || !atEnd) grownAtMs = now();
      if (isDue()) flush();
      return grew;
    },

    /** Sends the rest, waits until it is delivered, and closes the file. */
    async close({ done }: { readonly done: boolean }): Promise<void> {
      flush();
      await queue.onIdle();
      const isDelivered = journal.state.open.length === 0 && journal.state.done.length > 0;
      // It will not grow any more, unless it did while its last requests waited for the service.
      const { size } = await handle.stat();
      if (done && isDelivered && last?.end.offset === offset && size === offset)
        await journal.append({ t: 'end', to: offset, crc: last.end.crc });
      await journal.close();
      unlock();
      await handle.close();
    },
  };
}

/**
 * How to read a file with this beginning; undefined while its first lines, such as headers or noise, are inconclusive.
 * @param all whether the head is all that there is so far, and whether more data may follow
 */
export function planFor(
  { format }: ImportSettings,
  head: Buffer,
  name: string,
  { whole, ended = false }: { readonly whole: boolean; readonly ended?: boolean },
): ReadingPlan | undefined {
  try {
    return readingPlan(format, head, whole, name);
  } catch (error) {
    if (error instanceof UnknownFormat && whole && !ended) return undefined;
    throw error;
  }
}

/** Finds a state under the user's label, and, for files with the same beginning, under numbered labels. */
export async function findAlike<T>(target: Target, look: (target: Target) => Promise<T>): Promise<T> {
  for (let alike = 1; ; alike += 1) {
    try {
      return await look({ ...target, label: numberedLabel(target.label, alike) });
    } catch (error) {
      // Another file began with the same lines.
      if (!(error instanceof AlikeError) || alike >= ALIKE_MAX) throw error;
    }
  }
}

/** The file's first lines, at least the bytes that identify files; only complete lines if that is the whole file. */
async function wholeLines(source: Content): Promise<Awaited<ReturnType<typeof headOf>>> {
  const { head, whole } = await headOf(source.chunks(), HEAD_BYTES_MAX);
  const end = Math.max(head.lastIndexOf(10), head.lastIndexOf(13)) + 1;
  return { head: whole ? head.subarray(0, end) : head, whole };
}

/** The file as far as it is written now. */
function liveSource(handle: FileHandle, names: Pick<Source, 'name' | 'path'>): Content {
  return {
    ...names,
    async *chunks() {
      for (let offset = 0; ; ) {
        const { bytesRead, buffer } = await handle.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, offset);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
        offset += bytesRead;
      }
    },
  };
}
