// Which rows the register of deletions leaves out.
import { entityHash } from './entity-hash.ts';

/** The register, as it is asked about rows. */
export class Deletions {
  readonly #latest = new Map<string, number>();

  /** @param entries the entity's hash, and up to which running maximum of arrivals its rows are left out */
  constructor(entries: readonly { readonly entityHash: string; readonly throughMs: number }[]) {
    for (const { entityHash: name, throughMs } of entries) {
      this.#latest.set(name, Math.max(throughMs, this.#latest.get(name) ?? 0));
    }
  }

  get isEmpty(): boolean {
    return this.#latest.size === 0;
  }

  /** Whether an entity's rows of a segment are left out. @param runMaxMs the segment's running maximum of arrivals */
  cover(entity: string, runMaxMs: number): boolean {
    if (this.#latest.size === 0) return false;
    return runMaxMs <= (this.#latest.get(entityHash(entity)) ?? -1);
  }
}
