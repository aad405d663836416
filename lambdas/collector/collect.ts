// The use case: the lines of one object become batches of the stream, each once, however often the object is announced.
import { createHash } from 'node:crypto';
import { type Batch, BatchCutter, partKey } from '../../formats/batches.ts';
import { gunzipped, gzipFailure, isGzip, MAGIC_BYTES, readableOf } from '../../formats/bytes.ts';
import { type FormatRequest, readingPlan, SAMPLE_BYTES } from '../../formats/detect.ts';
import { BEGINNING, headOf, type Position } from '../../formats/lines.ts';
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

export interface CollectorSettings {
  readonly accessLogs: readonly AccessLog[];
  /** How long the aggregator recognises a batch that comes again. */
  readonly dedupWindowMs: number;
}

/**
 * `done`: all of it is in the stream. `already`: it was before. `more`: time is short, go on in another run. `busy`: another run is
 * further. `ignored`: no log of ours, or gone. `parked`: it cannot be read, or nobody knows whether a part of it is in the stream.
 */
export interface Collected {
  readonly outcome: 'done' | 'already' | 'more' | 'busy' | 'ignored' | 'parked';
  /** Events of this run, and malformed lines. */
  readonly events: number;
  readonly malformed: number;
  readonly reason?: string;
}

/** A run that died may have put batches a moment before, and this one puts them a moment later. */
const MARGIN_MS = 120_000;
/** What Kinesis takes at once without a second's pause on one shard; its limit is 5 MB. */
const PUT_BYTES_MAX = 900_000;
const PUT_ATTEMPTS_MAX = 8;
/** Batches between two notes of where reading got. */
const SAVE_EVERY_BATCHES = 50;
/** What load balancers write to find out whether they may. */
const PROBES = /(?:^|\/)ELBAccessLogTestFile$/;

/** The entry of the settings that an object falls under: the one with the longest prefix. */
export function accessLogOf(
  { bucket, key }: Pick<LogObject, 'bucket' | 'key'>,
  logs: readonly AccessLog[],
): AccessLog | undefined {
  return logs
    .filter((log) => log.bucket === bucket && key.startsWith(log.prefix))
    .toSorted((a, b) => b.prefix.length - a.prefix.length)[0];
}

export async function collect(
  object: LogObject,
  ports: CollectorPorts,
  settings: CollectorSettings,
  hasTime: () => boolean,
): Promise<Collected> {
  const nothing = { events: 0, malformed: 0 };
  const log = accessLogOf(object, settings.accessLogs);
  if (log === undefined || object.bytes === 0 || object.key.endsWith('/') || PROBES.test(object.key))
    return { outcome: 'ignored', ...nothing };
  const before = await ports.progress.read(object);
  if (before !== undefined && before.status !== 'reading') return { outcome: 'already', ...nothing };
  const cursor = before?.cursor ?? BEGINNING;
  try {
    if (
      before?.sinceMs !== undefined &&
      ports.nowMs() - before.sinceMs > settings.dedupWindowMs - MARGIN_MS
    ) {
      throw new FormatError(
        'a run died, and too late to put its batches again: nobody knows whether those after the cursor are counted',
      );
    }
    const head = await bytesOf(object, 0, MAGIC_BYTES, ports);
    const gzip = isGzip(head, object.key);
    const plan =
      before === undefined
        ? await planFor(object, log, gzip, ports)
        : (JSON.parse(before.plan) as ReadingPlan);
    if (plan === undefined) return { outcome: 'ignored', ...nothing };
    return await new Run(object, log, plan, gzip, before, ports).all(hasTime);
  } catch (error) {
    if (error instanceof ObjectGone) return { outcome: 'ignored', ...nothing, reason: error.message };
    const reason = error instanceof FormatError ? error.message : gzipFailure(error);
    if (reason === undefined) throw error;
    await ports.parked.keep(object, reason, cursor);
    const plan = before?.plan ?? '{}';
    await ports.progress.save(object, {
      status: 'parked',
      cursor,
      plan,
      sinceMs: undefined,
      events: 0,
      malformed: 0,
    });
    return { outcome: 'parked', ...nothing, reason };
  }
}

async function bytesOf(
  object: LogObject,
  from: number,
  most: number,
  { objects }: CollectorPorts,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of await objects.open(object, from, most)) parts.push(part);
  return Buffer.concat(parts).subarray(0, most);
}

async function planFor(
  object: LogObject,
  log: AccessLog,
  gzip: boolean,
  ports: CollectorPorts,
): Promise<ReadingPlan | undefined> {
  const { format, filter, entity, logFormat } = log;
  const where = filter === '' ? [] : filter.split(',').map((one) => one.trim());
  const own = { ...(entity === '' ? {} : { entity }), ...(logFormat === '' ? {} : { logFormat }) };
  const request: FormatRequest = { format, where, ...own };
  const open = (offset: number) => readableOf(() => ports.objects.open(object, offset));
  const chunks = gzip ? gunzipped(open, object.key) : (open(0) as AsyncIterable<Buffer>);
  const { head, whole } = await headOf(chunks, SAMPLE_BYTES);
  return readingPlan(request, head, whole, object.key);
}

/** What tells an object, counted under one metric, from all others. */
function fileName({ bucket, key, etag }: LogObject, metric: string): string {
  const parts = ['tally object 1', bucket, key, etag, metric].join('\n');
  return createHash('sha256').update(parts).digest('base64url').slice(0, 22);
}

class Run {
  readonly #object: LogObject;
  readonly #plan: ReadingPlan;
  readonly #gzip: boolean;
  readonly #ports: CollectorPorts;
  readonly #reader: RecordReader;
  readonly #cutter: BatchCutter;
  readonly #start: Cursor;
  readonly #before: { readonly events: number; readonly malformed: number };
  readonly #members: { readonly at: number; readonly offset: number }[] = [];
  #records: BatchRecord[] = [];
  #bytes = 0;
  #batches = 0;
  #events = 0;
  #malformed = 0;
  #cursor: Cursor;

  constructor(
    object: LogObject,
    log: AccessLog,
    plan: ReadingPlan,
    gzip: boolean,
    before: Progress | undefined,
    ports: CollectorPorts,
  ) {
    this.#object = object;
    this.#plan = plan;
    this.#gzip = gzip;
    this.#ports = ports;
    this.#start = before?.cursor ?? BEGINNING;
    this.#cursor = this.#start;
    this.#before = before ?? { events: 0, malformed: 0 };
    this.#reader = new RecordReader(plan, log.metric, this.#start);
    this.#cutter = new BatchCutter(fileName(object, log.metric), this.#start);
  }

  async all(hasTime: () => boolean): Promise<Collected> {
    // Before anything is put, it is written down since when.
    if (!(await this.#save('reading', this.#ports.nowMs()))) return this.#result('busy');
    for await (const chunk of this.#chunks()) {
      for (const record of this.#reader.push(chunk)) {
        const batch = this.#take(record);
        if (batch === undefined) continue;
        this.#add(batch);
        if (this.#bytes >= PUT_BYTES_MAX) await this.#put();
        if (this.#batches < SAVE_EVERY_BATCHES) continue;
        await this.#put();
        this.#batches = 0;
        this.#cursor = this.#cursorAt(batch.to);
        if (!hasTime())
          return (await this.#save('reading', undefined)) ? this.#result('more') : this.#result('busy');
        if (!(await this.#save('reading', this.#ports.nowMs()))) return this.#result('busy');
      }
    }
    for (const record of this.#reader.end()) {
      const batch = this.#take(record);
      if (batch !== undefined) this.#add(batch);
    }
    const last = this.#cutter.cut();
    if (last !== undefined) this.#add(last);
    await this.#put();
    this.#cursor = this.#cursorAt(this.#cutter.position);
    return (await this.#save('done', undefined)) ? this.#result('done') : this.#result('busy');
  }

  /** The uncompressed bytes from the cursor on. */
  async *#chunks(): AsyncGenerator<Buffer> {
    const { offset, member = { at: 0, offset: 0 } } = this.#start;
    const open = (at: number) => readableOf(() => this.#ports.objects.open(this.#object, at));
    if (!this.#gzip) {
      if (offset < this.#object.bytes) yield* open(offset) as AsyncIterable<Buffer>;
      return;
    }
    let reached = member.offset;
    const onMember = (at: number) => void this.#members.push({ at, offset: reached });
    // Within a member there is no way to begin in the middle: what is known is inflated again and left out.
    for await (const chunk of gunzipped(open, this.#object.key, member.at, onMember)) {
      const skipped = Math.min(chunk.length, Math.max(0, offset - reached));
      reached += chunk.length;
      if (skipped < chunk.length) yield chunk.subarray(skipped);
    }
  }

  #take(record: FileRecord): Batch | undefined {
    for (const { kind } of record.outcomes)
      if (kind === 'malformed' || kind === 'rejected') this.#malformed += 1;
    return this.#cutter.add(record);
  }

  #add({ key, parts }: Batch): void {
    for (const [index, events] of parts.entries()) {
      const name = partKey(key, index);
      const data = JSON.stringify([1, name, events]);
      this.#records.push({ key: name, data });
      this.#bytes += data.length;
      this.#events += events.length;
    }
    this.#batches += 1;
  }

  /** Puts what was gathered, until all of it is taken. */
  async #put(): Promise<void> {
    let left: readonly BatchRecord[] = this.#records;
    for (let attempt = 1; left.length > 0; attempt += 1) {
      left = await this.#ports.stream.put(left);
      if (left.length === 0) break;
      // The next run puts them again, under the same keys.
      if (attempt === PUT_ATTEMPTS_MAX) throw new Error(`the stream did not take ${left.length} batches`);
      await this.#ports.pause(Math.min(5_000, 200 * 2 ** attempt));
    }
    this.#records = [];
    this.#bytes = 0;
  }

  #cursorAt(to: Position): Cursor {
    const member = this.#members.findLast(({ offset }) => offset <= to.offset);
    return { ...to, header: this.#reader.headerAt(to.offset), member };
  }

  #save(status: Progress['status'], sinceMs: number | undefined): Promise<boolean> {
    const events = this.#before.events + this.#events;
    const malformed = this.#before.malformed + this.#malformed;
    const plan = JSON.stringify(this.#plan);
    return this.#ports.progress.save(this.#object, {
      status,
      cursor: this.#cursor,
      plan,
      sinceMs,
      events,
      malformed,
    });
  }

  #result(outcome: Collected['outcome']): Collected {
    return { outcome, events: this.#events, malformed: this.#malformed };
  }
}
