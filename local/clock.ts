// The stack's clock: the machine's, which a drill can advance. All threads of a stack read it from shared memory.

/** How far the clock is ahead, in memory shared by worker threads: one 64-bit integer of milliseconds. */
export type ClockOffset = SharedArrayBuffer;

/** A clock that runs like the machine's, and can be advanced. */
export type LocalClock = ReturnType<typeof createClock>;

// Saved before anything replaces it.
const MachineDate = Date;

/** A clock that shows the machine's time until it is advanced. */
export function createClock() {
  const offset: ClockOffset = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const ahead = new BigInt64Array(offset);
  return {
    offset,
    /** Epoch milliseconds on this clock. */
    nowMs: () => readClock(ahead),
    /** Advances the clock, in every thread at once. */
    forward: (ms: number): void => {
      if (!(ms >= 0)) throw new RangeError(`a clock goes forwards only, not by ${ms} ms`);
      Atomics.add(ahead, 0, BigInt(Math.round(ms)));
    },
  };
}

/**
 * Makes this thread's `Date` follow the stack's clock. Timers stay on the machine's clock: timeouts, long polls and batching
 * windows take as long as ever.
 */
export function followClock(offset: ClockOffset): void {
  const ahead = new BigInt64Array(offset);
  const now = () => readClock(ahead);
  globalThis.Date = new Proxy(MachineDate, {
    construct: (target, values, newTarget) =>
      Reflect.construct(target, values.length === 0 ? [now()] : values, newTarget) as Date,
    apply: () => new MachineDate(now()).toString(),
    get: (target, key) => (key === 'now' ? now : Reflect.get(target, key)),
  });
}

function readClock(ahead: BigInt64Array): number {
  return MachineDate.now() + Number(Atomics.load(ahead, 0));
}
