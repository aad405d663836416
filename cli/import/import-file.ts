// The use case: sends one file's events, each batch until it is stored, none of them twice.
import PQueue from 'p-queue';
import type { BatchLimits } from '../../formats/batches.ts';
import { type FormatRequest, readingPlan, SAMPLE_BYTES } from '../../formats/detect.ts';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import { ServiceError, StateError } from '../shared/errors.ts';
import { type Journal, memoryJournal, openJournal } from '../source/journal.ts';
import type { Source } from '../source/source.ts';
import { HEAD_BYTES_MAX, type ImportState, keyOf, newState, type Target } from '../source/state.ts';
import { findState, type StatePlace } from '../source/state-store.ts';
import { type DeliveryPorts, type DeliverySettings, deliver } from './deliver.ts';
import { Figures } from './figures.ts';
import { noteRecord, type Reporter } from './outcomes.ts';
import { BatchPlanner, type PlannedBatch } from './planner.ts';

export interface ImportSettings {
  readonly target: Target;
  readonly format: FormatRequest;
  readonly delivery: DeliverySettings;
  readonly concurrency: number;
  readonly stateFolders: { readonly chosen: string | undefined; readonly home: string };
  /** Start over, as if the file had never been imported. */
  readonly forget: boolean;
  /** Only read and check: send and save nothing. */
  readonly dryRun: boolean;
  readonly limits?: BatchLimits;
}

export type ImportPorts = Omit<DeliveryPorts, 'journal'>;

export interface ImportResult {
  /** Undefined for an empty file. */
  readonly plan: ReadingPlan | undefined;
  readonly figures: Figures;
  /** The state before this run. */
  readonly before: ImportState | undefined;
}

/**
 * Imports one file. Throws FormatError and StateError before anything is sent, SourceError and ServiceError after sending as much
 * as possible; the state is safe in any case.
 * @param figures updated while it runs, so that they are available even if it throws
 */
export async function importFile(
  source: Source,
  settings: ImportSettings,
  ports: ImportPorts,
  reporter: Reporter,
  figures: Figures = new Figures(),
): Promise<ImportResult> {
  const { head, whole } = await headOf(source.chunks(), SAMPLE_BYTES);
  const plan = readingPlan(settings.format, head, whole, source.name);
  if (plan === undefined) return { plan, figures, before: undefined };
  const journal = await journalFor(source, head.subarray(0, HEAD_BYTES_MAX), plan, settings, reporter);
  const before = journal.state;
  try {
    await new Run(source, plan, settings, { ...ports, journal }, reporter, figures).all();
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
  if (dryRun) return memoryJournal(newState(keyOf(head, target), plan, source.path));
  const place = await findState(source, head, target, stateFolders);
  if (place.elsewhere) {
    reporter.note(
      `the state of this import is kept in ${place.path}, since the file's folder cannot be written to`,
    );
  }
  return openStateOf(source, plan, place, forget);
}

/** The journal of a file about to be read. Throws StateError if the file was read differently before. */
export function openStateOf(
  source: Pick<Source, 'name' | 'path'>,
  plan: ReadingPlan,
  place: StatePlace,
  forget = false,
): Promise<Journal> {
  const fresh = () => newState(place.key, plan, source.path);
  return openJournal(place.path, fresh, (state) => {
    if (forget) return fresh();
    checkPlan(state, plan, source.name);
    return place.is === 'prefix' ? state : { ...state, path: source.path };
  });
}

/** Two ways of reading a file would mix in one metric: some lines counted by one, some by the other. */
function checkPlan(state: ImportState, plan: ReadingPlan, name: string): void {
  if (state.done.length === 0 && state.open.size === 0) return;
  const earlier: Readonly<Record<string, unknown>> = { ...state.plan };
  const now: Readonly<Record<string, unknown>> = { ...plan };
  const texts = (key: string) =>
    [JSON.stringify(earlier[key]) ?? 'none', JSON.stringify(now[key]) ?? 'none'] as const;
  const differing = [...new Set([...Object.keys(earlier), ...Object.keys(now)])].flatMap((key) => {
    const [was, is] = texts(key);
    return was === is ? [] : [`${key} was ${was} and is now ${is}`];
  });
  if (differing.length === 0) return;
  throw new StateError(
    `${name} was imported as metric ${state.key.metric} with other options: ${differing.join(', ')}. ` +
      'Use the same options, or another --metric.',
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
  readonly #queue: PQueue;
  /** Fires when a batch has failed permanently. */
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
    this.#source = source;
    this.#plan = plan;
    this.#settings = settings;
    this.#ports = { ...ports, stop: AbortSignal.any([ports.stop, this.#failing.signal]) };
    this.#reporter = reporter;
    this.#figures = figures;
    this.#planner = new BatchPlanner(ports.journal.state, settings.limits);
    this.#queue = new PQueue({ concurrency: settings.concurrency });
  }

  async all(): Promise<void> {
    let end: FileRecord | undefined;
    try {
      end = await this.#read();
    } finally {
      this.#planner.end();
      await this.#dispatch();
      await this.#queue.onIdle();
      this.#reporter.progress(this.#figures);
    }
    if (this.#failure) throw this.#failure.error;
    const { state } = this.#ports.journal;
    const complete =
      end !== undefined && !this.#settings.dryRun && state.open.size === 0 && state.done.length > 0;
    if (complete && end) await this.#ports.journal.append({ t: 'end', to: end.end, crc: end.crc });
  }

  /** @returns the last record, if the file was read to its end */
  async #read(): Promise<FileRecord | undefined> {
    const reader = new RecordReader(this.#plan, this.#settings.target.metric);
    let last: FileRecord | undefined;
    for await (const chunk of this.#source.chunks()) {
      const records = reader.push(chunk);
      if (!(await this.#takeAll(records))) return undefined;
      last = records.at(-1) ?? last;
    }
    const rest = reader.end();
    return (await this.#takeAll(rest)) ? (rest.at(-1) ?? last) : undefined;
  }

  async #takeAll(records: readonly FileRecord[]): Promise<boolean> {
    for (const record of records) {
      if (this.#ports.stop.aborted) return false;
      const pending = this.#take(record);
      // A promise for every line would cost more than the line.
      if (pending) await pending;
      if (this.#planner.hasReady) await this.#dispatch();
    }
    this.#reporter.progress(this.#figures);
    return true;
  }

  #take(record: FileRecord): Promise<unknown> | undefined {
    const events = record.outcomes.filter(({ kind }) => kind === 'event').length;
    // An incomplete line that is not an event yet is read again when it is complete.
    if (record.terminated || events > 0) {
      const place = this.#planner.add(record);
      if (place !== 'to-send') this.#figures[place] += events;
    }
    return noteRecord(record, this.#figures, this.#reporter);
  }

  async #dispatch(): Promise<void> {
    for (const batch of this.#planner.take()) {
      if (this.#settings.dryRun || this.#ports.stop.aborted) this.#figures.unsent += countOf(batch);
      else {
        void this.#queue.add(() => this.#deliver(batch));
        await this.#queue.onSizeLessThan(this.#settings.concurrency);
      }
    }
  }

  async #deliver(batch: PlannedBatch): Promise<void> {
    const figures = this.#figures;
    if (this.#ports.stop.aborted) {
      figures.unsent += countOf(batch);
      return;
    }
    try {
      const { delivery } = this.#settings;
      const { rejected } = await deliver(batch, delivery, this.#ports, this.#reporter, figures);
      if (rejected > 0 && rejected === countOf(batch) && figures.accepted === 0)
        throw new ServiceError('the service accepts none of the events: see why above');
    } catch (error) {
      this.#failure ??= { error };
      this.#failing.abort();
    }
    this.#reporter.progress(figures);
  }
}

function countOf({ parts }: PlannedBatch): number {
  return parts.reduce((sum, { length }) => sum + length, 0);
}
