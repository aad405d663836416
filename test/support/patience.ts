// How long a test may take before it counts as hung. It is no promise of speed: a busy machine may take minutes.

/** Options of a test that waits for a stack. */
export const patient = { timeout: 15 * 60_000 } as const;
