// Compares expected counts with those of the service.
import PQueue from 'p-queue';
import type { MinuteCounts } from './truth.ts';

/** The result of comparing counters or rankings. */
export interface Compared<D> {
  readonly compared: number;
  /** How many rows differ, and in how many counters or rankings. */
  readonly differing: number;
  readonly comparedDiffering: number;
  /** The first differences. */
  readonly shown: readonly D[];
}

/** How many queries at once, and how many differing rows to show. */
export interface How {
  readonly concurrency: number;
  readonly show: number;
}

/**
 * Compares counters or rankings.
 * @param atOnce how many go into one query
 * @param each the differences of each of these
 */
export async function compareAll<T, D>(
  all: readonly T[],
  atOnce: number,
  each: (some: readonly T[]) => Promise<readonly (readonly D[])[]>,
  { concurrency, show }: How,
): Promise<Compared<D>> {
  const found: (readonly D[])[] = [];
  const queue = new PQueue({ concurrency });
  const queries = [];
  for (let at = 0; at < all.length; at += atOnce) {
    const some = all.slice(at, at + atOnce);
    queries.push(async () => void found.push(...(await each(some))));
  }
  await queue.addAll(queries);
  const differing = found.flat();
  return {
    compared: found.length,
    differing: differing.length,
    comparedDiffering: found.filter(({ length }) => length > 0).length,
    shown: differing.slice(0, show),
  };
}

export interface Difference {
  readonly entity: string;
  /** Epoch seconds. */
  readonly minute: number;
  readonly expected: number;
  readonly found: number;
}

/** All minutes in which the two differ, in time order. */
export function differences(entity: string, expected: MinuteCounts, found: MinuteCounts): Difference[] {
  const minutes = [...new Set([...expected.keys(), ...found.keys()])].toSorted((a, b) => a - b);
  return minutes
    .map((minute) => ({ entity, minute, expected: expected.get(minute) ?? 0, found: found.get(minute) ?? 0 }))
    .filter((one) => one.expected !== one.found);
}

export const grains = ['minute', 'hour', 'day', 'month', 'total'] as const;
export type Grain = (typeof grains)[number];

/** The start of the UTC hour, day or month that contains a minute; 0 for the total. Epoch seconds. */
export function startOf(grain: Grain, minute: number): number {
  if (grain === 'total') return 0;
  if (grain === 'hour') return minute - (minute % 3600);
  if (grain === 'day') return minute - (minute % 86_400);
  if (grain === 'minute') return minute;
  const at = new Date(minute * 1000);
  return Date.UTC(at.getUTCFullYear(), at.getUTCMonth()) / 1000;
}

/** Counts by minute, summed to a coarser grain; sums of 0 are omitted. */
export function summed(grain: Grain, minutes: MinuteCounts): MinuteCounts {
  const sums: MinuteCounts = new Map();
  for (const [minute, n] of minutes) {
    const start = startOf(grain, minute);
    sums.set(start, (sums.get(start) ?? 0) + n);
  }
  return new Map([...sums].filter(([, n]) => n !== 0));
}
