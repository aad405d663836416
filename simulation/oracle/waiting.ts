// What waits in the archive: parked parts, and rows that came after their counter items' expiry.
import type { World } from '../world/world.ts';
import type { Rollups, WaitingRow } from './rollups.ts';

/** Rows in the archive that no counter item has. */
export interface Waiting {
  /** Rows of parked parts. */
  readonly parkedRows: WaitingRow[];
  /** Events of parked parts, rows that were applied and never acknowledged included: so the ledger sees them. */
  parkedEvents: number;
  /** Rows of acknowledged parts that came too late. */
  readonly expiredRows: WaitingRow[];
}

/** Looks through the archive. */
export function waitingRows(world: World, rollups: Rollups): Waiting {
  const waiting: Waiting = { parkedRows: [], parkedEvents: 0, expiredRows: [] };
  for (const [key, object] of world.archive.objects) {
    const match = /^parked\/([^/]+)\/(\d+)\.json$/.exec(key);
    if (match?.[1] === undefined || match[1] === 'poison') continue;
    if (isAcknowledged(world, match[1], Number(match[2]))) continue;
    const { body } = JSON.parse(object) as { body: string };
    const { rows } = JSON.parse(body) as { rows: [string, string, string, number][] };
    waiting.parkedEvents += rows.reduce((sum, [, , , events]) => sum + events, 0);
    waiting.parkedRows.push(...rollups.unapplied(body));
  }
  for (const { segment, part, row } of rollups.expiredForGood()) {
    if (isAcknowledged(world, segment, part)) waiting.expiredRows.push(row);
  }
  return waiting;
}

/** The events in rows. */
export function eventsIn(rows: readonly WaitingRow[]): number {
  return rows.reduce((sum, { events }) => sum + events, 0);
}

function isAcknowledged(world: World, segment: string, part: number): boolean {
  const end = segment.lastIndexOf('.');
  const shard = world.ledger.keys().find((name) => name === segment.slice(0, end));
  const entry = shard && world.ledger.of(shard).entries.get(Number.parseInt(segment.slice(end + 1), 36));
  return entry?.acked.has(part) ?? false;
}
