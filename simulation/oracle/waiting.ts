// What waits in the archive: parked parts, discarded ones, and rows that came after their counter items' expiry.
import type { SegmentEntry } from '../../lambdas/counting/segment-entry.ts';
import type { World } from '../world/world.ts';
import type { Rollups, WaitingRow } from './rollups.ts';
import { Violation } from './violation.ts';

/** Rows in the archive that no counter item has. */
export interface Waiting {
  /** Rows of parked parts. */
  readonly parkedRows: WaitingRow[];
  /** Events of parked parts, rows that were applied and never acknowledged included: so the ledger sees them. */
  parkedEvents: number;
  /** The same of parts that an operator gave up. */
  readonly discardedRows: WaitingRow[];
  discardedEvents: number;
  /** Rows of acknowledged parts that came too late. */
  readonly expiredRows: WaitingRow[];
}

/** Looks through the archive. */
export function waitingRows(world: World, rollups: Rollups): Waiting {
  const waiting: Waiting = {
    parkedRows: [],
    parkedEvents: 0,
    discardedRows: [],
    discardedEvents: 0,
    expiredRows: [],
  };
  for (const [name, { parked, discarded }] of partsIn(world)) {
    const [segment = '', part] = name.split('/');
    const entry = entryOf(world, segment);
    if (entry?.acked.has(Number(part))) continue;
    // A part may lie in both, if a copy of it came back after it was given up. The ledger decides, if the object is there.
    const isDiscarded = entry?.discarded.has(Number(part)) ?? false;
    const object = isDiscarded ? discarded : parked;
    if (object === undefined && isDiscarded)
      throw new Violation(
        'loss is named',
        `part ${name} is noted as discarded, and the archive does not have it`,
      );
    if (object === undefined) continue;
    const { body } = JSON.parse(object) as { body: string };
    const { rows } = JSON.parse(body) as { rows: [string, string, string, number][] };
    const events = rows.reduce((sum, [, , , n]) => sum + n, 0);
    waiting[isDiscarded ? 'discardedEvents' : 'parkedEvents'] += events;
    waiting[isDiscarded ? 'discardedRows' : 'parkedRows'].push(...rollups.unapplied(body));
  }
  for (const { segment, part, row } of rollups.expiredForGood()) {
    if (entryOf(world, segment)?.acked.has(part)) waiting.expiredRows.push(row);
  }
  return waiting;
}

/** The events in rows. */
export function eventsIn(rows: readonly WaitingRow[]): number {
  return rows.reduce((sum, { events }) => sum + events, 0);
}

/** The objects of each part that is parked, discarded, or both. */
function partsIn(world: World): Map<string, { parked?: string; discarded?: string }> {
  const parts = new Map<string, { parked?: string; discarded?: string }>();
  for (const key of world.archive.keys()) {
    const match = /^(parked|discarded)\/(?!poison\/)([^/]+\/\d+)\.json$/.exec(key);
    if (match?.[2] === undefined) continue;
    parts.set(match[2], { ...parts.get(match[2]), [match[1] ?? '']: world.archive.get(key) });
  }
  return parts;
}

function entryOf(world: World, segment: string): SegmentEntry | undefined {
  const end = segment.lastIndexOf('.');
  const shard = world.ledger.keys().find((name) => name === segment.slice(0, end));
  return shard && world.ledger.of(shard).entries.get(Number.parseInt(segment.slice(end + 1), 36));
}
