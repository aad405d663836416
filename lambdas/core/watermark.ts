// The watermark that the accountant publishes: how far counts are complete, what is still accepted, and what is retained.
import { advanceKept, type KeptLevel } from './boundaries.ts';
import { type Level, periodAt, periodEndMs, type Retentions } from './level.ts';

/** The levels whose blocks expire. */
const EXPIRING = ['hours', 'days', 'months'] as const satisfies readonly Level[];

/** Retentions from the settings, milliseconds; undefined: forever. */
export type LevelRetentionsMs = Readonly<Record<Level, number | undefined>>;

/** The watermark. Its times never decrease. */
export interface Watermark {
  /** Every event that arrived before this is counted, or reported lost. Epoch milliseconds; 0: unknown. */
  readonly throughMs: number;
  /** Events that happened before this are no longer accepted, and all accepted ones are counted. Epoch milliseconds; 0: unknown. */
  readonly acceptedFromMs: number;
  /** What is retained at each level; undefined in a ledger that predates this field. */
  readonly kept: Readonly<Record<(typeof EXPIRING)[number], KeptLevel>> | undefined;
  /** Incremented with every change. */
  readonly revision: number;
}

/** The watermark of a new ledger. */
export const NO_WATERMARK: Watermark = { throughMs: 0, acceptedFromMs: 0, kept: undefined, revision: 0 };

/**
 * Raises the watermark.
 * @param retentions from the settings; undefined: leave them unchanged
 */
export function raisedWatermark(
  known: Watermark,
  seen: Pick<Watermark, 'throughMs' | 'acceptedFromMs'>,
  retentions: LevelRetentionsMs | undefined,
  nowMs: number,
): Watermark {
  const advanced = (level: (typeof EXPIRING)[number]) =>
    advanceKept(known.kept?.[level], retentions?.[level], nowMs, periodEndMs(periodAt(level, nowMs)));
  return {
    throughMs: Math.max(known.throughMs, seen.throughMs),
    acceptedFromMs: Math.max(known.acceptedFromMs, seen.acceptedFromMs),
    kept:
      retentions === undefined
        ? known.kept
        : { hours: advanced('hours'), days: advanced('days'), months: advanced('months') },
    revision: known.revision + 1,
  };
}

/** How long readers may rely on each level: from the ledger, else from the settings. */
export function retentionsKept({ kept }: Watermark, settings: Retentions): Retentions {
  return kept === undefined ? settings : { ...kept, all: undefined };
}

/**
 * Maximum age of an accepted event relative to the watermark, milliseconds; undefined: unlimited. Equals
 * `acceptPastSeconds` unless that setting was changed.
 */
export function acceptPastOf({ throughMs, acceptedFromMs }: Watermark): number | undefined {
  return acceptedFromMs === 0 ? undefined : throughMs - acceptedFromMs;
}
