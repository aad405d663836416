// The use case: turns the lines of one object into batches of the stream, each once, however often the object is announced.
import { type Batch, BatchCutter, digestOf, partKey } from '../../formats/batches.ts';
import { gunzipped, gzipFailure, isGzip, MAGIC_BYTES } from '../../formats/bytes.ts';
import { BEGINNING, type Position } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { FormatError } from '../../formats/reading.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import {
  type AccessLog,
  type BatchRecord,
  type CollectorPorts,
  type LogObject,
  ObjectGone,
  type Progress,
} from './ports.ts';
import { accessLogOf, badOf, planFor } from './reading-plan.ts';

export interface CollectorSettings {
  readonly accessLogs: readonly AccessLog[];
  /** How long the aggregator recognises a repeated batch. */
  readonly dedupWindowMs: number;
}

/**
 * `done`: all of it is in the stream. `already`: it was before. `more`: time ran out, another run continues. `busy`: another run
 * has taken it over. `ignored`: not one of the configured logs, or gone before any of it was read. `parked`: unreadable, gone since,
 * or it is unknown whether a part of it is in the stream.
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
  let run: ReturnType<typeof runOver> | undefined;
  try {
    const magic = await Array.fromAsync(await ports.objects.open(object, 0, MAGIC_BYTES));
    const gzip = isGzip(Buffer.concat(magic), object.key);
    const begun: ObjectPlan | undefined =
      before.plan === '' ? await planFor(object, log, gzip, ports) : JSON.parse(before.plan);
    if (begun === undefined) return { outcome: 'ignored', events: 0 };
    // The batches that an earlier run may have put carry its metric: under another one they would count again.
    const plan = { metric: log.metric, ...begun };
    const latestMs = (before.sinceMs ?? Number.POSITIVE_INFINITY) + settings.dedupWindowMs - MARGIN_MS;
    run = runOver({ object, log: { ...log, metric: plan.metric }, plan, gzip, before, latestMs, ports });
    return await run.all(hasTime);
  } catch (error) {
    const isGone = error instanceof ObjectGone;
    if (isGone && nothingPut(before) && !run?.hasPut()) {
      const isOurs = run === undefined || (await run.forget());
      return isOurs
        ? { outcome: 'ignored', events: 0, reason: error.message }
        : { outcome: 'busy', events: 0 };
    }
    const reason = isGone || error instanceof FormatError ? error.message : gzipFailure(error);
    if (reason === undefined) throw error;
    return run === undefined ? park(object, log, withDoubt(reason, before), before, ports) : run.park(reason);
  }
}

/** How an object is read, and the metric that it counts under; absent in older plans. */
type ObjectPlan = ReadingPlan & { readonly metric?: string };

/** The progress of an object that was never read. */
const NOTHING: Progress = { status: 'reading', cursor: BEGINNING, plan: '', events: 0, malformed: 0 };

function nothingPut({ cursor, sinceMs }: Progress): boolean {
  return cursor.offset === 0 && sinceMs === undefined;
}

/** A reason, with what is not known of the lines after the cursor. */
function withDoubt(reason: string, { sinceMs, doubtful = NOTE_EVERY_BATCHES }: Progress): string {
  if (sinceMs === undefined) return reason;
  return `${reason}; a run stopped before, and perhaps up to ${doubtful} batches more are counted`;
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

/** One run over an object, from where the run before it saved its position. */
function runOver({ object, log, plan, gzip, before, latestMs, ports }: Task) {
  const { nowMs } = ports;
  const { cursor: start, sinceMs } = before;
  /** How many batches after the cursor an earlier run may have put. */
  const doubtful = before.doubtful ?? NOTE_EVERY_BATCHES;
  const reader = new RecordReader(plan, log.metric, start);
  const { bucket, key, etag } = object;
  const identity = digestOf(['tally object 1', bucket, key, etag, log.metric].join('\n'));
  const cutter = new BatchCutter(identity, start);
  /** As this run read or saved it last. */
  let last = before;
  let records: BatchRecord[] = [];
  let [batches, batchesPut, events] = [0, 0, 0];
  let [malformed, malformedBeforeBatch] = [0, 0];

  async function all(hasTime: () => boolean): Promise<Collected> {
    // Save the start time before putting anything; batches from a crashed run are older than this run's.
    if (!(await note({ cursor: start, sinceMs: sinceMs ?? nowMs() }))) return result('busy');
    for await (const chunk of chunks(hasTime)) {
      for (const record of reader.push(chunk)) {
        const batch = take(record);
        if (batch === undefined) continue;
        if (records.reduce((sum, { data }) => sum + data.length, 0) >= PUT_BYTES_MAX) await put();
        // No run, not even one that was overtaken, has put more than these since the last save.
        if (batches % NOTE_EVERY_BATCHES > 0) continue;
        await put();
        if (!(await note({ cursor: batch.to, sinceMs: nowMs() }))) return result('busy');
      }
      if (!hasTime()) return pause();
    }
    for (const record of reader.end()) take(record);
    add(cutter.cut());
    await put();
    return end();
  }

  /** Leaves the rest to another run. */
  async function pause(): Promise<Collected> {
    if (cutter.from.offset === start.offset) {
      if (gzip && start.offset > 0) throw new FormatError(tooSlow(start));
      throw new Error('a run ended before its first batch');
    }
    return result((await noteComplete()) ? 'more' : 'busy');
  }

  /** Puts what is complete first, so that the report says what is counted. */
  async function parkRest(reason: string): Promise<Collected> {
    if (isTooLate()) return park(object, log, TOO_LATE, last, ports);
    if (!(await noteComplete())) return result('busy');
    return { ...(await park(object, log, withDoubt(reason, last), last, ports)), events };
  }

  /** Puts the complete batches, and saves where they end. */
  async function noteComplete(): Promise<boolean> {
    await put();
    const cursor = cutter.from;
    const left = doubtful - batches;
    return note(left > 0 ? { cursor, sinceMs, doubtful: left } : { cursor });
  }

  async function end(): Promise<Collected> {
    const cursor = cutter.position;
    malformedBeforeBatch = malformed;
    const sum = before.malformed + malformed;
    const isDoubtful = sum > cursor.lines * MALFORMED_MAX;
    const reason = `${sum} of its ${cursor.lines} lines are malformed, read as ${plan.format}; the others are counted`;
    if (isDoubtful) {
      // Only the run that still owns the object reports it.
      if (!(await note({ cursor }))) return result('busy');
      await ports.report(object, reason, cursor);
    }
    if (!(await note({ status: 'done', cursor }))) return result('busy');
    return { ...result('done'), ...(isDoubtful && { reason }) };
  }

  /** The uncompressed bytes from the cursor on. */
  async function* chunks(hasTime: () => boolean): AsyncGenerator<Buffer> {
    const open = (at: number) => ports.objects.open(object, at);
    if (!gzip) {
      if (start.offset < object.bytes) yield* await open(start.offset);
      return;
    }
    let reached = 0;
    // Gzip cannot be read from the middle: inflate the known part again and skip it.
    for await (const chunk of gunzipped(open, object.key)) {
      const skipped = Math.min(chunk.length, Math.max(0, start.offset - reached));
      reached += chunk.length;
      if (skipped < chunk.length) yield chunk.subarray(skipped);
      else if (!hasTime()) throw new FormatError(tooSlow(start));
    }
  }

  function take(record: FileRecord): Batch | undefined {
    const { from } = cutter;
    const batch = cutter.add(record);
    if (cutter.from !== from) malformedBeforeBatch = malformed;
    malformed += badOf(record);
    add(batch);
    return batch;
  }

  function add(batch: Batch | undefined): void {
    if (batch === undefined) return;
    for (const [index, part] of batch.parts.entries()) {
      const key = partKey(batch.key, index);
      records.push({ key, data: JSON.stringify([1, key, part]) });
    }
    events += batch.count;
    batches += 1;
  }

  /** Puts the pending records until all of them are accepted. */
  async function put(): Promise<void> {
    for (let attempt = 0; records.length > 0; attempt += 1) {
      // The next run puts them again, under the same keys.
      if (attempt === PUT_ATTEMPTS_MAX)
        throw new Error(`the stream did not accept ${records.length} batches`);
      if (attempt > 0) await ports.pause(Math.min(5_000, 200 * 2 ** attempt));
      if (isTooLate()) throw new FormatError(TOO_LATE);
      records = [...(await ports.stream.put(records))];
    }
    batchesPut = batches;
  }

  /** Whether an earlier run may have put pending batches, and the aggregator no longer recognises them. */
  function isTooLate(): boolean {
    return records.length > 0 && batchesPut < doubtful && nowMs() > latestMs;
  }

  /** @returns false if another run has taken the object over */
  async function note(changed: Partial<Progress> & Pick<Progress, 'cursor'>): Promise<boolean> {
    const now: Progress = {
      status: 'reading',
      plan: JSON.stringify(plan),
      run: ports.run,
      events: before.events + events,
      malformed: before.malformed + malformedBeforeBatch,
      ...changed,
    };
    if (!(await ports.progress.save(object, now, last))) return false;
    last = now;
    return true;
  }

  function result(outcome: Collected['outcome']): Collected {
    return { outcome, events };
  }

  /** Whether any batch of this run may be in the stream. */
  const hasPut = () => batches > 0;

  /** Saves that nothing was put: if the object comes back, it is read from its beginning, however late. */
  const forget = () => note({ cursor: start });

  return { all, park: parkRest, hasPut, forget };
}

function tooSlow({ offset }: Position): string {
  return `its first ${offset} bytes are counted, and a run ends before it has inflated them again: put the rest as smaller objects`;
}
