// The top lists' checker: no list goes back in time, is claimed to hold what it lacks, or says at rest what the levels do not say.
import type { Placed } from '../world/observer.ts';
import type { World } from '../world/world.ts';
import { readLevelKey, readLevelSums } from './level-items.ts';
import type { Said } from './said.ts';
import { Violation } from './violation.ts';

/** A list as it was last put. */
interface Put {
  readonly counts: ReadonlyMap<string, bigint>;
  readonly outside: Placed | undefined;
}

/** Whether `a` stands before `b`: the larger count, then the smaller text. */
function isBefore(a: Placed, b: Placed): boolean {
  return a.n > b.n || (a.n === b.n && a.entity < b.entity);
}

function hourList(metric: string, hourMs: number): string {
  return `TOP#${metric}\nH#${new Date(hourMs).toISOString().slice(0, 13)}`;
}

/** Watches lists being put. */
export class Tops {
  readonly #lists = new Map<string, Put>();
  /** How far along an hour's history each entry of an hour's list is. */
  readonly #places = new Map<string, number>();

  put(
    pk: string,
    sk: string,
    entries: readonly Placed[],
    outside: Placed | undefined,
    saidBy: (metric: string, entity: string, hourMs: number) => Said | undefined,
  ): void {
    const name = `${pk}\n${sk}`;
    this.#lists.set(name, { counts: new Map(entries.map(({ entity, n }) => [entity, n])), outside });
    for (const [index, entry] of entries.entries()) {
      const next = entries[index + 1];
      if (next !== undefined && !isBefore(entry, next)) throw wrong(name, `has ${next.entity} out of place`);
    }
    const hour = /^H#(.*)$/.exec(sk)?.[1];
    if (hour === undefined) return;
    const [metric, hourMs] = [pk.slice('TOP#'.length), Date.parse(`${hour}:00:00Z`)];
    for (const { entity, n } of entries) {
      const key = `${name}\n${entity}`;
      const place = saidBy(metric, entity, hourMs)?.firstFrom(n, this.#places.get(key) ?? 0) ?? -1;
      if (place === -1) throw wrong(name, `says ${n} of ${entity}, which was never so, or long before`);
      this.#places.set(key, place);
    }
  }

  /** Whether an hour's list takes an entity for at least what it had at a place of its history. */
  holds(metric: string, entity: string, hourMs: number, said: Said, place: number): boolean {
    const list = this.#lists.get(hourList(metric, hourMs));
    if (list === undefined) return false;
    const n = list.counts.get(entity);
    if (n !== undefined) return said.lastOf(n) >= place;
    const { outside } = list;
    return outside !== undefined && said.from(place).some((sum) => !isBefore({ entity, n: sum }, outside));
  }
}

/** Compares all lists with the levels. @param certainMin how many of its first entries every list must be able to say */
export function checkTopsAtRest(world: Pick<World, 'tops' | 'levels'>, certainMin: number): void {
  const lists = new Map(world.tops.lists().map((list) => [`${list.pk}\n${list.sk}`, list]));
  for (const [name, truth] of rankings(world)) {
    truth.sort((a, b) => (isBefore(a, b) ? -1 : 1));
    const list = lists.get(name);
    if (list === undefined) throw wrong(name, 'is not there');
    const { entries, outside } = list;
    const certain = outside === undefined ? entries : entries.filter((entry) => isBefore(entry, outside));
    const complete = outside === undefined ? truth.length : Math.min(certainMin, truth.length);
    if (certain.length < complete) throw wrong(name, `is certain of ${certain.length} of ${truth.length}`);
    for (const [index, entry] of certain.entries()) {
      const real = truth[index];
      if (entry.entity !== real?.entity || entry.n !== real.n)
        throw wrong(name, `has ${entry.entity} ${entry.n} at ${index}, not ${real?.entity} ${real?.n}`);
    }
  }
}

/** Every entity of every period, as days and months say. */
function rankings(world: Pick<World, 'levels'>): Map<string, Placed[]> {
  const found = new Map<string, Placed[]>();
  const add = (name: string, entity: string, n: bigint) => {
    const ranking = found.get(name) ?? [];
    found.set(name, ranking);
    ranking.push({ entity, n });
  };
  for (const { key, numbers } of world.levels.items()) {
    const { metric, level, startMs } = readLevelKey(key.sk);
    if (level === 'T') continue;
    let total = 0n;
    for (const [atMs, n] of readLevelSums(startMs, numbers)) {
      total += n;
      if (level === 'D') add(hourList(metric, atMs), key.pk, n);
    }
    add(`TOP#${metric}\n${key.sk.slice(metric.length + 1)}`, key.pk, total);
  }
  return found;
}

function wrong(name: string, message: string): Violation {
  return new Violation('top lists are right', `${name.replace('\n', ' ')} ${message}`);
}
