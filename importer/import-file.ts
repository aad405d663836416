// The use case: one file's events, each sent until it is stored, none of them twice.

import { type Batch, type BatchLimits, BatchPlanner } from './batches.ts';
import {
  type Delivered,
  type DeliveryPorts,
  type DeliverySettings,
  deliver,
  nothingDelivered,
} from './delivery.ts';
import { StateError } from './errors.ts';
import { entityProblem, type OutgoingEvent } from './event.ts';
import { type Figures, noFigures } from './figures.ts';
import { type FormatRequest, readingPlan } from './formats/detect.ts';
import type { ReadingPlan } from './formats/index.ts';
import { eventIds, fileIdentity, headBytesMax } from './identity.ts';
import { type Journal, memoryJournal, openJournal } from './journal.ts';
import { Pool } from './pool.ts';
import { type FileRecord, recordsOf } from './records.ts';
import { readHead, type Source } from './source.ts';
import { type ImportKey, type ImportState, newState } from './state.ts';
import { findState, type ImportTarget, type StateFolders } from './state-store.ts';

export interface ImportSettings {
  readonly target: ImportTarget;
  readonly format: FormatRequest;
  readonly limits: BatchLimits;
  readonly delivery: DeliverySettings;
  readonly concurrency: number;
  readonly stateFolders: StateFolders;
  /** Begin anew, as if the file had never been imported. */
  readonly forget: boolean;
  /** Read and check only: nothing is sent, nothing remembered. */
  readonly dryRun: boolean;
}

/** What an import tells while it runs. */
export interface Reporter {
  note(text: string): void;
  /** A line that is no event, or an event that can not be. `raw` is what stands in the file, or the event itself. */
  rejected(reject: Reject): Promise<void> | void;
  progress(figures: Readonly<Figures>): void;
}

export interface Reject {
  readonly kind: 'malformed' | 'rejected';
  readonly lineNumber: number;
  readonly offset: number;
  readonly reason: string;
  readonly raw: Buffer | string;
}

export type ImportPorts = Omit<DeliveryPorts, 'journal'>;

export interface ImportResult {
  readonly plan: ReadingPlan;
  readonly figures: Figures;
  /** The state before this run. */
  readonly before: ImportState;
}

/**
 * Imports one file. Throws UsageError and StateError before anything is sent, SourceError and ServiceError after as
 * much as possible was; the state is safe in any case.
 * @param figures counted up while it runs, so that they can be told also where it throws
 */
export async function importFile(
  source: Source,
  settings: ImportSettings,
  ports: ImportPorts,
  reporter: Reporter,
  figures: Figures = noFigures(),
): Promise<ImportResult> {
  const head = await readHead(source, headBytesMax);
  const plan = readingPlan(settings.format, head, head.length < headBytesMax, source.name);
  const journal = await journalFor(source, head, plan, settings, reporter);
  const before = journal.state;
  try {
    const run = new Run(source, plan, settings, { ...ports, journal }, reporter, figures);
    await run.all();
    return { plan, figures, before };
  } finally {
    await journal.close();
  }
}

async function journalFor(
  source: Source,
  head: Buffer,
  plan: ReadingPlan,
  settings: ImportSettings,
  reporter: Reporter,
): Promise<Journal> {
  const { target, stateFolders, forget, dryRun } = settings;
  if (dryRun) {
    const key: ImportKey = { identity: fileIdentity(head, target.label), headBytes: head.length, ...target };
    return memoryJournal(newState(key, plan, source.name));
  }
  const place = await findState(source, head, target, stateFolders);
  if (place.elsewhere) {
    reporter.note(
      `the state of this import is kept in ${place.path}, since the file's folder cannot be written to`,
    );
  }
  const fresh = (): ImportState => newState(place.key, plan, source.name);
  return openJournal(place.path, fresh, (state) => {
    if (forget) return fresh();
    checkPlan(state, plan, source.name);
    return { ...state, file: source.name };
  });
}

/** Two ways of reading a file would mix in one metric: some lines counted by one, some by the other. */
function checkPlan(state: ImportState, plan: ReadingPlan, name: string): void {
  if (state.done.length === 0 && state.open.size === 0) return;
  const earlier: Readonly<Record<string, unknown>> = { ...state.plan };
  const now: Readonly<Record<string, unknown>> = { ...plan };
  const differing = [...new Set([...Object.keys(earlier), ...Object.keys(now)])].filter(
    (key) => JSON.stringify(earlier[key]) !== JSON.stringify(now[key]),
  );
  if (differing.length === 0) return;
  const list = differing.map(
    (key) =>
      `${key} was ${JSON.stringify(earlier[key]) ?? 'any'} and is now ${JSON.stringify(now[key]) ?? 'any'}`,
  );
  throw new StateError(
    `${name} was imported as metric ${state.key.metric} with other options: ${list.join(', ')}. ` +
      'Use the same options, or another --metric; the two would mix.',
  );
}

class Run {
  readonly #source: Source;
  readonly #plan: ReadingPlan;
  readonly #settings: ImportSettings;
  readonly #ports: DeliveryPorts;
  readonly #reporter: Reporter;
  readonly #figures: Figures;
  readonly #planner: BatchPlanner;
  readonly #idOf: (offset: number, crc: number) => string;
  readonly #pool: Pool;
  /** Fires when a batch has failed for good. */
  readonly #failing = new AbortController();
  #failure: { readonly error: unknown } | undefined;

  constructor(
    source: Source,
    plan: ReadingPlan,
    settings: ImportSettings,
    ports: DeliveryPorts,
    reporter: Reporter,
    figures: Figures,
  ) {
    const { state } = ports.journal;
    this.#source = source;
    this.#plan = plan;
    this.#settings = settings;
    this.#ports = {
      ...ports,
      stop: AbortSignal.any([ports.stop, this.#failing.signal]),
    };
    this.#reporter = reporter;
    this.#figures = figures;
    this.#planner = new BatchPlanner(state, settings.limits);
    this.#idOf = eventIds(state.key.identity, state.key.metric);
    this.#pool = new Pool(settings.concurrency, (error) => {
      this.#failure ??= { error };
      this.#failing.abort();
    });
  }

  async all(): Promise<void> {
    try {
      await this.#read();
    } finally {
      this.#planner.end();
      await this.#dispatch();
      await this.#pool.drained();
      this.#reporter.progress(this.#figures);
    }
    if (this.#failure) throw this.#failure.error;
  }

  async #read(): Promise<void> {
    for await (const records of recordsOf(this.#source.chunks(), this.#plan)) {
      for (const record of records) {
        if (this.#ports.stop.aborted) return;
        const pending = this.#take(record);
        // A promise for every line would cost more than the line.
        if (pending) await pending;
        if (this.#planner.hasReady) await this.#dispatch();
      }
      this.#reporter.progress(this.#figures);
    }
  }

  #take(record: FileRecord): Promise<void> | void {
    const { reading } = record;
    const figures = this.#figures;
    figures.lines += 1;
    if (reading.kind !== 'event') {
      figures[reading.kind] += 1;
      return reading.kind === 'malformed' ? this.#reject('malformed', record, reading.reason) : undefined;
    }
    const problem = entityProblem(reading.entity);
    if (problem) {
      figures.rejected += 1;
      return this.#reject('rejected', record, problem);
    }
    const place = this.#planner.place(record, () => this.#event(record, reading.entity, reading.at));
    if (place !== 'to-send') figures[place] += 1;
  }

  #event(record: FileRecord, entity: string, at: number): OutgoingEvent {
    const { start: offset, number: lineNumber } = record.line;
    const id = this.#idOf(offset, record.crc);
    return {
      offset,
      lineNumber,
      id,
      json: JSON.stringify({ id, metric: this.#settings.target.metric, entity, at: atOf(at) }),
    };
  }

  #reject(kind: Reject['kind'], { line }: FileRecord, reason: string): Promise<void> | void {
    return this.#reporter.rejected({
      kind,
      lineNumber: line.number,
      offset: line.start,
      reason,
      raw: line.bytes,
    });
  }

  async #dispatch(): Promise<void> {
    for (const batch of this.#planner.take()) {
      if (this.#settings.dryRun || this.#ports.stop.aborted) this.#figures.unsent += batch.events.length;
      else await this.#pool.run(() => this.#deliver(batch));
    }
  }

  async #deliver(batch: Batch): Promise<void> {
    const result = nothingDelivered();
    try {
      await deliver(batch, this.#settings.delivery, this.#ports, result);
    } finally {
      this.#count(batch, result);
    }
    for (const { event, reason } of result.rejected) {
      const { offset, lineNumber, json } = event;
      await this.#reporter.rejected({
        kind: 'rejected',
        lineNumber,
        offset,
        reason: `the service: ${reason}`,
        raw: json,
      });
    }
    this.#reporter.progress(this.#figures);
  }

  #count(batch: Batch, result: Delivered): void {
    const figures = this.#figures;
    const { accepted, uncertain, abandoned } = result;
    const rejected = result.rejected.length;
    figures.accepted += accepted;
    figures.sent += accepted + rejected;
    figures.rejected += rejected;
    figures.uncertain += uncertain;
    figures.abandoned += abandoned;
    figures.unsent += batch.events.length - accepted - rejected - uncertain - abandoned;
    figures.repeated += result.repeated;
    figures.requests += result.requests;
    figures.retries += result.retries;
  }
}

/** As the service takes it: a time before 2000 only as text, since such a number is nearly always seconds. */
function atOf(atMs: number): number | string {
  return atMs < Date.UTC(2000) ? new Date(atMs).toISOString() : atMs;
}
