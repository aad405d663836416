// Deletes an entity's data on request from the store and the archive, and keeps a record without its name.
import type { CompactionState } from '../core/compaction.ts';
import { entityHash } from '../core/deletions.ts';
import { LEVELS } from '../core/level.ts';
import { withoutEntity } from './archived-entity.ts';
import {
  allTime,
  type DeletionTarget,
  deletionTarget,
  isIn,
  placesOf,
  rowsOf,
  rowsOfDeltas,
} from './find-entity.ts';
import { forgetDeltas, forgetLate, forgetLevel } from './forget-rows.ts';
import type { DeletionOptions, DeletionPorts, DeletionReport, DeletionSettings } from './ports.ts';

const PAUSE_MS = 5_000;

/**
 * Deletes what has arrived of an entity, or reports what there is. Repeatable, also after a crash at any point. From its entry in
 * the register on, queries and compaction exclude what arrived before, including what is still on its way, such as a parked
 * message that is replayed weeks later. Events that arrive afterwards count.
 */
export async function deleteEntity(
  entity: string,
  ports: DeletionPorts,
  settings: DeletionSettings,
  options: DeletionOptions,
): Promise<DeletionReport> {
  const report: DeletionReport = {
    events: 0,
    rows: { hours: 0, days: 0, months: 0, all: 0 },
    deltas: 0,
    late: 0,
    tops: 0,
    settled: true,
    archive: { objects: 0, rewritten: 0, removed: 0, byHand: [] },
  };
  const throughMs = options.dryRun ? undefined : ports.clock.nowMs();
  if (throughMs === undefined) await look(entity, ports, settings, report);
  else {
    const number = await ports.state.registerDeletion({ entityHash: entityHash(entity), throughMs });
    const { hours } = await ports.state.readState();
    // Epochs planned from now on exclude the entity.
    const lastEpoch = hours.epoch + (hours.plan === undefined ? 0 : 1);
    report.settled = await settle(number, throughMs, ports, settings, options);
    const state = await ports.state.readState();
    const what = await deletionTarget(entity, state, ports);
    report.events = await eventsOf(what, state, ports);
    const { retentions } = settings;
    const placesIn = await placesOf(what, state, { nowMs: throughMs, retentions }, ports);
    const forgetting = { what, throughMs, ports, settings, report };
    // Bottom up: a level's rows show where the rows of the level below are, also for a run that resumes after a crash.
    for (const level of LEVELS) {
      const places = placesIn(level);
      const looks = [...places.values()].reduce((sum, periods) => sum + periods.length, 0);
      options.onProgress?.(`rewriting blocks of ${level}: ${looks} to be looked at`);
      await forgetLevel(level, places, forgetting);
    }
    options.onProgress?.('rewriting deltas');
    await forgetLate(lastEpoch, forgetting);
    // Deltas last: they show where rows are that no upper level has yet.
    await forgetDeltas(forgetting);
    await ports.state.finishDeletion(number);
  }
  if (options.archive) await cleanArchive(entity, ports, options, report);
  if (throughMs !== undefined)
    await ports.archive.keepDeletion(entityHash(entity), ports.clock.nowMs(), { throughMs, ...report });
  return report;
}

/**
 * Waits until no epoch is in progress that predates the deletion, and the hours include everything that arrived before it.
 * @returns whether they do; false: the patience ran out, and compaction handles the rest
 */
async function settle(
  number: number,
  throughMs: number,
  { state, clock, pause }: DeletionPorts,
  { patienceMs }: DeletionSettings,
  { onProgress }: DeletionOptions,
): Promise<boolean> {
  const sinceMs = clock.nowMs();
  for (;;) {
    const now = await state.readState();
    const knows = LEVELS.every((level) => (now[level].plan?.deletions ?? number) >= number);
    const isIn = now.hours.covers.floorMs > throughMs && now.hours.covers.open.length === 0;
    if (knows && isIn) return true;
    if (knows && clock.nowMs() - sinceMs >= patienceMs) return false;
    onProgress?.(knows ? 'waiting until what has arrived is compacted' : 'waiting for an epoch to end');
    await pause(PAUSE_MS);
  }
}

/** Events in all-time rows, and in deltas that all time does not include yet. */
async function eventsOf(what: DeletionTarget, state: CompactionState, ports: DeletionPorts): Promise<number> {
  let events = 0;
  for await (const { row } of rowsOf(what, allTime(what), ports.store)) events += row.events;
  for await (const { delta, row } of rowsOfDeltas(what, 0, ports)) {
    if (!isIn(state, 'all', delta)) events += row.events;
  }
  return events;
}

async function look(
  entity: string,
  ports: DeletionPorts,
  { retentions }: DeletionSettings,
  report: DeletionReport,
): Promise<void> {
  const state = await ports.state.readState();
  const what = await deletionTarget(entity, state, ports);
  report.events = await eventsOf(what, state, ports);
  const placesIn = await placesOf(what, state, { nowMs: ports.clock.nowMs(), retentions }, ports);
  for (const level of LEVELS) {
    for await (const { period, row } of rowsOf(what, placesIn(level), ports.store)) {
      report.rows[level] += 1;
      const top = await ports.store.readTop(row.metric, period);
      if (top?.entries.some((entry) => entry.entity === entity)) report.tops += 1;
    }
  }
  const deltas = new Set<string>();
  for await (const { delta } of rowsOfDeltas(what, 0, ports)) deltas.add(`${delta.segment}/${delta.part}`);
  report.deltas = deltas.size;
}

async function cleanArchive(
  entity: string,
  { archive }: DeletionPorts,
  { dryRun, onProgress }: DeletionOptions,
  { archive: sums }: DeletionReport,
): Promise<void> {
  for await (const key of archive.keys()) {
    sums.objects += 1;
    onProgress?.(`${sums.objects} objects of the archive`);
    const text = await archive.read(key);
    const rest = withoutEntity(key, text, entity);
    if (rest.kind === 'by-hand') sums.byHand.push(key);
    if (rest.kind === 'rewrite') {
      sums.rewritten += 1;
      if (!dryRun) await archive.rewrite(key, rest.text);
    }
    if (rest.kind === 'remove') {
      sums.removed += 1;
      if (!dryRun) await archive.remove(key);
    }
  }
}
