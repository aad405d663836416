// Entities deleted on request: how they are remembered without their names, and what that means for the audit.
import { hash } from 'node:crypto';

/** Until when an entity's events may be gone from the counters: epoch milliseconds of arrival, by the entity's hash. */
export type DeletedEntities = ReadonlyMap<string, number>;

/**
 * Under which name a deletion is remembered: SHA-256 of the entity, hexadecimal. Whoever knows the entity can ask for it; nobody can read
 * it there.
 */
export function entityHash(entity: string): string {
  return hash('sha256', entity, 'hex');
}

/** The clocks of operators and of the stream differ by seconds; what is that close to a deletion may be on either side of it. */
export const DELETION_MARGIN_MS = 300_000;

/**
 * Whether what a segment emitted for an entity may rightly be missing: all of the segment had arrived when the entity was deleted. It may
 * also be there, if its message came back later.
 * @param arrivalMaxMs the running maximum of arrivals at the segment's end
 */
export function mayBeDeleted(deleted: DeletedEntities, entity: string, arrivalMaxMs: number): boolean {
  if (deleted.size === 0) return false;
  const throughMs = deleted.get(entityHash(entity));
  return throughMs !== undefined && arrivalMaxMs <= throughMs + DELETION_MARGIN_MS;
}
