// The simulation's only source of randomness: a seeded generator that can be forked by name.
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';

/** Seeded from a text. Generators with the same seed always give the same numbers. */
export class Random {
  readonly #seed: string;
  readonly #generator: RandomGenerator;

  constructor(seed: string) {
    this.#seed = seed;
    this.#generator = xoroshiro128plus(hashText(seed, 0x9e3779b9));
  }

  /** A separate generator for one purpose, so that more draws for it do not shift all others. */
  fork(purpose: string): Random {
    return new Random(`${this.#seed}/${purpose}`);
  }

  /** A number from 0 to below 1. */
  next(): number {
    return (this.#generator.next() >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  /** True with the given probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** One of the given items. */
  pick<T>(things: readonly [T, ...T[]] | readonly T[]): T {
    if (things.length === 0) throw new RangeError('nothing to pick from');
    return things[Math.floor(this.next() * things.length)] as T;
  }

  /** The given items, shuffled. */
  shuffled<T>(things: readonly T[]): T[] {
    const order = [...things];
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = Math.floor(this.next() * (last + 1));
      [order[last], order[other]] = [order[other] as T, order[last] as T];
    }
    return order;
  }
}

/** FNV-1a with a chosen basis. */
export function hashText(text: string, basis: number): number {
  let hash = basis | 0;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 16_777_619);
  return (hash ^ (hash >>> 15)) >>> 0;
}
