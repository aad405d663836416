// When records count as arrived: at the running maximum of their shard and its ancestors, since clocks step back.

/** A record that no watermark has covered yet. */
export interface Watched {
  readonly shard: string;
  readonly sequenceNumber: string;
  /** The record's arrival as the watermark counts it. */
  readonly reachedMs: number;
}

/** Follows arrivals from shard to shard. */
export class Lineage {
  readonly #reachedMs = new Map<string, number>();
  #waiting: Watched[] = [];

  /** @returns the record's arrival as the watermark counts it */
  arrived(shard: string, parents: readonly string[], sequenceNumber: string, arrivalMs: number): number {
    const reachedMs = Math.max(arrivalMs, this.#reached(shard, parents));
    this.#reachedMs.set(shard, reachedMs);
    this.#waiting.push({ shard, sequenceNumber, reachedMs });
    return reachedMs;
  }

  /** A child starts where its parents ended. */
  #reached(shard: string, parents: readonly string[]): number {
    const known = this.#reachedMs.get(shard);
    if (known !== undefined) return known;
    return Math.max(0, ...parents.map((parent) => this.#reachedMs.get(parent) ?? 0));
  }

  /** Removes the records that arrived before a time. */
  takeBefore(throughMs: number): Watched[] {
    const covered = this.#waiting.filter(({ reachedMs }) => reachedMs < throughMs);
    this.#waiting = this.#waiting.filter(({ reachedMs }) => reachedMs >= throughMs);
    return covered;
  }
}
