// The levels' checker: no day or month ever says what was not true, goes back in time, or is claimed to be whole too early.
import type { Clock } from '../../lambdas/ports.ts';
import type { Placed } from '../world/observer.ts';
import type { World } from '../world/world.ts';
import { iso } from './ceiling.ts';
import { entryWith, ledgerKeyOf } from './claims.ts';
import { readLevelKey, readLevelSums } from './level-items.ts';
import { Lineage } from './lineage.ts';
import { Said } from './said.ts';
import { readSortKey } from './shown.ts';
import { Tops } from './tops.ts';
import { counterName } from './truth.ts';
import { Violation } from './violation.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

interface DaySet {
  /** The day's hours then. */
  readonly hours: ReadonlyMap<number, bigint>;
}

/** An hour of a counter that a segment was applied to, and where in its history. */
interface Applied {
  readonly counter: string;
  readonly metric: string;
  readonly entity: string;
  readonly hourMs: number;
  readonly place: number;
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
  readonly #applied = new Map<string, Applied[]>();
  readonly #tops = new Tops();

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
    const place = said.say(said.latest + BigInt(added), sk);
    for (const segment of segments)
      entryOf(this.#applied, segment, () => []).push({ counter, metric, entity: pk, hourMs, place });
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

  topPut(pk: string, sk: string, entries: readonly Placed[], outside: Placed | undefined): void {
    this.#tops.put(pk, sk, entries, outside, (metric, entity, hourMs) =>
      this.#hours.get(`${counterName(metric, entity)}\n${hourMs}`),
    );
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
        if (level === 'days' && !this.#mayBeGone(row.hourMs) && !this.#inTop(row))
          throw new Violation(
            'top lists are right',
            `${iso(throughMs)} is claimed of the days, and the top list of ${iso(row.hourMs)} lacks what segment ${segment} adds to ${row.counter}`,
          );
      }
    }
  }

  #inTop({ counter, metric, entity, hourMs, place }: Applied): boolean {
    const said = this.#hours.get(`${counter}\n${hourMs}`);
    return said !== undefined && this.#tops.holds(metric, entity, hourMs, said, place);
  }

  #inDay({ counter, hourMs, place }: Applied): boolean {
    const said = this.#hours.get(`${counter}\n${hourMs}`);
    return said !== undefined && said.lastOf(this.#levels.get(`${counter}\nD\n${hourMs}`)) >= place;
  }

  #inMonth({ counter, hourMs, place }: Applied): boolean {
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
