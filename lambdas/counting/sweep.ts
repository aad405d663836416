// A sweep: the items of a level that segments touch, as many as fit into memory, in an order in which the work can be cut off anywhere.
import { type CompactedLevel, itemStartMs, type LevelName, sumStartMs } from './levels.ts';
import { DAY_MS, HOUR_MS } from './time.ts';
import { touchedGroups } from './touched-counters.ts';

/** An item to recompute. */
export interface SweptItem {
  readonly name: LevelName;
  /** Its place in the order; items may share one. */
  readonly hash: number;
  /** The starts of the sums in it that were touched, epoch milliseconds. */
  readonly sumsMs: readonly number[];
}

/** Items of one metric in one day or month. */
interface Group {
  readonly metric: string;
  readonly startMs: number;
  /** What all its hashes begin with, and what they are made of besides the entity. */
  readonly base: number;
  readonly seed: number;
  readonly items: Map<string, Held>;
}

/** An item as it is held: small, since there are hundreds of thousands. */
interface Held {
  readonly hash: number;
  /** A bit for each sum: the hours of a day, the days of a month. */
  sums: number;
}

/** What a sum of a level covers. */
const SUM_MS: Readonly<Record<CompactedLevel, number>> = { days: HOUR_MS, months: DAY_MS };

/** Hashes of a metric: 16 bits of it, then 32 of day or month and entity. */
const METRIC_HASHES = 2 ** 32;

/**
 * The items with the least hashes of all that segments touch. All segments are shown to it; when there are more items than
 * fit, those with the largest hashes are dropped. So whatever is below `bound` is known completely, and the rest is
 * for another sweep over the same segments. Metrics follow each other, so that a top list hears of its entities together.
 */
export class Sweep {
  readonly #level: CompactedLevel;
  readonly #itemsMax: number;
  readonly #groups = new Map<string, Group>();
  #size = 0;
  /** Beyond this many items it is tried to drop some. */
  #sizeMax: number;
  #bound = Number.POSITIVE_INFINITY;

  /** @param itemsMax how many items are kept when there are more; a quarter more are gathered before they are cut down to it */
  constructor(level: CompactedLevel, itemsMax: number) {
    this.#level = level;
    this.#itemsMax = itemsMax;
    this.#sizeMax = itemsMax * 1.25;
  }

  /** Every item whose hash is below this is in the sweep; infinite when nothing had to be dropped. */
  get bound(): number {
    return this.#bound;
  }

  /**
   * Adds what a segment touched.
   * @param chunk as the ledger keeps it
   * @param from items with a hash below this are recomputed already, for this segment
   * @returns no less than the largest hash of the chunk, kept or not; -1 when there is none from `from` on
   */
  add(chunk: string, from: number): number {
    let largest = -1;
    for (const [hour, metric, entities] of touchedGroups(chunk)) {
      const group = this.#groupOf(metric, hour * HOUR_MS);
      const { startMs, base, seed, items } = group;
      const last = base + METRIC_HASHES - 1;
      if (last < from || entities.length === 0) continue;
      if (base >= this.#bound) {
        largest = Math.max(largest, last);
        continue;
      }
      const sum = 1 << ((sumStartMs(this.#level, hour * HOUR_MS) - startMs) / SUM_MS[this.#level]);
      for (const entity of entities) {
        const hash = base + hashOf(entity, seed);
        if (hash < from) continue;
        if (hash > largest) largest = hash;
        if (hash >= this.#bound) continue;
        const held = items.get(entity);
        if (held !== undefined) {
          held.sums |= sum;
          continue;
        }
        // Groups that hold nothing are not held: there may be more metrics than items fit.
        if (items.size === 0) this.#groups.set(nameOf(group), group);
        items.set(entity, { hash, sums: sum });
        this.#size += 1;
        if (this.#size > this.#sizeMax) this.#cut();
      }
    }
    return largest;
  }

  /** The items by hash, upwards. */
  items(): readonly SweptItem[] {
    const all: SweptItem[] = [];
    for (const { metric, startMs, items } of this.#groups.values()) {
      for (const [entity, { hash, sums }] of items) {
        const name = { level: this.#level, metric, entity, startMs };
        all.push({ name, hash, sumsMs: this.#sumsMs(startMs, sums) });
      }
    }
    return all.sort((a, b) => a.hash - b.hash);
  }

  #sumsMs(startMs: number, sums: number): number[] {
    const found: number[] = [];
    for (let at = 0; sums >>> at !== 0 && at < 32; at += 1) {
      if ((sums >>> at) & 1) found.push(startMs + at * SUM_MS[this.#level]);
    }
    return found;
  }

  /** The group that holds items already, or one that is not held yet. */
  #groupOf(metric: string, hourMs: number): Group {
    const startMs = itemStartMs(this.#level, hourMs);
    const held = this.#groups.get(nameOf({ metric, startMs }));
    if (held !== undefined) return held;
    const ofMetric = hashOf(metric, HASH_START);
    const base = (ofMetric >>> 16) * METRIC_HASHES;
    return { metric, startMs, base, seed: ofMetric ^ (startMs / HOUR_MS), items: new Map() };
  }

  /** Drops the items with the largest hashes, but never all that share one: that hash could never be worked off. */
  #cut(): void {
    const hashes = new Float64Array(this.#size);
    let at = 0;
    for (const { items } of this.#groups.values()) {
      for (const { hash } of items.values()) hashes[at++] = hash;
    }
    hashes.sort();
    const [least = 0] = hashes;
    const bound = hashes.subarray(this.#itemsMax).find((hash) => hash > least);
    if (bound === undefined) {
      this.#sizeMax = 2 * this.#size;
      return;
    }
    this.#bound = bound;
    this.#size = 0;
    for (const [name, { items }] of this.#groups) {
      for (const [entity, { hash }] of items) if (hash >= bound) items.delete(entity);
      if (items.size === 0) this.#groups.delete(name);
      this.#size += items.size;
    }
  }
}

function nameOf({ metric, startMs }: Pick<Group, 'metric' | 'startMs'>): string {
  return `${startMs}#${metric}`;
}

const HASH_START = 0x811c9dc5;

/**
 * FNV-1a of a text's code units, from 0 to below 2^32. Cursors hold hashes from one run to the next (`doneBelow`): whoever
 * changes this must have pending steps begun anew.
 */
function hashOf(text: string, seed: number): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
