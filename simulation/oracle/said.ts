// What a counter's hour, or a day, said over time.

/**
 * Everything an hour of a counter or a day of one ever said, in order. An hour with narrow buckets is several items, and
 * whoever reads them one after the other may see one as it was and the next as it became: such a mix is no sum that the hour
 * ever had, and yet it holds all that was there when the reading began.
 */
export class Said {
  readonly #sums: bigint[] = [];
  /** Which item each sum changed, and by how much. */
  readonly #changes: { readonly item: string; readonly added: bigint }[] = [];
  readonly #items = new Set<string>();
  /** The mixes from each place on, until something more is said. */
  readonly #mixed = new Map<number, ReadonlySet<bigint>>();
  #place = -1;

  get latest(): bigint {
    return this.#sums.at(-1) ?? 0n;
  }

  /** @param item the item that was written; left out where there is only one */
  say(sum: bigint, item = ''): number {
    this.#changes.push({ item, added: sum - this.latest });
    this.#items.add(item);
    this.#mixed.clear();
    return this.#sums.push(sum) - 1;
  }

  /** Follows a copy: it was made of something said, and never goes back. @returns false when it did */
  follow(sum: bigint): boolean {
    const from = Math.max(this.#place, -1);
    const place = this.#first(sum, from);
    if (place === undefined) return false;
    this.#place = place;
    return true;
  }

  /** The first place from `place` on at which it said this; -1 when there is none. */
  firstFrom(sum: bigint, place: number): number {
    const found = this.#first(sum, place === 0 ? -1 : place);
    return found === undefined ? -1 : Math.max(found, 0);
  }

  /** What it said from a place on, mixes included. */
  from(place: number): readonly bigint[] {
    return this.#items.size > 1 ? [...this.#mixes(place)] : this.#sums.slice(place);
  }

  /** The last place at which it said this; -1 when it never did. */
  lastOf(sum: bigint | undefined): number {
    if (sum === undefined) return -1;
    if (this.#items.size < 2) return this.#sums.lastIndexOf(sum);
    for (let place = this.#sums.length - 1; place >= 0; place -= 1)
      if (this.#mixes(place).has(sum)) return place;
    return -1;
  }

  #first(sum: bigint, from: number): number | undefined {
    if (this.#items.size < 2) {
      const place = this.#sums.findIndex((one, at) => at >= from && one === sum);
      return place === -1 ? undefined : place;
    }
    for (let place = from; place < this.#sums.length; place += 1)
      if (this.#mixes(place).has(sum)) return place;
    return undefined;
  }

  /** Every sum of items of which each is as it was at a place, or as it became later. Place -1 is before anything was said. */
  #mixes(place: number): ReadonlySet<bigint> {
    const known = this.#mixed.get(place);
    if (known !== undefined) return known;
    const later = new Map<string, bigint[]>();
    for (const { item, added } of this.#changes.slice(place + 1)) {
      const states = later.get(item) ?? [0n];
      later.set(item, states);
      states.push((states.at(-1) ?? 0n) + added);
    }
    let mixes = new Set([this.#sums[place] ?? 0n]);
    for (const states of later.values())
      mixes = new Set([...mixes].flatMap((mix) => states.map((state) => mix + state)));
    this.#mixed.set(place, mixes);
    return mixes;
  }
}
