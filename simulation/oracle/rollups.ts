// What becomes of rollup messages: one output for each segment, each row applied once at most, nothing acknowledged early.
import type { Clock } from '../../lambdas/ports.ts';
import { Violation } from './violation.ts';

interface SentRow {
  readonly key: string;
  readonly events: number;
}

/** A row that waits somewhere. */
export interface WaitingRow {
  readonly bucket: string;
  readonly metric: string;
  readonly entity: string;
  readonly events: number;
  readonly minutes: Readonly<Record<string, number>>;
}

/** A row in the archive of expired rows, and the part it came from. */
export interface ExpiredRow {
  readonly segment: string;
  readonly part: number;
  readonly row: WaitingRow;
}

interface SentPart {
  readonly body: string;
  readonly rows: readonly SentRow[];
}

/** How long two writers may disagree about whether a part is expired: one may hang between two calls. */
const RACE_MS_MAX = 600_000;

/** Follows every part from its sending to its acknowledgement. */
export class Rollups {
  readonly #parts = new Map<string, SentPart>();
  readonly #rejected = new Map<string, string>();
  /** Every `segment|entity|sort key` that was ever applied. */
  readonly #applied = new Set<string>();
  /** Rows kept in the archive as expired, by `segment|entity|sort key`. */
  readonly #expired = new Map<string, ExpiredRow>();
  readonly #acknowledgedMs = new Map<string, number>();
  readonly #clock: Clock;
  eventsApplied = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  sent(body: string): void {
    const { segment, part, rows } = JSON.parse(body) as {
      segment: string;
      part: number;
      rows: [string, string, string, number, object][];
    };
    const name = `${segment}/${part}`;
    const known = this.#parts.get(name);
    if (known === undefined) {
      const sentRows = rows.map(([bucket, metric, entity, events]) => ({
        key: `${entity}|${metric}#H#${bucket}`,
        events,
      }));
      this.#parts.set(name, { body, rows: sentRows });
    } else if (known.body !== body) {
      throw new Violation('a segment has one output', `part ${name} was ${known.body} and now is ${body}`);
    }
  }

  applied(segments: readonly string[], pk: string, sk: string, events: number): void {
    this.eventsApplied += events;
    for (const segment of segments) {
      const row = `${segment}|${pk}|${sk}`;
      if (this.#applied.has(row))
        throw new Violation(
          'nothing counts twice',
          `segment ${segment} was added to ${pk} ${sk} a second time`,
        );
      this.#applied.add(row);
    }
  }

  acknowledged(segment: string, parts: readonly number[]): void {
    for (const part of parts) {
      const name = `${segment}/${part}`;
      if (!this.#acknowledgedMs.has(name)) this.#acknowledgedMs.set(name, this.#clock.nowMs());
      const sent = this.#parts.get(`${segment}/${part}`);
      if (sent === undefined)
        throw new Violation('nothing is lost', `part ${segment}/${part} was acknowledged and never sent`);
      const missing = this.#missingRow(segment, sent);
      if (missing !== undefined)
        throw new Violation(
          'nothing is lost',
          `part ${segment}/${part} was acknowledged before ${missing} was applied`,
        );
    }
  }

  /** Whether every row of a part is in a counter item, or kept as expired. */
  isSettled(segment: string, part: number): boolean {
    const sent = this.#parts.get(`${segment}/${part}`);
    return sent !== undefined && this.#missingRow(segment, sent) === undefined;
  }

  #missingRow(segment: string, { rows }: SentPart): string | undefined {
    return rows.find(({ key }) => {
      const row = `${segment}|${key}`;
      return !this.#applied.has(row) && !this.#expired.has(row);
    })?.key;
  }

  archived(objectKey: string, body: string): void {
    if (objectKey.startsWith('rejected/')) {
      const known = this.#rejected.get(objectKey) ?? body;
      if (known !== body)
        throw new Violation('a segment has one output', `${objectKey} was ${known} and now is ${body}`);
      this.#rejected.set(objectKey, body);
    }
    if (!objectKey.startsWith('expired/')) return;
    const { segment, part, rows } = JSON.parse(body) as { segment: string; part: number; rows: WaitingRow[] };
    const sinceMs =
      this.#clock.nowMs() - (this.#acknowledgedMs.get(`${segment}/${part}`) ?? Number.POSITIVE_INFINITY);
    if (sinceMs > RACE_MS_MAX)
      throw new Violation(
        'accounts balance at every moment',
        `rows of part ${segment}/${part} were kept as expired, and it was acknowledged long before`,
      );
    for (const row of rows) this.#expired.set(rowName(segment, row), { segment, part, row });
  }

  /**
   * Events of rows that the archive keeps as expired and that a counter item had: applied without an acknowledgement,
   * and come back when nobody could know it any more.
   */
  get eventsDoubtful(): number {
    let events = 0;
    for (const [name, { row }] of this.#expired) if (this.#applied.has(name)) events += row.events;
    return events;
  }

  /** Rows that the archive keeps as expired and no counter item ever had. */
  expiredForGood(): ExpiredRow[] {
    return [...this.#expired].filter(([name]) => !this.#applied.has(name)).map(([, expired]) => expired);
  }

  /** The rows of a message that no counter item ever had. */
  unapplied(body: string): WaitingRow[] {
    const { segment, rows } = JSON.parse(body) as {
      segment: string;
      rows: [string, string, string, number, Record<string, number>][];
    };
    return rows
      .map(([bucket, metric, entity, events, minutes]) => ({ bucket, metric, entity, events, minutes }))
      .filter((row) => !this.#applied.has(rowName(segment, row)));
  }
}

function rowName(segment: string, { bucket, metric, entity }: WaitingRow): string {
  return `${segment}|${entity}|${metric}#H#${bucket}`;
}
