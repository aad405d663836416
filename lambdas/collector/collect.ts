// The use case: turns the lines of one object into batches of the stream, each once, however often the object is announced.
import { createHash } from 'node:crypto';
import { type Batch, BatchCutter, partKey } from '../../formats/batches.ts';
import { gunzipped, gzipFailure, isGzip, readableOf } from '../../formats/bytes.ts';
import { BEGINNING, type Position } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { FormatError } from '../../formats/reading.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import {
  type AccessLog,
  type BatchRecord,
  type CollectorPorts,
  type Cursor,
  type LogObject,
  ObjectGone,
  type Progress,
} from './ports.ts';
import { accessLogOf, badOf, magicOf, planFor } from './reading-plan.ts';

export interface CollectorSettings {
  readonly accessLogs: readonly AccessLog[];
  /** How long the aggregator recognises a repeated batch. */
  readonly dedupWindowMs: number;
}

/**
 * `done`: all of it is in the stream. `already`: it was before. `more`: time ran out, another run continues. `busy`: another run
 * has taken it over. `ignored`: not one of the configured logs, or gone. `parked`: unreadable, or it is unknown whether a part of
 * it is in the stream.
 */
export interface Collected {
  readonly outcome: 'done' | 'already' | 'more' | 'busy' | 'ignored' | 'parked';
  /** Events put by this run. */
  readonly events: number;
  /** Why it is ignored or parked; if it is done, how many of its lines are malformed. */
  readonly reason?: string;
}

/** A run that crashed may have put batches just before, and this one puts them slightly later. */
const MARGIN_MS = 120_000;
/** Kinesis' burst for one shard without a second's pause; its limit is 5 MB. */
const PUT_BYTES_MAX = 900_000;
const PUT_ATTEMPTS_MAX = 8;
/** Batches between two saves of the position. */
const NOTE_EVERY_BATCHES = 50;
/** A larger share of malformed lines is reported. */
const MALFORMED_MAX = 0.1;
const TOO_LATE =
  'a run stopped, and its retry came after the dedup window: whether its last batches are counted is unknown';

export async function collect(
  object: LogObject,
  ports: CollectorPorts,
  settings: CollectorSettings,
  hasTime: () => boolean,
): Promise<Collected> {
  const log = accessLogOf(object, settings.accessLogs);
  if (log === undefined) return { outcome: 'ignored', events: 0 };
  const found = await ports.progress.read(object);
  // Parked before anything was put, under settings that have since been corrected: read it again.
  const anew = found?.status === 'parked' && nothingPut(found) && found.plan !== JSON.stringify(log);
  if (found !== undefined && found.status !== 'reading' && !anew) return { outcome: 'already', events: 0 };
  const before = anew ? { ...NOTHING, status: found.status, run: found.run } : (found ?? NOTHING);
  let run: Run | undefined;
  try {
    const gzip = isGzip(await magicOf(object, ports), object.key);
    const plan: ObjectPlan | undefined =
      before.plan === '' ? await planFor(object, log, gzip, ports) : saved(before.plan);
    if (plan === undefined) return { outcome: 'ignored', events: 0 };
    const latestMs = (before.sinceMs ?? Number.POSITIVE_INFINITY) + settings.dedupWindowMs - MARGIN_MS;
    // The batches that an earlier run may have put carry its metric: under another one they would count again.
    const { metric = log.metric } = plan;
    run = new Run({
      object,
      log: { ...log, metric },
      plan: { ...plan, metric },
      gzip,
      before,
      latestMs,
      ports,
    });
    return await run.all(hasTime);
  } catch (error) {
    if (error instanceof ObjectGone) return { outcome: 'ignored', events: 0, reason: error.message };
    const reason = error instanceof FormatError ? error.message : gzipFailure(error);
    if (reason === undefined) throw error;
    return run === undefined ? park(object, log, reason, before, ports) : run.park(reason);
  }
}

/** How an object is read, and the metric that it counts under; absent in older plans. */
type ObjectPlan = ReadingPlan & { readonly metric?: string };

function saved(plan: string): ObjectPlan {
  return JSON.parse(plan);
}

/** The progress of an object that was never read. */
const NOTHING: Progress = {
  status: 'reading',
  cursor: BEGINNING,
  plan: '',
  sinceMs: undefined,
  run: undefined,
  events: 0,
  malformed: 0,
};

function nothingPut({ cursor, sinceMs }: Progress): boolean {
  return cursor.offset === 0 && sinceMs === undefined;
}

/** Parks the object if it is as this run read or saved it last. */
async function park(
  object: LogObject,
  log: AccessLog,
  reason: string,
  last: Progress,
  { report, progress, run }: CollectorPorts,
): Promise<Collected> {
  const busy: Collected = { outcome: 'busy', events: 0 };
  const owned: Progress = { ...last, status: 'reading', run };
  if (!(await progress.save(object, owned, last))) return busy;
  // Report before parking: a parked object is not processed again.
  await report(object, reason, last.cursor);
  const plan = nothingPut(last) ? JSON.stringify(log) : last.plan;
  if (!(await progress.save(object, { ...owned, status: 'parked', plan }, owned))) return busy;
  return { outcome: 'parked', events: 0, reason };
}

/** The identity of an object that is counted under one metric. */
function fileName({ bucket, key, etag }: LogObject, metric: string): string {
  const parts = ['tally object 1', bucket, key, etag, metric].join('\n');
  return createHash('sha256').update(parts).digest('base64url').slice(0, 22);
}

/** What a run works on. */
interface Task {
  readonly object: LogObject;
  readonly log: AccessLog;
  readonly plan: ObjectPlan;
  readonly gzip: boolean;
  readonly before: Progress;
  /** Until when batches that an earlier run may have put are recognised. */
  readonly latestMs: number;
  readonly ports: CollectorPorts;
}

class Run {
  readonly #task: Task;
  /** How many batches after the cursor an earlier run may have put. */
  readonly #doubtful: number;
  readonly #reader: RecordReader;
  readonly #cutter: BatchCutter;
  /** As this run read or saved it last. */
  #last: Progress;
  #records: BatchRecord[] = [];
  #bytes = 0;
  #batches = 0;
  #batchesPut = 0;
  #events = 0;
  #malformed = 0;
  #malformedBeforeBatch = 0;

  constructor(task: Task) {
    const { object, log, plan, before } = task;
    this.#task = task;
    this.#doubtful = before.doubtful ?? NOTE_EVERY_BATCHES;
    this.#last = before;
    this.#reader = new RecordReader(plan, log.metric, before.cursor);
    this.#cutter = new BatchCutter(fileName(object, log.metric), before.cursor);
  }

  async all(hasTime: () => boolean): Promise<Collected> {
    const { nowMs } = this.#task.ports;
    const { cursor, sinceMs } = this.#task.before;
    // Save the start time before putting anything; batches from a crashed run are older than this run's.
    if (!(await this.#note({ cursor, sinceMs: sinceMs ?? nowMs() }))) return this.#result('busy');
    for await (const chunk of this.#chunks(hasTime)) {
      for (const record of this.#reader.push(chunk)) {
        const batch = this.#take(record);
        if (batch === undefined) continue;
        if (this.#bytes >= PUT_BYTES_MAX) await this.#put();
        // No run, not even one that was overtaken, has put more than these since the last save.
        if (this.#batches % NOTE_EVERY_BATCHES > 0) continue;
        await this.#put();
        const saved = await this.#note({ cursor: this.#cursorAt(batch.to), sinceMs: nowMs() });
        if (!saved) return this.#result('busy');
      }
      if (!hasTime()) return this.#pause();
    }
    for (const record of this.#reader.end()) this.#take(record);
    this.#add(this.#cutter.cut());
    await this.#put();
    return this.#end();
  }

  /** Leaves the rest to another run. */
  async #pause(): Promise<Collected> {
    const { gzip, before } = this.#task;
    const { cursor } = before;
    if (this.#cutter.from.offset === cursor.offset) {
      if (gzip && cursor.offset > 0) throw new FormatError(tooSlow(cursor));
      throw new Error('a run ended before its first batch');
    }
    return this.#result((await this.#noteComplete()) ? 'more' : 'busy');
  }

  /** Puts what is complete first, so that the report says what is counted. */
  async park(reason: string): Promise<Collected> {
    const { object, log, ports } = this.#task;
    if (this.#isTooLate()) return park(object, log, TOO_LATE, this.#last, ports);
    if (!(await this.#noteComplete())) return this.#result('busy');
    const { sinceMs, doubtful } = this.#last;
    const why =
      sinceMs === undefined
        ? reason
        : `${reason}; a run stopped before, and perhaps up to ${doubtful} batches more are counted`;
    const parked = await park(object, log, why, this.#last, ports);
    return { ...parked, events: this.#events };
  }

  /** Puts the complete batches, and saves where they end. */
  async #noteComplete(): Promise<boolean> {
    await this.#put();
    const left = this.#doubtful - this.#batches;
    const cursor = this.#cursorAt(this.#cutter.from);
    const { sinceMs } = this.#task.before;
    return this.#note(left > 0 ? { cursor, sinceMs, doubtful: left } : { cursor });
  }

  async #end(): Promise<Collected> {
    const { object, plan, before, ports } = this.#task;
    const cursor = this.#cursorAt(this.#cutter.position);
    const malformed = before.malformed + this.#malformed;
    const isDoubtful = malformed > cursor.lines * MALFORMED_MAX;
    const reason = `${malformed} of its ${cursor.lines} lines are malformed, read as ${plan.format}; the others are counted`;
    this.#malformedBeforeBatch = this.#malformed;
    if (isDoubtful) {
      // Only the run that still owns the object reports it.
      if (!(await this.#note({ cursor }))) return this.#result('busy');
      await ports.report(object, reason, cursor);
    }
    if (!(await this.#note({ status: 'done', cursor }))) return this.#result('busy');
    return { ...this.#result('done'), ...(isDoubtful && { reason }) };
  }

  /** The uncompressed bytes from the cursor on. */
  async *#chunks(hasTime: () => boolean): AsyncGenerator<Buffer> {
    const { object, gzip, before, ports } = this.#task;
    const { cursor } = before;
    const open = (at: number) => readableOf(() => ports.objects.open(object, at));
    if (!gzip) {
      if (cursor.offset < object.bytes) yield* open(cursor.offset) as AsyncIterable<Buffer>;
      return;
    }
    let reached = 0;
    // Gzip cannot be read from the middle: inflate the known part again and skip it.
    for await (const chunk of gunzipped(open, object.key)) {
      const skipped = Math.min(chunk.length, Math.max(0, cursor.offset - reached));
      reached += chunk.length;
      if (skipped < chunk.length) yield chunk.subarray(skipped);
      else if (!hasTime()) throw new FormatError(tooSlow(cursor));
    }
  }

  #take(record: FileRecord): Batch | undefined {
    const { from } = this.#cutter;
    const batch = this.#cutter.add(record);
    if (this.#cutter.from !== from) this.#malformedBeforeBatch = this.#malformed;
    this.#malformed += badOf(record);
    this.#add(batch);
    return batch;
  }

  #add(batch: Batch | undefined): void {
    if (batch === undefined) return;
    for (const [index, events] of batch.parts.entries()) {
      const key = partKey(batch.key, index);
      const data = JSON.stringify([1, key, events]);
      this.#records.push({ key, data });
      this.#bytes += data.length;
      this.#events += events.length;
    }
    this.#batches += 1;
  }

  /** Puts the pending records until all of them are accepted. */
  async #put(): Promise<void> {
    const { stream, pause } = this.#task.ports;
    let left: readonly BatchRecord[] = this.#records;
    for (let attempt = 1; left.length > 0; attempt += 1) {
      if (this.#isTooLate()) throw new FormatError(TOO_LATE);
      left = await stream.put(left);
      if (left.length === 0) break;
      // The next run puts them again, under the same keys.
      if (attempt === PUT_ATTEMPTS_MAX) throw new Error(`the stream did not accept ${left.length} batches`);
      await pause(Math.min(5_000, 200 * 2 ** attempt));
    }
    this.#records = [];
    this.#bytes = 0;
    this.#batchesPut = this.#batches;
  }

  /** Whether an earlier run may have put pending batches, and the aggregator no longer recognises them. */
  #isTooLate(): boolean {
    const mayBePut = this.#records.length > 0 && this.#batchesPut < this.#doubtful;
    return mayBePut && this.#task.ports.nowMs() > this.#task.latestMs;
  }

  #cursorAt({ offset, crc, lines }: Position): Cursor {
    return { offset, crc, lines, header: this.#reader.headerAt(offset) };
  }

  /** @returns false if another run has taken the object over */
  async #note(changed: Partial<Progress> & Pick<Progress, 'cursor'>): Promise<boolean> {
    const { object, plan, before, ports } = this.#task;
    const now: Progress = {
      status: 'reading',
      plan: JSON.stringify(plan),
      sinceMs: undefined,
      run: ports.run,
      events: before.events + this.#events,
      malformed: before.malformed + this.#malformedBeforeBatch,
      ...changed,
    };
    if (!(await ports.progress.save(object, now, this.#last))) return false;
    this.#last = now;
    return true;
  }

  #result(outcome: Collected['outcome']): Collected {
    return { outcome, events: this.#events };
  }
}

function tooSlow({ offset }: Cursor): string {
  return `its first ${offset} bytes are counted, and a run ends before it has inflated them again: put the rest as smaller objects`;
}
