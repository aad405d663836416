// Deltas from sending to acknowledgement: one output for each segment, stored once, never changed, never acknowledged early.
import type { Item } from '../../fake-aws/dynamodb/values.ts';
import { decodeRows, type Row } from '../../lambdas/core/rows.ts';
import { Violation } from './violation.ts';

/** A delta as the table has it; without rows, a tombstone. */
interface StoredDelta {
  readonly key: string;
  readonly rows: readonly Row[] | undefined;
}

/** A delta in a rollup message: its part, its events, and its rows in base64. */
interface SentDelta {
  readonly part: number;
  readonly events: number;
  readonly rows: string;
}

/** Follows every delta from its sending to its acknowledgement, by `SEGMENT/PART`. */
export class Rollups {
  readonly #sent = new Map<string, SentDelta>();
  readonly #stored = new Map<string, StoredDelta>();
  /** Events of all stored deltas. */
  eventsStored = 0;

  /** A message reached the queue. */
  sent(body: string): void {
    const { segment, deltas } = deltasIn(body);
    for (const delta of deltas) {
      const name = `${segment}/${delta.part}`;
      const known = this.#sent.get(name);
      if (known === undefined) this.#sent.set(name, delta);
      else if (known.rows !== delta.rows || known.events !== delta.events) {
        throw new Violation(
          'a segment has one output',
          `part ${name} had ${known.events} events, now ${delta.events}`,
        );
      }
    }
  }

  /**
   * A delta's item was written.
   * @param deleted entities whose rows may be removed from it
   * @returns rows that were never stored before
   */
  stored(before: Item | undefined, item: Item, deleted: (entity: string) => boolean): readonly Row[] {
    const name = nameOf(item);
    const bytes = item['rows']?.B;
    if (before !== undefined) {
      if (bytes !== undefined && isWithout(deleted, before['rows']?.B, bytes)) return [];
      throw new Violation('a segment has one output', `part ${name} was stored and is written over`);
    }
    const key = `${item['pk']?.S} ${item['sk']?.S}`;
    const earlier = this.#stored.get(name);
    // A copy of an expired delta is stored again: it is in the blocks already, and never added again.
    if (earlier?.key === key && earlier.rows !== undefined && bytes !== undefined) return [];
    if (earlier !== undefined) {
      throw new Violation('nothing counts twice', `part ${name} is stored twice, or after it was given up`);
    }
    const rows = bytes && decodeRows(bytes);
    this.#stored.set(name, { key, rows });
    if (bytes === undefined || rows === undefined) return [];
    const events = Number(item['events']?.N ?? 0);
    const sent = this.#sent.get(name);
    if (sent?.rows !== Buffer.from(bytes).toString('base64') || sent.events !== events) {
      throw new Violation('a segment has one output', `part ${name} is stored otherwise than it was sent`);
    }
    this.eventsStored += events;
    return rows;
  }

  acknowledged(segment: string, parts: readonly number[]): void {
    for (const part of parts) {
      if (!this.isStored(segment, part)) {
        throw new Violation(
          'nothing is lost',
          `part ${segment}/${part} was acknowledged, and its delta is not stored`,
        );
      }
    }
  }

  /** Whether a part's delta is stored. */
  isStored(segment: string, part: number): boolean {
    return this.#stored.get(`${segment}/${part}`)?.rows !== undefined;
  }

  /** Whether a part has a tombstone. */
  isDiscarded(segment: string, part: number): boolean {
    const stored = this.#stored.get(`${segment}/${part}`);
    return stored !== undefined && stored.rows === undefined;
  }
}

function nameOf(item: Item): string {
  const [, segment = '', part = ''] = (item['sk']?.S ?? '').split('#');
  return `${segment}/${part}`;
}

/** Whether rows are the earlier ones without the rows of deleted entities. */
function isWithout(
  deleted: (entity: string) => boolean,
  before: Uint8Array | undefined,
  after: Uint8Array,
): boolean {
  const text = (rows: readonly Row[]) =>
    JSON.stringify(rows.map((row) => [row.metric, row.entity, row.hour, [...row.cells].map(String)]));
  const [old, rows] = [before === undefined ? [] : decodeRows(before), decodeRows(after)];
  const isGone = (row: Row) => deleted(row.entity) && !rows.some(({ entity }) => entity === row.entity);
  return text(old.filter((row) => !isGone(row))) === text(rows);
}

/** The content of a rollup message, read independently of the pipeline. */
export function deltasIn(body: string): { readonly segment: string; readonly deltas: readonly SentDelta[] } {
  const { segment, deltas } = JSON.parse(body) as {
    segment: string;
    deltas: [part: number, range: string, events: number, rows: string][];
  };
  return { segment, deltas: deltas.map(([part, , events, rows]) => ({ part, events, rows })) };
}
