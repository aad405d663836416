// Boundaries in time that only move forward, whatever the settings say now: what is still accepted, and what is still kept.

/** What decides whether an event is too old. */
export interface Acceptance {
  /** How long before its arrival an event may have happened, milliseconds; undefined: any time. */
  readonly acceptPastMs: number | undefined;
  /** Events before this are too old whatever `acceptPastMs` says; left out where that is no restriction. Epoch milliseconds. */
  readonly acceptFromMs?: number;
}

/** The time before which nothing is accepted any more once arrivals have reached `reachedMs`; 0: anything is. */
export function acceptedFromMs({ acceptPastMs, acceptFromMs = 0 }: Acceptance, reachedMs: number): number {
  return Math.max(acceptFromMs, acceptPastMs === undefined ? 0 : reachedMs - acceptPastMs);
}

/**
 * An acceptance that keeps the boundaries that were in force: raising `acceptPastMs` must not let in what was too old.
 * @param reached the boundaries in force (`acceptedFromMs`), each with the arrivals for which it was
 */
export function keepingBoundaries<T extends Acceptance>(
  wanted: T,
  reached: readonly { readonly acceptedFromMs: number; readonly reachedMs: number }[],
): T {
  const kept = reached
    .filter((one) => acceptedFromMs(wanted, one.reachedMs) < one.acceptedFromMs)
    .map((one) => one.acceptedFromMs);
  return kept.length === 0 ? wanted : { ...wanted, acceptFromMs: Math.max(...kept) };
}

/** How long the sums of a level are kept, and what earlier, shorter retentions have taken from that. */
export interface KeptLevel {
  /** The retention in force, milliseconds after a period's end; undefined: for ever. */
  readonly retentionMs: number | undefined;
  /** Periods that ended by then are gone. Epoch milliseconds; never moves back. */
  readonly fromMs: number;
  /** Shorter retentions from before: periods that ended by `untilMs` expire by them still. */
  readonly earlier: readonly { readonly untilMs: number; readonly retentionMs: number }[];
}

/**
 * Moves a level's boundary forward.
 * @param known undefined: nothing is known of earlier retentions
 * @param retentionMs the retention that the settings say
 * @param periodEndMs the end of the level's period in which now is: what is written until then may still expire by the old one
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

/** When the sums of a period count as gone, epoch milliseconds; `Infinity`: never. A time that is past stays past. */
export function keptGoneAtMs(endMs: number, { retentionMs, fromMs, earlier }: KeptLevel): number {
  const retentions = [
    retentionMs ?? Number.POSITIVE_INFINITY,
    ...earlier.filter(({ untilMs }) => endMs <= untilMs).map((one) => one.retentionMs),
  ];
  const goneMs = endMs + Math.min(...retentions);
  return endMs <= fromMs ? Math.min(goneMs, fromMs) : goneMs;
}
