// The register of deletions: which rows it excludes, and which deletions are in progress.
import { hash } from 'node:crypto';

/** SHA-256 of the entity, hexadecimal: the register can be queried for a known entity, but reveals no name. */
export function entityHash(entity: string): string {
  return hash('sha256', entity, 'hex');
}

/** An entity whose counts were deleted on request: events that arrived up to a time are no longer counted. */
export interface Deletion {
  readonly entityHash: string;
  /** Rows of segments whose running maximum of arrivals is at most this are excluded; epoch milliseconds. */
  readonly throughMs: number;
}

/** The register, indexed for queries about rows. */
export class Deletions {
  readonly #latest = new Map<string, number>();
  readonly #underWay = new Map<string, number>();

  /** @param entries entry 1 first @param underWay numbers of the entries whose blocks are not rewritten yet */
  constructor(entries: readonly Deletion[], underWay: readonly number[] = []) {
    for (const entry of entries) note(this.#latest, entry);
    for (const number of underWay) {
      const entry = entries[number - 1];
      if (entry !== undefined) note(this.#underWay, entry);
    }
  }

  get isEmpty(): boolean {
    return this.#latest.size === 0;
  }

  /** Whether an entity's rows of a segment are excluded. @param runMaxMs the segment's running maximum of arrivals */
  cover(entity: string, runMaxMs: number): boolean {
    if (this.isEmpty) return false;
    return runMaxMs <= (this.#latest.get(entityHash(entity)) ?? -1);
  }

  /** Blocks may still have rows of the entity that arrived up to this, since a deletion is in progress; undefined: none is. */
  deletingThroughMs(entity: string): number | undefined {
    return this.#underWay.size === 0 ? undefined : this.#underWay.get(entityHash(entity));
  }
}

function note(latest: Map<string, number>, { entityHash: name, throughMs }: Deletion): void {
  latest.set(name, Math.max(throughMs, latest.get(name) ?? 0));
}
