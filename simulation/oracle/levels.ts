// The levels' checker: no day or month ever says what was not true, goes back in time, or is claimed to be whole too early.
import type { Clock } from '../../lambdas/ports.ts';
import type { World } from '../world/world.ts';
import { iso } from './ceiling.ts';
import { entryWith, ledgerKeyOf } from './claims.ts';
import { Lineage } from './lineage.ts';
import { readSortKey } from './shown.ts';
import { counterName } from './truth.ts';
import { Violation } from './violation.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** An item of a level, as its sort key `METRIC#D#2026-11-22` names it, read without the pipeline's help. */
export function readLevelKey(sk: string): { metric: string; level: string; startMs: number } {
  const [metric = '', level = '', period = ''] = sk.split('#');
  const date = level === 'M' ? `${period}-01` : period;
  return { metric, level, startMs: level === 'T' ? 0 : Date.parse(`${date}T00:00:00Z`) };
}

/** The sums of a level's item by the start of their hour, day or month, read without the pipeline's help. */
export function readLevelSums(startMs: number, numbers: ReadonlyMap<string, bigint>): Map<number, bigint> {
  const sums = new Map<number, bigint>();
  for (const [name, sum] of numbers) {
    const number = Number(name.slice(1));
    if (/^h\d\d$/.test(name)) sums.set(startMs + number * HOUR_MS, sum);
    else if (/^d\d\d$/.test(name)) sums.set(startMs + (number - 1) * DAY_MS, sum);
    else if (/^m\d{6}$/.test(name)) sums.set(Date.UTC(Math.floor(number / 100), (number % 100) - 1), sum);
  }
  return sums;
}

/** Everything an hour of a counter or a day of one ever said, in order. */
class Said {
  readonly #sums: bigint[] = [];
  #place = -1;

  get latest(): bigint {
    return this.#sums.at(-1) ?? 0n;
  }

  say(sum: bigint): number {
    return this.#sums.push(sum) - 1;
  }

  /** Follows a copy: it was made of something said, and never goes back. @returns false when it did */
  follow(sum: bigint): boolean {
    const place = this.#sums.findIndex((one, at) => at >= this.#place && one === sum);
    if (place !== -1) this.#place = place;
    return place !== -1;
  }

  /** The last place at which it said this; -1 when it never did. */
  lastOf(sum: bigint | undefined): number {
    return sum === undefined ? -1 : this.#sums.lastIndexOf(sum);
  }
}

interface DaySet {
  /** The day's hours then. */
  readonly hours: ReadonlyMap<number, bigint>;
}

/** Watches counter items and levels being written. */
export class Levels {
  readonly #lineages = { days: new Lineage(), months: new Lineage() };
  /** What hours said, by counter and hour; what days said, by counter and day. */
  readonly #hours = new Map<string, Said>();
  readonly #days = new Map<string, Said>();
  readonly #daySets = new Map<string, DaySet[]>();
  /** What levels say, by counter, level and time. */
  readonly #levels = new Map<string, bigint>();
  /** Where in an hour's history a segment was applied to it. */
  readonly #applied = new Map<string, { counter: string; hourMs: number; place: number }[]>();

  readonly #clock: Clock;
  readonly #counterRetentionMs: number | undefined;

  constructor(clock: Clock, counterRetentionMs: number | undefined) {
    this.#clock = clock;
    this.#counterRetentionMs = counterRetentionMs;
  }

  /** Whether an hour's items may be deleted: what was applied to it without anybody knowing can not be taken up any more. */
  #mayBeGone(hourMs: number): boolean {
    if (this.#counterRetentionMs === undefined) return false;
    // Two days of grace, less a quarter of an hour for clocks.
    const goneMs = hourMs + HOUR_MS + this.#counterRetentionMs + 2 * DAY_MS - 900_000;
    return this.#clock.nowMs() >= goneMs;
  }

  arrived(shard: string, parents: readonly string[], sequenceNumber: string, arrivalMs: number): void {
    for (const lineage of Object.values(this.#lineages))
      lineage.arrived(shard, parents, sequenceNumber, arrivalMs);
  }

  counterWritten(segments: readonly string[], pk: string, sk: string, added: number): void {
    const { metric, hourMs } = readSortKey(sk);
    const counter = counterName(metric, pk);
    const said = entryOf(this.#hours, `${counter}\n${hourMs}`, () => new Said());
    const place = said.say(said.latest + BigInt(added));
    for (const segment of segments)
      entryOf(this.#applied, segment, () => []).push({ counter, hourMs, place });
  }

  levelSet(pk: string, sk: string, numbers: ReadonlyMap<string, bigint>): void {
    const { metric, level, startMs } = readLevelKey(sk);
    const counter = counterName(metric, pk);
    const sums = readLevelSums(startMs, numbers);
    const sources = level === 'D' ? this.#hours : level === 'M' ? this.#days : undefined;
    for (const [atMs, sum] of sums) {
      const name = `${counter}\n${level}\n${atMs}`;
      if (this.#levels.get(name) === sum) continue;
      this.#levels.set(name, sum);
      if (sources === undefined || sources.get(`${counter}\n${atMs}`)?.follow(sum) === true) continue;
      throw new Violation(
        'levels are right',
        `${pk} ${sk} says ${sum} of ${iso(atMs)}, which was never so, or long before`,
      );
    }
    if (level !== 'D') return;
    let total = 0n;
    for (const sum of sums.values()) total += sum;
    entryOf(this.#days, `${counter}\n${startMs}`, () => new Said()).say(total);
    entryOf(this.#daySets, `${counter}\n${startMs}`, () => []).push({ hours: sums });
  }

  /** Checks a claim: the level holds everything of every segment that arrived before it. */
  claimed(level: 'days' | 'months', throughMs: number, world: World): void {
    for (const { shard, sequenceNumber } of this.#lineages[level].takeBefore(throughMs)) {
      const entry = entryWith(sequenceNumber, shard, world);
      // What is lost or given up is named, and not waited for.
      if (entry === undefined || !entry.parts.every((_, part) => entry.acked.has(part))) continue;
      const segment = `${ledgerKeyOf(shard)}.${entry.segment.toString(36)}`;
      for (const row of this.#applied.get(segment) ?? []) {
        const isIn = level === 'days' ? this.#inDay(row) : this.#inMonth(row);
        if (!isIn && !this.#mayBeGone(row.hourMs))
          throw new Violation(
            'levels are right',
            `${iso(throughMs)} is claimed of the ${level}, and ${row.counter} at ${iso(row.hourMs)} lacks segment ${segment}`,
          );
      }
    }
  }

  #inDay({ counter, hourMs, place }: { counter: string; hourMs: number; place: number }): boolean {
    const said = this.#hours.get(`${counter}\n${hourMs}`);
    return said !== undefined && said.lastOf(this.#levels.get(`${counter}\nD\n${hourMs}`)) >= place;
  }

  #inMonth({ counter, hourMs, place }: { counter: string; hourMs: number; place: number }): boolean {
    const dayMs = Math.floor(hourMs / DAY_MS) * DAY_MS;
    const said = this.#hours.get(`${counter}\n${hourMs}`);
    const first = (this.#daySets.get(`${counter}\n${dayMs}`) ?? []).findIndex(
      ({ hours }) => (said?.lastOf(hours.get(hourMs)) ?? -1) >= place,
    );
    if (first === -1) return false;
    const day = this.#days.get(`${counter}\n${dayMs}`);
    return day !== undefined && day.lastOf(this.#levels.get(`${counter}\nM\n${dayMs}`)) >= first;
  }
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  const found = map.get(key) ?? make();
  map.set(key, found);
  return found;
}
