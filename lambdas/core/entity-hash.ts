// Under which name the deletion of an entity is remembered.
import { hash } from 'node:crypto';

/** SHA-256 of the entity, hexadecimal: if you know the entity you can ask for it; nobody can read it from the register. */
export function entityHash(entity: string): string {
  return hash('sha256', entity, 'hex');
}
