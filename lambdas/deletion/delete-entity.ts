// Deleting an entity's data on request: its counters at once, what the archive keeps of it, and a record without its name.
import { withoutEntity } from '../counting/archived-entity.ts';
import { entityHash } from '../counting/deleted-entities.ts';
import { isSameTop, withoutEntity as topWithout } from '../counting/top-list.ts';
import type { EntityTops } from '../level-ports.ts';
import type { ArchiveCleaner, Clock, DeletionRegister, EntityCounters, PartLedger } from '../ports.ts';

/** What deleting needs. */
export interface DeletionPorts {
  readonly counters: EntityCounters;
  readonly tops: EntityTops;
  readonly register: DeletionRegister;
  readonly archive: ArchiveCleaner;
  readonly ledger: Pick<PartLedger, 'notePlace'>;
  readonly clock: Clock;
}

/** What was found of an entity, or deleted: numbers only. */
export interface DeletionReport {
  /** Items of the counter table by metric, and events in those that say how many. */
  readonly counters: { items: number; events: number; readonly metrics: string[] };
  /** Top lists that name it. */
  readonly tops: { lists: number };
  readonly archive: {
    objects: number;
    rewritten: number;
    removed: number;
    /** Keys of objects that name the entity and have to be looked at by a person. */
    readonly byHand: string[];
  };
}

/** What happens as it is done, for whoever waits. */
export interface DeletionOptions {
  /** Only look. */
  readonly dryRun: boolean;
  /** Whether to read through the archive, which takes a request for each object in it. */
  readonly archive: boolean;
  readonly onObject?: ((objects: number) => void) | undefined;
}

/**
 * Deletes what is stored of an entity, or says what would be. Repeatable, also after a crash at any moment. Events of the entity that are
 * still under way (stream, queues, parked letters put back) are counted when they come; deleting again deletes them too.
 */
export async function deleteEntity(
  entity: string,
  ports: DeletionPorts,
  { dryRun, archive, onObject }: DeletionOptions,
): Promise<DeletionReport> {
  const report: DeletionReport = {
    counters: { items: 0, events: 0, metrics: [] },
    tops: { lists: 0 },
    archive: { objects: 0, rewritten: 0, removed: 0, byHand: [] },
  };
  const hash = entityHash(entity);
  // First, so that an audit at any moment from now on knows why items are missing.
  if (!dryRun) await ports.register.noteDeletion(hash, ports.clock.nowMs());
  await deleteCounters(entity, ports, dryRun, report);
  if (archive) await cleanArchive(entity, ports, dryRun, report, onObject);
  if (dryRun) return report;
  const nowMs = ports.clock.nowMs();
  // What arrived while this ran may have been deleted too.
  await ports.register.noteDeletion(hash, nowMs);
  await ports.archive.keepDeletion(hash, nowMs, report);
  return report;
}

async function deleteCounters(
  entity: string,
  { counters, tops }: Pick<DeletionPorts, 'counters' | 'tops'>,
  dryRun: boolean,
  { counters: sums, tops: lists }: DeletionReport,
): Promise<void> {
  const metrics = new Set<string>();
  for await (const page of counters.itemsOf(entity)) {
    for (const { key, events } of page) {
      sums.items += 1;
      sums.events += events;
      metrics.add(key.sk.slice(0, key.sk.indexOf('#')));
    }
  }
  sums.metrics.push(...[...metrics].sort());
  // Before the counters, which tell the metrics, so that a run that dies leaves those; and after them, since until then a
  // compaction may bring the entity back into a list.
  lists.lists = await leaveTops(entity, metrics, tops, dryRun);
  if (dryRun) return;
  for await (const page of counters.itemsOf(entity)) await counters.remove(page.map(({ key }) => key));
  await leaveTops(entity, metrics, tops, dryRun);
}

/** Takes an entity out of all lists of some metrics. @returns how many named it */
async function leaveTops(
  entity: string,
  metrics: ReadonlySet<string>,
  tops: EntityTops,
  dryRun: boolean,
): Promise<number> {
  let lists = 0;
  for (const metric of metrics) {
    for await (const { name, top } of tops.topsOf(metric)) {
      let stored = top;
      let list = topWithout(stored.list, entity);
      if (isSameTop(list, stored.list)) continue;
      lists += 1;
      if (dryRun) continue;
      while ((await tops.putTop(name, { ...stored, list, revision: stored.revision + 1 })) === 'conflict') {
        stored = await tops.readTop(name);
        list = topWithout(stored.list, entity);
      }
    }
  }
  return lists;
}

async function cleanArchive(
  entity: string,
  { archive, ledger }: DeletionPorts,
  dryRun: boolean,
  { archive: sums }: DeletionReport,
  onObject: DeletionOptions['onObject'],
): Promise<void> {
  for await (const key of archive.keys()) {
    sums.objects += 1;
    onObject?.(sums.objects);
    const text = await archive.read(key);
    const rest = withoutEntity(key, text, entity);
    if (rest.kind === 'by-hand') sums.byHand.push(key);
    if (rest.kind === 'rewrite') {
      sums.rewritten += 1;
      if (!dryRun) await archive.rewrite(key, rest.text);
    }
    if (rest.kind === 'remove') {
      sums.removed += 1;
      if (dryRun) continue;
      // Nobody can bring the part back now, so nobody is to wait for it. A part that is counted stays so.
      if (rest.part !== undefined) await ledger.notePlace(rest.part, 'discarded');
      await archive.remove(key);
    }
  }
}
