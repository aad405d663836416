// Boundaries in time that only move forward, whatever the settings say now: what is accepted, and what is retained.

/** What decides whether an event is too old. */
export interface Acceptance {
  /** Maximum age of an event on arrival, milliseconds; undefined: unlimited. */
  readonly acceptPastMs: number | undefined;
  /** Events before this are too old whatever `acceptPastMs` says; absent when there is no such limit. Epoch milliseconds. */
  readonly acceptFromMs?: number;
}

/** The time before which no event is accepted once arrivals have reached `reachedMs`; 0: no limit. */
export function acceptedFromMs({ acceptPastMs, acceptFromMs = 0 }: Acceptance, reachedMs: number): number {
  return Math.max(acceptFromMs, acceptPastMs === undefined ? 0 : reachedMs - acceptPastMs);
}

/** A boundary in force, and the arrival time that it was computed for. Epoch milliseconds. */
export interface Reached {
  readonly acceptedFromMs: number;
  readonly reachedMs: number;
}

/**
 * Keeps the boundaries that were in force: raising `acceptPastMs` must not admit events that were already too old.
 * @param reached the boundaries in force (`acceptedFromMs`), each with the arrival time it was computed for
 */
export function keepingBoundaries<T extends Acceptance>(wanted: T, reached: readonly Reached[]): T {
  const kept = reached
    .filter((one) => acceptedFromMs(wanted, one.reachedMs) < one.acceptedFromMs)
    .map((one) => one.acceptedFromMs);
  return kept.length === 0 ? wanted : { ...wanted, acceptFromMs: Math.max(...kept) };
}

/** How long a level's totals are kept, and which periods earlier, shorter retentions still remove. */
export interface KeptLevel {
  /** The retention in force, milliseconds after a period's end; undefined: forever. */
  readonly retentionMs: number | undefined;
  /** Periods that ended by this time are gone. Epoch milliseconds; never moves back. */
  readonly fromMs: number;
  /** Earlier, shorter retentions: periods that ended by `untilMs` still expire by them. */
  readonly earlier: readonly { readonly untilMs: number; readonly retentionMs: number }[];
}

/**
 * Moves a level's boundary forward.
 * @param known undefined: earlier retentions are unknown
 * @param retentionMs the retention in the settings
 * @param periodEndMs the end of the level's current period: what is written until then may still expire by the old retention
 */
export function advanceKept(
  known: KeptLevel | undefined,
  retentionMs: number | undefined,
  nowMs: number,
  periodEndMs: number,
): KeptLevel {
  const before = known ?? { retentionMs, fromMs: 0, earlier: [] };
  const isRaised =
    (retentionMs ?? Number.POSITIVE_INFINITY) > (before.retentionMs ?? Number.POSITIVE_INFINITY);
  const earlier = [
    ...before.earlier,
    ...(isRaised && before.retentionMs !== undefined
      ? [{ untilMs: periodEndMs, retentionMs: before.retentionMs }]
      : []),
  ];
  const reached = earlier.map((one) => Math.min(one.untilMs, nowMs - one.retentionMs));
  const fromMs = Math.max(before.fromMs, nowMs - (retentionMs ?? Number.POSITIVE_INFINITY), ...reached);
  return { retentionMs, fromMs, earlier: earlier.filter(({ untilMs }) => untilMs > fromMs) };
}

/** When a period's totals count as gone, epoch milliseconds; `Infinity`: never. Once past, it stays past. */
export function keptGoneAtMs(endMs: number, { retentionMs, fromMs, earlier }: KeptLevel): number {
  const retentions = [
    retentionMs ?? Number.POSITIVE_INFINITY,
    ...earlier.filter(({ untilMs }) => endMs <= untilMs).map((one) => one.retentionMs),
  ];
  const goneMs = endMs + Math.min(...retentions);
  return endMs <= fromMs ? Math.min(goneMs, fromMs) : goneMs;
}
