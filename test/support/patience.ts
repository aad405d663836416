// Waiting for a condition, however long a busy machine takes.
import { setTimeout as delay } from 'node:timers/promises';

/** Options of a test that waits for a stack: when it counts as hung. Not a promise of speed. */
export const patient = { timeout: 15 * 60_000 } as const;

/** Time between two checks, which grows: a status request takes the stack some 20 ms of processor time. */
const LOOK_MS = 100;
const LOOK_MS_MAX = 500;

/** Waits until something holds. */
export async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  for (let ms = LOOK_MS; !(await holds()); ms = Math.min(ms + LOOK_MS, LOOK_MS_MAX)) await delay(ms);
}
