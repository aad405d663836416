// The leading entities of each hour, day or month: what a truth file says they are, and what the service says.
import PQueue from 'p-queue';
import type { TallyClient } from '../../client/src/index.ts';
import { startOf } from './compare.ts';
import { topOf } from './counts.ts';
import type { Truth } from './truth.ts';

/** The grains that have top lists. */
export const topGrains = ['hour', 'day', 'month'] as const;
export type TopGrain = (typeof topGrains)[number];

/** An entity and its count in a period. */
export interface Place {
  readonly entity: string;
  readonly n: number;
}

/** A place of a ranking with another entity, or another count, than expected. */
export interface TopDifference {
  /** The start of the period, epoch seconds. */
  readonly start: number;
  /** From 1. */
  readonly place: number;
  /** Undefined: the place is empty. */
  readonly expected: Place | undefined;
  readonly found: Place | undefined;
  /** The answer's note, if it has one. */
  readonly note?: string;
}

/** What comparing all periods found. */
export interface TopResult {
  periods: number;
  /** Places of the truth's rankings. */
  places: number;
  differing: number;
  periodsDiffering: number;
  shown: TopDifference[];
}

/** Sorted anew when a ranking has grown to this many times what is asked for: so its memory is bounded, whatever the truth has. */
const SLACK = 8;

/** By count downwards, equal counts by entity upwards (code units). */
function byPlace(a: Place, b: Place): number {
  if (a.n !== b.n) return b.n - a.n;
  return a.entity < b.entity ? -1 : Number(a.entity > b.entity);
}

/**
 * The first `k` of every period from the truth's first minute to its last, periods without counts included.
 * @returns rankings by the start of their period (epoch seconds), in order of time
 */
export function expectedTops(truth: Truth, by: TopGrain, k: number): Map<number, readonly Place[]> {
  const rankings = new Map<number, Place[]>();
  for (const start of starts(by, truth)) rankings.set(start, []);
  for (const [entity, minutes] of truth.entities) {
    const sums = new Map<number, number>();
    for (const [minute, n] of minutes) {
      const start = startOf(by, minute);
      sums.set(start, (sums.get(start) ?? 0) + n);
    }
    for (const [start, n] of sums) {
      const ranking = rankings.get(start);
      if (n === 0 || ranking === undefined) continue;
      ranking.push({ entity, n });
      if (ranking.length >= SLACK * k) ranking.sort(byPlace).splice(k);
    }
  }
  for (const ranking of rankings.values()) ranking.sort(byPlace).splice(k);
  return rankings;
}

/** The starts of all periods that the truth's minutes span, in order of time. */
function* starts(by: TopGrain, { firstMinute, lastMinute }: Truth): Generator<number> {
  // 32 days after a month's start lie in the next month, whichever it is.
  const stepSeconds = { hour: 3_600, day: 86_400, month: 32 * 86_400 }[by];
  for (let start = startOf(by, firstMinute); start <= lastMinute; start = startOf(by, start + stepSeconds)) {
    yield start;
  }
}

/** The places in which two rankings differ. */
export function topDifferences(
  start: number,
  expected: readonly Place[],
  found: readonly Place[],
  note?: string,
): TopDifference[] {
  const differences: TopDifference[] = [];
  for (let at = 0; at < Math.max(expected.length, found.length); at += 1) {
    const [one, other] = [expected[at], found[at]];
    if (one?.entity === other?.entity && one?.n === other?.n) continue;
    const places = { start, place: at + 1, expected: one, found: other };
    differences.push(note === undefined ? places : { ...places, note });
  }
  return differences;
}

/** Compares the first `k` of every period with the service's. Throws ServiceError if the service does not answer one. */
export async function verifyTops(
  client: TallyClient,
  truth: Truth,
  { metric, by, k }: { readonly metric: string; readonly by: TopGrain; readonly k: number },
  concurrency: number,
  showMax: number,
): Promise<TopResult> {
  const result: TopResult = { periods: 0, places: 0, differing: 0, periodsDiffering: 0, shown: [] };
  const queue = new PQueue({ concurrency });
  const asked = [...expectedTops(truth, by, k)].map(([start, expected]) => async () => {
    const { entries, note } = await topOf(client, metric, by, start * 1000, k);
    // Counted, and taken back: a truth file does not know of it.
    const places = entries.map(({ entity, n }) => ({ entity, n: Number(n) })).filter(({ n }) => n !== 0);
    const differing = topDifferences(start, expected, places, note);
    result.periods += 1;
    result.places += expected.length;
    result.differing += differing.length;
    if (differing.length > 0) result.periodsDiffering += 1;
    result.shown.push(...differing.slice(0, Math.max(0, showMax - result.shown.length)));
  });
  await queue.addAll(asked);
  return result;
}
