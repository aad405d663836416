// The leading entities of each hour, day or month: according to a truth file, and to the service.
import type { TallyClient } from '../../client/src/index.ts';
import { type Compared, compareAll, type How, startOf, summed } from './compare.ts';
import { patiently } from './counts.ts';
import type { Truth } from './truth.ts';

export const topGrains = ['hour', 'day', 'month'] as const;
export type TopGrain = (typeof topGrains)[number];

export interface Place {
  readonly entity: string;
  readonly n: number;
}

/** A rank with another entity or count than expected. */
export interface TopDifference {
  /** The start of the period, epoch seconds. */
  readonly start: number;
  /** From 1. */
  readonly place: number;
  /** Undefined: the rank is empty. */
  readonly expected: Place | undefined;
  readonly found: Place | undefined;
  /** The answer's note, if it has one. */
  readonly note?: string;
}

/** Sort again when a ranking has grown to this multiple of `k`, which bounds memory. */
const SLACK = 8;

/** By count descending, then by entity ascending (code units). */
function byPlace(a: Place, b: Place): number {
  if (a.n !== b.n) return b.n - a.n;
  return a.entity < b.entity ? -1 : Number(a.entity > b.entity);
}

/**
 * The top `k` of every period from the truth's first minute to its last, including periods without counts.
 * @returns rankings by the start of their period (epoch seconds), in time order
 */
export function expectedTops(truth: Truth, by: TopGrain, k: number): Map<number, readonly Place[]> {
  const rankings = new Map<number, Place[]>();
  for (const start of starts(by, truth)) rankings.set(start, []);
  for (const [entity, minutes] of truth.entities) {
    for (const [start, n] of summed(by, minutes)) {
      const ranking = rankings.get(start);
      if (ranking === undefined) continue;
      ranking.push({ entity, n });
      if (ranking.length >= SLACK * k) ranking.sort(byPlace).splice(k);
    }
  }
  for (const ranking of rankings.values()) ranking.sort(byPlace).splice(k);
  return rankings;
}

/** The starts of all periods that contain the truth's minutes, in time order. */
function* starts(by: TopGrain, { firstMinute, lastMinute }: Truth): Generator<number> {
  // 32 days after its start, a month is always over.
  const stepSeconds = { hour: 3_600, day: 86_400, month: 32 * 86_400 }[by];
  for (let start = startOf(by, firstMinute); start <= lastMinute; start = startOf(by, start + stepSeconds)) {
    yield start;
  }
}

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
    differences.push({ start, place: at + 1, expected: one, found: other, ...(note && { note }) });
  }
  return differences;
}

/** Compares the top `k` of every period with the service's. Throws CommandError if the service does not return one. */
export async function verifyTops(
  client: TallyClient,
  truth: Truth,
  { metric, by, k }: { readonly metric: string; readonly by: TopGrain; readonly k: number },
  how: How,
): Promise<Compared<TopDifference> & { readonly places: number }> {
  const tops = expectedTops(truth, by, k);
  const places = [...tops.values()].reduce((sum, { length }) => sum + length, 0);
  const ranked = async ([start, expected]: readonly [number, readonly Place[]]) => {
    const { entries, note } = await patiently(() => client.top(metric, { by, at: start * 1000, k }));
    // Counted and cancelled: a truth file does not contain it.
    const found = entries.map(({ entity, n }) => ({ entity, n: Number(n) })).filter(({ n }) => n !== 0);
    return topDifferences(start, expected, found, note);
  };
  return { places, ...(await compareAll([...tops], 1, (some) => Promise.all(some.map(ranked)), how)) };
}
