// The rollup: a pure function of a segment's records, its dedup window and its frozen configuration.
import { createHash } from 'node:crypto';
import type { Accounts } from './accounts.ts';
import { acceptedFromMs } from './boundaries.ts';
import { type DedupView, SegmentIds } from './dedup-window.ts';
import { type CutRows, cutRows } from './delta.ts';
import { type CountableEvent, type DecodedEvent, identityOf, type RejectionReason } from './event.ts';
import type { SequenceNumber } from './identifiers.ts';
import type { Row } from './rows.ts';
import { hashEventId } from './seen-ids.ts';
import { isRejected, type RollupConfig, type StreamRecord } from './segment.ts';
import { HOUR_MS, isLate, MINUTE_MS } from './time.ts';

/** An event that can never be counted, and its position. */
export interface RejectedEvent {
  readonly sequenceNumber: SequenceNumber;
  /** Its place in the record, from 0. */
  readonly index: number;
  readonly arrivalMs: number;
  readonly reason: RejectionReason;
  /** The whole record, so that no information is lost. */
  readonly data: Uint8Array;
}

/** A segment's output: the same at every attempt. */
export interface SegmentOutput {
  readonly accounts: Accounts;
  /** Its rows, one entry for each delta. */
  readonly cut: readonly CutRows[];
  readonly rejected: readonly RejectedEvent[];
  /** The earliest hour with a row, epoch milliseconds; undefined when there are no rows. */
  readonly earliestHourMs: number | undefined;
  /** Packed hashes of the segment's ids. */
  readonly ids: Uint8Array;
  /** SHA-256 over everything above, hexadecimal. */
  readonly digest: string;
  /** Number of rows in the deltas. */
  readonly rows: number;
  /** Number of emitted events that were late, see `isLate`. */
  readonly late: number;
}

interface GrowingRow {
  readonly metric: string;
  readonly entity: string;
  /** Hours since 1970. */
  readonly hour: number;
  events: number;
  /** Sums by minute of the hour. Safe integers: a segment has at most 40,000 events of up to 10^9. */
  readonly minutes: Map<number, number>;
}

interface GrowingHour {
  readonly hour: number;
  /** Rows by metric and entity. */
  readonly metrics: Map<string, Map<string, GrowingRow>>;
}

/**
 * Rolls up a segment's records: drops duplicates, sets aside rejected events, sums the rest by metric, entity and minute,
 * and cuts the rows into deltas.
 * @param window the ids seen before this segment
 */
export function rollUp(
  records: readonly StreamRecord[],
  window: DedupView,
  config: RollupConfig,
): SegmentOutput {
  const table = new RowTable();
  const ids = new SegmentIds(records.reduce((sum, { events }) => sum + events.length, 0));
  const rejected: RejectedEvent[] = [];
  const rejectedByReason: Partial<Record<RejectionReason, number>> = {};
  const id = { high: 0, low: 0 };
  let received = 0;
  let duplicate = 0;
  let late = 0;
  for (const record of records) {
    // Once: each access may decode the record anew, and a batch has up to 10,000 events.
    let data: Uint8Array | undefined;
    for (let index = 0; index < record.events.length; index += 1) {
      const event = record.events[index] as DecodedEvent;
      received += 1;
      const reason = isRejected(event) ? event.rejected : outOfRange(event, record.arrivalMs, config);
      if (reason !== undefined) {
        rejectedByReason[reason] = (rejectedByReason[reason] ?? 0) + 1;
        const { sequenceNumber, arrivalMs } = record;
        data ??= record.data;
        rejected.push({ sequenceNumber, arrivalMs, data, index, reason });
        continue;
      }
      const countable = event as CountableEvent;
      const identity = identityOf(countable, record.batch);
      if (identity !== undefined) {
        hashEventId(identity, id);
        // A dropped duplicate enters the window too: retries may continue after the first copy has left it.
        if (!ids.add(id) || window.seen(id)) {
          duplicate += 1;
          continue;
        }
      }
      table.add(countable);
      if (isLate(countable.atMs, record.arrivalMs)) late += 1;
    }
  }
  const { events: emitted } = table;
  const accounts: Accounts = { received, duplicate, rejected: rejectedByReason, emitted, lost: 0 };
  const rows = table.rows();
  const cut = cutRows(rows, config);
  const packed = ids.packed();
  return {
    accounts,
    cut,
    rejected,
    earliestHourMs: table.earliestHourMs,
    ids: packed,
    digest: digestOf(accounts, cut, packed),
    rows: rows.length,
    late,
  };
}

function outOfRange(
  event: CountableEvent,
  arrivalMs: number,
  config: RollupConfig,
): RejectionReason | undefined {
  if (event.atMs < acceptedFromMs(config, arrivalMs)) return 'too-old';
  if (event.atMs > arrivalMs + config.acceptFutureMs) return 'too-new';
  return undefined;
}

/** Rows by hour, metric and entity, while they grow. */
class RowTable {
  readonly #hours = new Map<number, GrowingHour>();
  /** The hour of the last event, which is nearly always the next event's, too. */
  #last: GrowingHour | undefined;
  events = 0;

  add({ metric, entity, atMs, n }: CountableEvent): void {
    const { hour, metrics } = this.#hourAt(Math.floor(atMs / HOUR_MS));
    let entities = metrics.get(metric);
    if (entities === undefined) {
      entities = new Map();
      metrics.set(metric, entities);
    }
    let row = entities.get(entity);
    if (row === undefined) {
      row = { hour, metric, entity, events: 0, minutes: new Map() };
      entities.set(entity, row);
    }
    const minute = Math.floor(atMs / MINUTE_MS) - hour * 60;
    row.minutes.set(minute, (row.minutes.get(minute) ?? 0) + n);
    row.events += 1;
    this.events += 1;
  }

  rows(): Row[] {
    const rows: Row[] = [];
    for (const { metrics } of this.#hours.values()) {
      for (const entities of metrics.values()) {
        for (const { minutes, ...row } of entities.values()) {
          const cells = new Map<number, bigint>();
          for (const [minute, n] of minutes) cells.set(minute, BigInt(n));
          rows.push({ ...row, cells });
        }
      }
    }
    return rows;
  }

  get earliestHourMs(): number | undefined {
    const hours = this.#hours.keys();
    return this.#hours.size === 0 ? undefined : hours.reduce((a, b) => Math.min(a, b)) * HOUR_MS;
  }

  #hourAt(hour: number): GrowingHour {
    if (this.#last?.hour === hour) return this.#last;
    let growing = this.#hours.get(hour);
    if (growing === undefined) {
      growing = { hour, metrics: new Map() };
      this.#hours.set(hour, growing);
    }
    this.#last = growing;
    return growing;
  }
}

/** Over uncompressed rows: another version of the compression library must not change the digest. */
function digestOf(accounts: Accounts, cut: readonly CutRows[], ids: Uint8Array): string {
  const digest = createHash('sha256');
  const byReason = Object.entries(accounts.rejected).sort(([a], [b]) => (a < b ? -1 : 1));
  digest.update(JSON.stringify([accounts.received, accounts.duplicate, byReason, accounts.emitted]));
  for (const { range, events, laid } of cut) digest.update(`\n${range} ${events} `).update(laid);
  return digest.update(ids).digest('hex');
}
