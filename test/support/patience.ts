// Waiting for a condition, however long a busy machine takes.
import { setTimeout as delay } from 'node:timers/promises';

/** Options of a test that waits for a stack: when it counts as hung. Not a promise of speed. */
export const patient = { timeout: 15 * 60_000 } as const;

/** Time between two checks: a status request takes the stack some 20 ms of processor time. */
const LOOK_MS = 100;

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) await delay(LOOK_MS);
}
