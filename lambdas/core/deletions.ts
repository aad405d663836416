// The register of deletions: which rows it leaves out, and whose deletion is still under way.
import { hash } from 'node:crypto';

/** SHA-256 of the entity, hexadecimal: whoever knows the entity can look it up; the register names nobody. */
export function entityHash(entity: string): string {
  return hash('sha256', entity, 'hex');
}

/** An entity whose counts were deleted on request: what arrived up to a time is not counted any more. */
export interface Deletion {
  /** From `entityHash`. */
  readonly entityHash: string;
  /** Rows of segments whose running maximum of arrivals is up to this are left out; epoch milliseconds. */
  readonly throughMs: number;
}

/** The register, as it is asked about rows. */
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

  /** Whether an entity's rows of a segment are left out. @param runMaxMs the segment's running maximum of arrivals */
  cover(entity: string, runMaxMs: number): boolean {
    if (this.isEmpty) return false;
    return runMaxMs <= (this.#latest.get(entityHash(entity)) ?? -1);
  }

  /** Until its deletion is done, blocks may still have rows of an entity that arrived up to this; undefined: none is under way. */
  deletingThroughMs(entity: string): number | undefined {
    return this.#underWay.size === 0 ? undefined : this.#underWay.get(entityHash(entity));
  }
}

function note(latest: Map<string, number>, { entityHash: name, throughMs }: Deletion): void {
  latest.set(name, Math.max(throughMs, latest.get(name) ?? 0));
}
