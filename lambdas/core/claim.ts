// What the accountant publishes: how far counts are complete, what is no longer accepted, and what is still kept.
import { advanceKept, type KeptLevel } from './boundaries.ts';
import { type Level, periodAt, periodEndMs, type Retentions } from './level.ts';

/** The levels of which something expires. */
const EXPIRING = ['hours', 'days', 'months'] as const satisfies readonly Level[];

/** Retentions as settings say them, milliseconds; undefined: for ever. */
export type LevelRetentionsMs = Readonly<Record<Level, number | undefined>>;

/** What is published. Every time in it only ever rises. */
export interface Claim {
  /** Every event that arrived before this is counted, or named as lost. Epoch milliseconds; 0: nothing is claimed yet. */
  readonly throughMs: number;
  /** No event that happened before this is accepted any more, and all that were are counted. Epoch milliseconds; 0: not known. */
  readonly acceptedFromMs: number;
  /** What is kept of each level; undefined in a ledger from before this was remembered. */
  readonly kept: Readonly<Record<(typeof EXPIRING)[number], KeptLevel>> | undefined;
  /** Grows by one with every change. */
  readonly revision: number;
}

/** Nothing is claimed. */
export const NO_CLAIM: Claim = { throughMs: 0, acceptedFromMs: 0, kept: undefined, revision: 0 };

/**
 * The claim with what was seen since.
 * @param retentions as the settings say; undefined: not to be remembered
 */
export function raisedClaim(
  known: Claim,
  seen: Pick<Claim, 'throughMs' | 'acceptedFromMs'>,
  retentions: LevelRetentionsMs | undefined,
  nowMs: number,
): Claim {
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

/** How long readers may rely on each level: as the ledger remembers it, or as the settings say where it does not. */
export function retentionsKept({ kept }: Claim, settings: Retentions): Retentions {
  return kept === undefined ? settings : { ...kept, all: undefined };
}

/**
 * How far before the claim nothing is accepted any more, milliseconds; undefined: events of any time may still come. It is
 * `acceptPastSeconds` as long as nobody changes that.
 */
export function acceptPastOf({ throughMs, acceptedFromMs }: Claim): number | undefined {
  return acceptedFromMs === 0 ? undefined : throughMs - acceptedFromMs;
}
