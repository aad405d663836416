// What comes in: how many events, of how many counters, how unevenly; and how many different ones are among n events.

/** A load, and what is asked of its counts. */
export interface Workload {
  /** Mean of the month: what is paid for. */
  readonly eventsPerSecond: number;
  /** How many times the mean the busiest minute is: what there must be room for. */
  readonly peakFactor: number;
  /** Different counters, (metric, entity), that events can be of. */
  readonly entities: number;
  /** Zipf's exponent: the k-th most frequent counter gets a share that goes with k^-skew; 0: all alike. */
  readonly skew: number;
  /** Share of all events that one more counter gets, from 0 to below 1: the hot one. */
  readonly hotShare: number;
  /** From the arrival of an event until it can be read, seconds. */
  readonly freshnessSeconds: number;
  readonly eventsPerRequest: number;
  /** More than 1: a request is a batch of so many events under a key. */
  readonly eventsPerRecord: number;
  /** An event as JSON. */
  readonly eventBytes: number;
  readonly entityBytes: number;
  readonly metricBytes: number;
}

/** What a load is unless something else is said. */
export const USUAL_WORKLOAD: Workload = {
  eventsPerSecond: 1_000,
  peakFactor: 1.5,
  entities: 100_000,
  skew: 1,
  hotShare: 0,
  freshnessSeconds: 60,
  eventsPerRequest: 100,
  eventsPerRecord: 1,
  eventBytes: 200,
  entityBytes: 20,
  metricBytes: 8,
};

/** Counters of about the same frequency. */
export interface Rank {
  readonly counters: number;
  /** The share of all events that each of them gets. */
  readonly share: number;
}

/** Ranks that stand by themselves, and by how much the first and the last rank of a later group differ at the most. */
const SINGLE_RANKS = 100;
const GROUP_RATIO = 1.05;

/**
 * The counters of a workload by frequency, most frequent first; shares add up to 1. Later ranks are grouped, each group with
 * its mean share: a hundred million counters are some 400 groups, and sums over them are off by less than 0.1 %.
 */
export function ranksOf({
  entities,
  skew,
  hotShare,
}: Pick<Workload, 'entities' | 'skew' | 'hotShare'>): readonly Rank[] {
  const groups: { counters: number; weight: number }[] = [];
  let first = 1;
  while (first <= entities) {
    const width = first <= SINGLE_RANKS ? 1 : Math.floor(first * (GROUP_RATIO - 1)) + 1;
    const counters = Math.min(width, entities - first + 1);
    const weight = counters === 1 ? first ** -skew : powerSum(first, first + counters - 1, skew);
    groups.push({ counters, weight });
    first += counters;
  }
  const whole = groups.reduce((sum, { weight }) => sum + weight, 0);
  const rest = groups.map(({ counters, weight }) => ({
    counters,
    share: ((1 - hotShare) * weight) / whole / counters,
  }));
  if (hotShare === 0) return rest;
  return [{ counters: 1, share: hotShare }, ...rest].sort((a, b) => b.share - a.share);
}

/** The sum of k^-skew from one rank to another, by the midpoint rule: exact to (1 / first rank)² / 12. */
function powerSum(first: number, last: number, skew: number): number {
  const [from, to] = [first - 0.5, last + 0.5];
  return Math.abs(skew - 1) < 1e-9
    ? Math.log(to / from)
    : (to ** (1 - skew) - from ** (1 - skew)) / (1 - skew);
}

/**
 * The chance that a counter is among `events` events: 1 − (1 − share)^events. Between 0 and 1 event it is the share of one: an
 * expected number below one is one event, sometimes.
 */
export function chanceOf(share: number, events: number): number {
  if (events <= 1) return share * events;
  return share >= 1 ? 1 : -Math.expm1(events * Math.log1p(-share));
}

/** How many different counters are expected among `events` events: the sum of their chances. */
export function expectedDistinct(ranks: readonly Rank[], events: number): number {
  return ranks.reduce((sum, { counters, share }) => sum + counters * chanceOf(share, events), 0);
}
