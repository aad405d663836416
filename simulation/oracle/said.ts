// What a counter's hour, or a day, said over time.

/** Everything an hour of a counter or a day of one ever said, in order. */
export class Said {
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
    const place = this.firstFrom(sum, this.#place);
    if (place !== -1) this.#place = place;
    return place !== -1;
  }

  /** The first place from `place` on at which it said this; -1 when there is none. */
  firstFrom(sum: bigint, place: number): number {
    return this.#sums.findIndex((one, at) => at >= place && one === sum);
  }

  /** What it said from a place on. */
  from(place: number): readonly bigint[] {
    return this.#sums.slice(place);
  }

  /** The last place at which it said this; -1 when it never did. */
  lastOf(sum: bigint | undefined): number {
    return sum === undefined ? -1 : this.#sums.lastIndexOf(sum);
  }
}
