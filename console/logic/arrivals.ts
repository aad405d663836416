// How many events arrived when, from successive answers of the status; pure.
import type { StatusAnswer } from '../../client/src/index.ts';
import { onTheWay } from './accounts.ts';
import { ceilTo, floorTo, GRAIN_MS } from './zone.ts';

/** What one answer of the status said, for all metrics. */
export interface Reading {
  readonly atMs: number;
  /** Which stack answered: another one has other totals. */
  readonly stack: string;
  /** Accepted since the stack was created. */
  readonly events: number;
  readonly onTheWay: number;
  /** Dead and parked. */
  readonly failed: number;
}

type Known = Pick<Reading, 'atMs' | 'events'>;

const { minute: MINUTE_MS, hour: HOUR_MS } = GRAIN_MS;
const KEPT_MS = 62 * MINUTE_MS;
/** Older readings need not be closer than this. */
const SPACING_MS = 4_000;
/** Between readings further apart than this, only the average is known. */
const GAP_MS = 15_000;
const RATE_MS = 10_000;

/** Appends an answer of the status, and drops what is no longer needed. */
export function withReading(readings: readonly Reading[], status: StatusAnswer, atMs: number) {
  const [before, last] = [readings.at(-2), readings.at(-1)];
  const events = status.accepted ?? status.received;
  const next: Reading = {
    atMs,
    stack: status.service.id,
    events,
    onTheWay: onTheWay(status),
    failed: status.dead + status.parked,
  };
  if (last === undefined || last.stack !== next.stack) return [next];
  const isClose = before !== undefined && last.atMs - before.atMs < SPACING_MS;
  const kept = readings.slice(0, isClose ? -1 : undefined).filter((each) => each.atMs > atMs - KEPT_MS);
  // The total is a lower bound when the stream cannot be read to its end.
  return [...kept, { ...next, events: Math.max(last.events, events) }];
}

/** Events per second over the last ten seconds; undefined before the second reading. */
export function rateOf(readings: readonly Reading[]): number | undefined {
  const last = readings.at(-1);
  if (last === undefined) return undefined;
  const first = readings.findLast(({ atMs }) => atMs <= last.atMs - RATE_MS) ?? readings[0];
  if (first === undefined || first === last) return undefined;
  return ((last.events - first.events) * 1_000) / (last.atMs - first.atMs);
}

/**
 * The events of the last 60 minutes. Each minute is measured, where there are readings, or else the
 * average between the readings or hours around.
 */
export function arrivalsOf(readings: readonly Reading[], status: StatusAnswer) {
  const [first, last] = [readings[0], readings.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const known = [...hourStarts(status, last.atMs).filter(({ atMs }) => atMs < first.atMs), ...readings];
  const endMs = ceilTo(MINUTE_MS, last.atMs);
  const times = Array.from({ length: 60 }, (_, index) => endMs - HOUR_MS + index * MINUTE_MS);
  const minutes = times.map((startMs) => {
    const stopMs = Math.min(startMs + MINUTE_MS, last.atMs);
    // The first minute has what was measured of it.
    const isFirst = startMs < first.atMs && first.atMs < stopMs;
    const [from, to] = [totalAt(known, isFirst ? first.atMs : startMs), totalAt(known, stopMs)];
    return { events: Math.round(to.events - from.events), isMeasured: from.isMeasured && to.isMeasured };
  });
  const those = (wanted: boolean) =>
    minutes.map(({ events, isMeasured }) => (isMeasured === wanted ? events : null));
  return {
    times,
    measured: those(true),
    averaged: those(false),
    total: Math.round(last.events - totalAt(known, endMs - HOUR_MS).events),
    /** So is the total. */
    isMeasured: minutes.every(({ isMeasured }) => isMeasured),
  };
}

/** The totals when this hour and the one before began. */
function hourStarts({ received, hours }: StatusAnswer, nowMs: number): readonly Known[] {
  const thisMs = floorTo(HOUR_MS, nowMs);
  const receivedIn = (hourMs: number) =>
    hours.find(({ hour }) => Date.parse(`${hour}:00Z`) === hourMs)?.received ?? 0;
  const events = received - receivedIn(thisMs);
  return [
    { atMs: thisMs - HOUR_MS, events: events - receivedIn(thisMs - HOUR_MS) },
    { atMs: thisMs, events },
  ];
}

function totalAt(known: readonly Known[], atMs: number): { events: number; isMeasured: boolean } {
  const after = known.findIndex((each) => each.atMs >= atMs);
  const [low, high] = [known[after - 1] ?? known[0], known[after] ?? known.at(-1)];
  if (low === undefined || high === undefined) return { events: 0, isMeasured: false };
  if (high === low || high.atMs === atMs) return { events: high.events, isMeasured: high.atMs === atMs };
  const lengthMs = high.atMs - low.atMs;
  const events = low.events + ((high.events - low.events) * (atMs - low.atMs)) / lengthMs;
  return { events, isMeasured: lengthMs <= GAP_MS };
}
