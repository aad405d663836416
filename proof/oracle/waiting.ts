// What waits in the archive: parked parts, and discarded ones.
import { decodeRows, type Row } from '../../lambdas/core/rows.ts';
import type { SegmentEntry } from '../../lambdas/core/segment-entry.ts';
import { valueIn } from '../simulation/value-in.ts';
import type { World } from '../simulation/world/world.ts';
import type { Oracle } from './oracle.ts';
import { deltasIn } from './rollups.ts';
import { MinuteSums } from './sums.ts';
import { Violation } from './violation.ts';

/** What the archive has and the table of counts lacks. */
export interface Waiting {
  /** Events of parked parts, as the ledger sees them: those whose delta is stored and not acknowledged included. */
  parkedEvents: number;
  /** The same for parts that an operator discarded. */
  discardedEvents: number;
  /** Sums of both that are not stored, less what was deleted since. */
  readonly sums: MinuteSums;
}

/** Reads the archive. */
export function waitingIn(world: World, { rollups, deletions }: Oracle): Waiting {
  const waiting: Waiting = { parkedEvents: 0, discardedEvents: 0, sums: new MinuteSums() };
  for (const [name, { segment, part, events, rows, parked, discarded }] of partsIn(world)) {
    const entry = entryOf(world, segment);
    if (entry?.acked.has(part)) continue;
    // A part may be in both, if a copy came back after it was discarded. The ledger decides, if the object exists.
    const isDiscarded = entry?.discarded.has(part) ?? false;
    if (isDiscarded && !discarded) {
      throw new Violation(
        'loss is named',
        `part ${name} is noted as discarded, and the archive does not have it`,
      );
    }
    if (!isDiscarded && !parked) continue;
    waiting[isDiscarded ? 'discardedEvents' : 'parkedEvents'] += events;
    const isKept = ({ entity }: Row) => (entry?.runMaxMs ?? 0) > (deletions.get(entity)?.throughMs ?? 0);
    if (!rollups.isStored(segment, part)) waiting.sums.addRows(rows.filter(isKept));
  }
  return waiting;
}

interface ArchivedPart {
  readonly segment: string;
  readonly part: number;
  readonly events: number;
  readonly rows: readonly Row[];
  parked: boolean;
  discarded: boolean;
}

/** The parts in parked and discarded messages, by name. */
function partsIn(world: World): Map<string, ArchivedPart> {
  const parts = new Map<string, ArchivedPart>();
  for (const key of world.archive.keys()) {
    const place = /^(parked|discarded)\/(?!poison\/)/.exec(key)?.[1] as 'parked' | 'discarded' | undefined;
    if (place === undefined) continue;
    const { body } = JSON.parse(world.archive.text(key) ?? '') as { body: string };
    const { segment, deltas } = deltasIn(body);
    for (const { part, events, rows: text } of deltas) {
      const name = `${segment}/${part}`;
      const rows = decodeRows(Buffer.from(text, 'base64'));
      const known = valueIn(parts, name, () => ({
        ...{ segment, part, events, rows, parked: false, discarded: false },
      }));
      known[place] = true;
    }
  }
  return parts;
}

function entryOf(world: World, segment: string): SegmentEntry | undefined {
  const end = segment.lastIndexOf('.');
  const shard = world.ledger.keys().find((name) => name === segment.slice(0, end));
  return shard && world.ledger.of(shard).entries.get(Number.parseInt(segment.slice(end + 1), 36));
}
