// One growing file: read as it grows, counted by the journal that belongs to its content.
import type { FileHandle } from 'node:fs/promises';
import type PQueue from 'p-queue';
import { readingPlan } from '../../formats/detect.ts';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { UnknownFormat } from '../../formats/reading.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import { deliver } from '../import/deliver.ts';
import { type ImportPorts, type ImportSettings, openStateOf } from '../import/import-file.ts';
import { noteRecord } from '../import/outcomes.ts';
import { BatchPlanner, type PlannedBatch } from '../import/planner.ts';
import { uncertainAdvice } from '../import/report.ts';
import { StateError } from '../shared/errors.ts';
import type { Journal } from '../source/journal.ts';
import type { Content, Source } from '../source/source.ts';
import { HEAD_BYTES_MAX, type Target } from '../source/state.ts';
import { beginsAs, beginsLike, findState } from '../source/state-store.ts';

export interface FollowSettings extends Omit<ImportSettings, 'forget' | 'dryRun'> {
  /** How long an event waits for others. */
  readonly flushMs: number;
  /** How long a rotated file must be quiet before it is done: its writer may still have it open. */
  readonly lingerMs: number;
}

export interface FollowPorts extends ImportPorts {
  readonly queue: PQueue;
  /** Called with a batch that cannot be delivered. */
  fail(error: unknown): void;
}

const CHUNK_BYTES = 256 * 1024;
/** If this many bytes before the read position have changed, it is another file now. */
const TAIL_BYTES = 256;
/** Files with the same beginning are distinguished by a number in their label. */
const ALIKE_MAX = 100;

/** A file identified by its inode, whatever its current name. */
export class FollowedFile {
  readonly #handle: FileHandle;
  readonly #settings: FollowSettings;
  readonly #ports: FollowPorts;
  readonly #journal: Journal;
  readonly #reader: RecordReader;
  readonly #planner: BatchPlanner;
  readonly plan: ReadingPlan;
  readonly inode: number;
  #offset = 0;
  #tail = Buffer.alloc(0);
  #eventSinceMs: number | undefined;
  #last: FileRecord | undefined;
  /** When it last grew. */
  grownAtMs: number;

  private constructor(
    handle: FileHandle,
    inode: number,
    plan: ReadingPlan,
    journal: Journal,
    settings: FollowSettings,
    ports: FollowPorts,
  ) {
    this.#handle = handle;
    this.inode = inode;
    this.plan = plan;
    this.#journal = journal;
    this.#settings = settings;
    this.#ports = ports;
    this.#reader = new RecordReader(plan, settings.target.metric);
    this.#planner = new BatchPlanner(journal.state, settings.limits);
    this.grownAtMs = ports.now();
  }

  /**
   * Takes over an open file, and continues where an earlier run stopped.
   * @param known how the file before it was read
   * @returns undefined while it has no complete line
   */
  static async open(
    handle: FileHandle,
    names: Pick<Source, 'name' | 'path'>,
    settings: FollowSettings,
    ports: FollowPorts,
    known?: ReadingPlan,
  ): Promise<FollowedFile | undefined> {
    const source = liveSource(handle, names);
    const { head, whole } = await wholeLines(source);
    if (head.length === 0) return undefined;
    const plan = known ?? planFor(settings, head, names.name, { whole });
    if (plan === undefined) return undefined;
    const journal = await findAlike(settings, async (target) => {
      const found = await findState(source, head, target, settings.stateFolders);
      return openStateOf(names, plan, found);
    });
    const { ino } = await handle.stat();
    return new FollowedFile(handle, ino, plan, journal, settings, ports);
  }

  /** Whether a file begins with all that was sent of this one. @param head the file's first bytes */
  async isIn(source: Content, head: Buffer): Promise<boolean> {
    const { state } = this.#journal;
    return beginsLike(head, state.key) && (await beginsAs(source, state)) === true;
  }

  /** Reads what was appended. @returns whether there was any; `truncated` if the file was rewritten since the last read */
  async read(): Promise<boolean | 'truncated'> {
    let grew = false;
    const buffer = Buffer.allocUnsafe(TAIL_BYTES + CHUNK_BYTES);
    // While the service is down, the file is the buffer.
    while (this.#hasRoom && !this.#ports.stop.aborted) {
      // Reread the bytes before the position: if they changed, the file was replaced.
      const known = this.#tail.length;
      const { bytesRead } = await this.#handle.read(buffer, 0, known + CHUNK_BYTES, this.#offset - known);
      if (bytesRead < known || !buffer.subarray(0, known).equals(this.#tail)) return 'truncated';
      if (bytesRead === known) break;
      grew = true;
      const bytes = Buffer.from(buffer.subarray(known, bytesRead));
      this.#offset += bytes.length;
      this.#tail = Buffer.concat([this.#tail, bytes.subarray(-TAIL_BYTES)]).subarray(-TAIL_BYTES);
      for (const record of this.#reader.push(bytes)) {
        const reported = this.#take(record);
        if (reported) await reported;
      }
      this.#dispatch();
    }
    if (grew) this.grownAtMs = this.#ports.now();
    this.#flushIfDue();
    return grew;
  }

  /** Sends the rest, waits until it is delivered, and closes the file. @param done it will not grow any more */
  async close(done: boolean): Promise<void> {
    this.#planner.flush();
    this.#dispatch();
    await this.#ports.queue.onIdle();
    const { state } = this.#journal;
    const isDelivered = state.open.size === 0 && state.done.length > 0;
    if (done && isDelivered && this.#last?.end === this.#offset)
      await this.#journal.append({ t: 'end', to: this.#last.end, crc: this.#last.crc });
    await this.#journal.close();
    await this.#handle.close();
  }

  get #hasRoom(): boolean {
    return this.#ports.queue.size < this.#settings.concurrency * 2;
  }

  #take(record: FileRecord): Promise<unknown> | undefined {
    const { figures, now } = this.#ports;
    this.#last = record;
    const events = record.outcomes.filter(({ kind }) => kind === 'event').length;
    const place = this.#planner.add(record);
    if (place !== 'to-send') figures[place] += events;
    else if (events > 0) this.#eventSinceMs ??= now();
    return noteRecord(record, this.#ports);
  }

  #flushIfDue(): void {
    const { now, queue } = this.#ports;
    // If the service is slower than the file, batches become larger.
    if (this.#eventSinceMs === undefined || queue.size > 0) return;
    if (now() - this.#eventSinceMs < this.#settings.flushMs) return;
    this.#planner.flush();
    this.#dispatch();
  }

  #dispatch(): void {
    for (const batch of this.#planner.take()) {
      this.#eventSinceMs = this.#planner.hasEvents ? this.#ports.now() : undefined;
      void this.#ports.queue.add(() => this.#deliver(batch));
    }
  }

  async #deliver(batch: PlannedBatch): Promise<void> {
    try {
      const ports = { ...this.#ports, journal: this.#journal };
      const { uncertain } = await deliver(batch, this.#settings.delivery, ports);
      if (uncertain > 0) ports.reporter.note(uncertainAdvice(uncertain));
    } catch (error) {
      this.#ports.fail(error);
    }
  }
}

/**
 * How to read a file with this beginning; undefined while its first lines, such as headers or noise, are inconclusive.
 * @param all whether the head is all that there is so far, and whether more data may follow
 */
export function planFor(
  { format }: FollowSettings,
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
export async function findAlike<T>(
  { target }: Pick<FollowSettings, 'target'>,
  look: (target: Target) => Promise<T>,
): Promise<T> {
  for (let alike = 1; ; alike += 1) {
    try {
      return await look(alike === 1 ? target : { ...target, label: `${target.label}~${alike}` });
    } catch (error) {
      // Another file began with the same lines, or is being followed.
      if (!(error instanceof StateError) || / other options: /.test(error.message) || alike >= ALIKE_MAX)
        throw error;
    }
  }
}

/** The file's first lines, up to the bytes that identify files; only complete lines if that is the whole file. */
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
