// The use case: sends one file's events, each batch until it is stored, none of them twice.
import { dirname } from 'node:path';
import PQueue from 'p-queue';
import type { BatchLimits } from '../../formats/batches.ts';
import { type FormatRequest, readingPlan, SAMPLE_BYTES } from '../../formats/detect.ts';
import { headOf } from '../../formats/lines.ts';
import type { ReadingPlan } from '../../formats/plan.ts';
import { type FileRecord, RecordReader } from '../../formats/records.ts';
import { CommandError, StateError } from '../shared/errors.ts';
import { type Journal, openJournal } from '../source/journal.ts';
import type { Source } from '../source/source.ts';
import { HEAD_BYTES_MAX, type ImportState, keyOf, newState, type Target } from '../source/state.ts';
import { findState, lockFile, type StateFolders, type StatePlace } from '../source/state-store.ts';
import { type DeliveryPorts, type DeliverySettings, deliver } from './deliver.ts';
import { noteRecord } from './figures.ts';
import { BatchPlanner, type PlannedBatch } from './planner.ts';

export interface ImportSettings {
  readonly target: Target;
  readonly format: FormatRequest;
  readonly delivery: DeliverySettings;
  readonly concurrency: number;
  readonly stateFolders: StateFolders;
  /** Start over, as if the file had never been imported. */
  readonly forget?: boolean;
  /** Only read and check: send and save nothing. */
  readonly dryRun?: boolean;
  readonly limits?: BatchLimits;
}

/**
 * Imports one file. Throws FormatError and StateError before anything is sent, SourceError and CommandError after sending as much
 * as possible; the state is safe in any case.
 * @returns how the file is read, and its state before this run; undefined for an empty file
 */
export async function importFile(
  source: Source,
  settings: ImportSettings,
  ports: DeliveryPorts,
): Promise<{ readonly plan: ReadingPlan; readonly before: ImportState } | undefined> {
  const { head, whole } = await headOf(source.chunks(), SAMPLE_BYTES);
  const plan = readingPlan(settings.format, head, whole, source.name);
  if (plan === undefined) return undefined;
  const { target, stateFolders, forget, dryRun } = settings;
  const fileHead = head.subarray(0, HEAD_BYTES_MAX);
  let journal: Journal | undefined;
  const unlock = dryRun ? undefined : await lockFile(source, source.stats, target, stateFolders);
  try {
    if (dryRun) {
      const state = newState(keyOf(fileHead, target), plan, source.path);
      journal = { state, begin: async () => {}, append: async () => {}, close: async () => {} };
    } else {
      const place = await findState(source, fileHead, target, stateFolders);
      if (stateFolders.chosen === undefined && dirname(place.path) === stateFolders.home)
        ports.reporter.note(
          `the state of this import is kept in ${place.path}, since the file's folder cannot be written to`,
        );
      journal = await openStateOf(source, plan, place, forget);
    }
    const before = journal.state;
    await sendAll(source, plan, settings, journal, ports);
    return { plan, before };
  } finally {
    try {
      await journal?.close();
    } finally {
      unlock?.();
    }
  }
}

/** The journal of a file about to be read. Throws StateError if the file was read differently before. */
export function openStateOf(
  { name, path }: Pick<Source, 'name' | 'path'>,
  plan: ReadingPlan,
  place: StatePlace,
  forget = false,
): Promise<Journal> {
  return openJournal(place.path, (found) => {
    if (found === undefined || forget) return newState(place.key, plan, path);
    checkPlan(found, plan, name);
    return place.is === 'prefix' ? found : { ...found, plan, path };
  });
}

/** Two ways of reading a file would mix in one metric: some lines counted by one, some by the other. */
function checkPlan(state: ImportState, plan: ReadingPlan, name: string): void {
  if (state.done.length === 0 && state.open.length === 0) return;
  const options = Object.keys({ ...state.plan, ...plan }) as (keyof ReadingPlan)[];
  const differing = options.flatMap((option) => {
    const [was, is] = [state.plan, plan].map((read) => JSON.stringify(read[option]) ?? 'none');
    return was === is ? [] : [`${option} was ${was} and is now ${is}`];
  });
  if (differing.length === 0) return;
  throw new StateError(
    `${name} was imported as metric ${state.key.metric} with other options: ${differing.join(', ')}. ` +
      'Use the same options, or another --metric.',
  );
}

/** Sends a file's events. After a batch has failed permanently, it starts nothing new, waits for the others, and throws. */
async function sendAll(
  source: Source,
  plan: ReadingPlan,
  { target, delivery, concurrency, limits, dryRun }: ImportSettings,
  journal: Journal,
  ports: DeliveryPorts,
): Promise<void> {
  const { reporter, figures } = ports;
  const reader = new RecordReader(plan, target.metric);
  const planner = new BatchPlanner(journal.state, limits);
  const queue = new PQueue({ concurrency });
  const failing = new AbortController();
  const stop = AbortSignal.any([ports.stop, failing.signal]);
  let last: FileRecord | undefined;
  let isRead = false;

  async function send(batch: PlannedBatch): Promise<void> {
    const { count } = batch;
    if (dryRun || stop.aborted) {
      figures.unsent += count;
      return;
    }
    if (batch.isPart) {
      figures.unsent += count;
      reporter.note(
        `the last ${count} events of ${source.name} are part of a request of an earlier import, which may be stored: ` +
          'import the longer file',
      );
      return;
    }
    try {
      const { rejected } = await deliver(batch, delivery, journal, { ...ports, stop });
      if (rejected === count && figures.accepted === 0)
        throw new CommandError('the service accepts none of the events: see why above');
    } catch (error) {
      failing.abort(error);
    }
    reporter.progress(figures);
  }

  async function dispatch(): Promise<void> {
    for (const batch of planner.take()) {
      void queue.add(() => send(batch));
      await queue.onSizeLessThan(concurrency);
    }
  }

  async function takeAll(records: readonly FileRecord[]): Promise<void> {
    for (const record of records) {
      if (stop.aborted) return;
      const pending = noteRecord(record, planner.add(record), ports);
      // A promise for every line would cost more than the line.
      if (pending) await pending;
      if (planner.hasReady) await dispatch();
      last = record;
    }
    reporter.progress(figures);
  }

  try {
    for await (const chunk of source.chunks()) {
      await takeAll(reader.push(chunk));
      if (stop.aborted) break;
    }
    if (!stop.aborted) await takeAll(reader.end());
    isRead = !stop.aborted;
  } finally {
    planner.end();
    await dispatch();
    await queue.onIdle();
    reporter.progress(figures);
  }
  if (failing.signal.aborted) throw failing.signal.reason;
  const { state } = journal;
  const isDone = isRead && !dryRun && state.open.length === 0 && state.done.length > 0;
  if (isDone && last) await journal.append({ t: 'end', to: last.end.offset, crc: last.end.crc });
}
