// The facts about a dead letter, and whether a selection includes it. Pure.

import { partsIn } from '../../lambdas/core/dead-letter-name.ts';
import { decodeRollupMessage } from '../../lambdas/core/rollup-message.ts';
import { decodeRows, type Row } from '../../lambdas/core/rows.ts';
import { HOUR_MS, isoSeconds } from '../../lambdas/core/time.ts';
import type { DeliveredMessage } from '../../lambdas/dead-letter-ports.ts';

/** A dead letter's facts. Only `rows` contain entities: they are kept and shown only on request. */
export type DeadLetterFacts = ReturnType<typeof factsOf>;

/** A selection: dead letters that match everything given. */
export interface Selection {
  /** Exact names; undefined selects every name. */
  readonly names?: ReadonlySet<string>;
  /** A substring of the reason, ignoring case. */
  readonly reason?: string;
  /** An entity with a row in the message. */
  readonly entity?: string;
  /** A segment, or a shard: `1.0.2s` or `1.0`. */
  readonly segment?: string;
  /** Keeps the rows of what is found: those of thousands of dead letters would fill the memory. */
  readonly rows?: boolean;
}

/** Collects the facts about a dead letter. */
export function factsOf(
  { name, body, history }: Pick<DeliveredMessage, 'body' | 'history'> & { readonly name: string },
  place: 'waiting' | 'parked' | 'returned' | 'counted',
) {
  const deltas = partsIn(body) === undefined ? [] : decodeRollupMessage(body).deltas;
  const rows = deltas.flatMap((delta) => decodeRows(delta.rows));
  const events = eventsIn(rows);
  const metrics = Map.groupBy(rows, ({ metric }) => metric);
  return {
    /** `SEGMENT/PART`, or `poison/MESSAGE`. */
    name,
    place,
    poison: deltas.length === 0,
    reason: history?.reason ?? 'moved by the queue itself, without a reason',
    attempts: history?.attempts ?? 0,
    rounds: history?.rounds ?? 0,
    /** ISO 8601; undefined when the message has no history. */
    firstFailureAt: history?.firstFailureAt,
    lastFailureAt: history?.lastFailureAt,
    events,
    /** A summary of the rows, without entities. */
    holds: {
      rows: rows.length,
      events,
      entities: new Set(rows.map(({ entity }) => entity)).size,
      eventsByMetric: Object.fromEntries([...metrics].map(([metric, of]) => [metric, eventsIn(of)]).sort()),
      hours: [...new Set(rows.map(({ hour }) => isoSeconds(hour * HOUR_MS)))].sort(),
    },
    rows,
    history,
  };
}

/** Whether a selection includes a dead letter. */
export function isSelected(facts: DeadLetterFacts, { names, reason, entity, segment }: Selection): boolean {
  const [ofSegment = ''] = facts.name.split('/');
  return (
    (names === undefined || names.has(facts.name)) &&
    (reason === undefined || facts.reason.toLowerCase().includes(reason.toLowerCase())) &&
    (entity === undefined || facts.rows.some((row) => row.entity === entity)) &&
    (segment === undefined || ofSegment === segment || ofSegment.startsWith(`${segment}.`))
  );
}

/** A row as plain JSON. */
export function plainRow({ metric, entity, hour, events, cells }: Row) {
  const minutes = Object.fromEntries([...cells].map(([minute, n]) => [minute, Number(n)]));
  return { hour: isoSeconds(hour * HOUR_MS), metric, entity, events, minutes };
}

function eventsIn(rows: readonly Row[]): number {
  return rows.reduce((sum, { events }) => sum + events, 0);
}
