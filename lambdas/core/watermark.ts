// The watermark that the accountant publishes: how far counts are complete, what is still accepted, and what is retained.
import { advanceKept, type KeptLevel } from './boundaries.ts';
import { type Level, periodAt, periodEndMs, type Retentions } from './level.ts';
import { HOUR_MS } from './time.ts';

/** The levels whose blocks expire. */
type ExpiringLevel = Exclude<Level, 'all'>;

/** Retentions from the settings, milliseconds; undefined: forever. */
export type LevelRetentionsMs = Readonly<Record<Level, number | undefined>>;

/** The settings that the watermark records, since they may change. */
export interface RecordedSettings {
  readonly retentions: LevelRetentionsMs;
  /** How long deltas and late rows are kept after they were written, milliseconds; undefined: forever. */
  readonly deltaRetentionMs?: number | undefined;
  /** How far in the future of its arrival an event may be, milliseconds. */
  readonly acceptFutureMs: number;
}

/** Functions may still write under earlier retentions for this long: containers, and epochs that were planned before. */
const PLAN_AGE_MS = HOUR_MS;

/** The watermark. Its times never decrease. */
export interface Watermark {
  /** Every event that arrived before this is counted, or reported lost. Epoch milliseconds; 0: unknown. */
  readonly throughMs: number;
  /** Events that happened before this are no longer accepted, and all accepted ones are counted. Epoch milliseconds; 0: unknown. */
  readonly acceptedFromMs: number;
  /** No accepted event happened after this. Epoch milliseconds; 0: unknown. */
  readonly acceptedToMs: number;
  /** What is retained at each level, and of deltas; undefined while unknown. */
  readonly kept: Readonly<Record<ExpiringLevel | 'deltas', KeptLevel>> | undefined;
  /** Incremented with every change. */
  readonly revision: number;
}

/** The watermark of a new ledger. */
export const NO_WATERMARK: Watermark = {
  throughMs: 0,
  acceptedFromMs: 0,
  acceptedToMs: 0,
  kept: undefined,
  revision: 0,
};

/**
 * Raises the watermark.
 * @param settings undefined: leave what is recorded of them unchanged
 */
export function raisedWatermark(
  known: Watermark,
  seen: Pick<Watermark, 'throughMs' | 'acceptedFromMs' | 'acceptedToMs'>,
  settings: RecordedSettings | undefined,
  nowMs: number,
): Watermark {
  const raised = {
    ...known,
    throughMs: Math.max(known.throughMs, seen.throughMs),
    acceptedFromMs: Math.max(known.acceptedFromMs, seen.acceptedFromMs),
    acceptedToMs: Math.max(known.acceptedToMs, seen.acceptedToMs),
    revision: known.revision + 1,
  };
  if (settings === undefined) return raised;
  const { retentions, deltaRetentionMs, acceptFutureMs } = settings;
  const acceptedToMs = Math.max(raised.acceptedToMs, nowMs + acceptFutureMs);
  // Blocks up to this time may have been written under earlier retentions.
  const writtenToMs = acceptedToMs + PLAN_AGE_MS;
  const advanced = (level: ExpiringLevel) =>
    advanceKept(known.kept?.[level], retentions[level], nowMs, periodEndMs(periodAt(level, writtenToMs)));
  return {
    ...raised,
    acceptedToMs,
    kept: {
      hours: advanced('hours'),
      days: advanced('days'),
      months: advanced('months'),
      deltas: advanceKept(known.kept?.deltas, deltaRetentionMs, nowMs, nowMs + PLAN_AGE_MS),
    },
  };
}

/** How long readers may rely on each level: from the ledger, else from the settings. */
export function retentionsKept({ kept }: Watermark, settings: Retentions): Retentions {
  if (kept === undefined) return settings;
  const { hours, days, months } = kept;
  return { hours, days, months, all: undefined };
}

/** Deltas that were written by then may be gone, epoch milliseconds. @param deltaRetentionMs in the settings */
export function deltasGoneBeforeMs(
  { kept }: Watermark,
  deltaRetentionMs: number | undefined,
  nowMs: number,
): number {
  return advanceKept(kept?.deltas, deltaRetentionMs, nowMs, nowMs).fromMs;
}
