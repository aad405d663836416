// A set of 64-bit event-id hashes, each with the latest segment that carried it. Typed arrays avoid an object for each id.
import { hash } from 'node:crypto';
import { uint32At } from './bytes.ts';

/**
 * The high and low halves of an event identity's 64-bit hash: the first 64 bits of SHA-256, so that a client cannot craft
 * an id that makes another client's event a duplicate.
 */
export interface IdHash {
  high: number;
  low: number;
}

/** Bytes of one id in the ledger. */
export const ID_BYTES = 8;

/**
 * Hashes an event's identity into `into`, which avoids an object for each event.
 * @param identity from `identityOf`
 */
export function hashEventId(identity: string, into: IdHash): void {
  const digest = hash('sha256', identity, 'binary');
  into.high = uint32At(digest, 0);
  into.low = uint32At(digest, 4);
}

/** Minimum number of slots: small, since many shards have few ids. */
const CAPACITY_MIN = 64;

/** Open addressing with linear probing, at most half full; `segment` 0 marks a free slot. */
export class SeenIds {
  #high: Uint32Array;
  #low: Uint32Array;
  #segment: Uint32Array;
  #size = 0;

  /** @param expected approximate number of ids: their slots are allocated at once */
  constructor(expected = 0) {
    const capacity = capacityFor(expected * 2);
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#segment = new Uint32Array(capacity);
  }

  /** Number of distinct ids held. */
  get size(): number {
    return this.#size;
  }

  /** The latest segment that carried the id; 0 when none did. */
  latestSegment(id: IdHash): number {
    return this.#segment[this.#place(id.high, id.low)] as number;
  }

  /**
   * Records that `segment` (1 or more) carried the id; a later segment recorded before stays.
   * @returns whether the id is new
   */
  note(high: number, low: number, segment: number): boolean {
    const place = this.#place(high, low);
    const noted = this.#segment[place] as number;
    if (segment > noted) this.#segment[place] = segment;
    if (noted !== 0) return false;
    this.#high[place] = high;
    this.#low[place] = low;
    this.#size += 1;
    if (this.#size * 2 > this.#segment.length) this.#rebuild(this.#segment.length * 2, 1);
    return true;
  }

  /** Removes every id whose latest segment is before `segment`. */
  forgetBefore(segment: number): void {
    let kept = 0;
    for (const latest of this.#segment) if (latest >= segment) kept += 1;
    this.#rebuild(capacityFor(kept * 2), segment);
  }

  #place(high: number, low: number): number {
    const mask = this.#segment.length - 1;
    let place = low & mask;
    while (this.#segment[place] !== 0 && (this.#high[place] !== high || this.#low[place] !== low)) {
      place = (place + 1) & mask;
    }
    return place;
  }

  #rebuild(capacity: number, segmentMin: number): void {
    const [highs, lows, segments] = [this.#high, this.#low, this.#segment];
    this.#high = new Uint32Array(capacity);
    this.#low = new Uint32Array(capacity);
    this.#segment = new Uint32Array(capacity);
    this.#size = 0;
    for (let old = 0; old < segments.length; old += 1) {
      const segment = segments[old] as number;
      if (segment === 0 || segment < segmentMin) continue;
      const place = this.#place(highs[old] as number, lows[old] as number);
      this.#high[place] = highs[old] as number;
      this.#low[place] = lows[old] as number;
      this.#segment[place] = segment;
      this.#size += 1;
    }
  }
}

/** The power of two with at least `places` slots. */
function capacityFor(places: number): number {
  let capacity = CAPACITY_MIN;
  while (capacity < places) capacity *= 2;
  return capacity;
}
