// The stack's clock: the machine's, which a drill puts forward. All threads of a stack read it from shared memory.

/** How far the clock is ahead, in memory that worker threads share: one 64-bit whole number of milliseconds. */
export type ClockOffset = SharedArrayBuffer;

/** A clock that runs as the machine's does, and can be put forward. */
export interface LocalClock {
  readonly offset: ClockOffset;
  /** Epoch milliseconds on this clock. */
  nowMs(): number;
  /** Puts the clock forward, in every thread at once. */
  forward(ms: number): void;
}

// Taken before anything replaces it.
const MachineDate = Date;

/** The machine's own time, epoch milliseconds, also in a thread with another clock. */
export function machineNowMs(): number {
  return MachineDate.now();
}

/** A clock that shows the machine's time until it is put forward. */
export function createClock(): LocalClock {
  const offset: ClockOffset = new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT);
  const ahead = new BigInt64Array(offset);
  return {
    offset,
    nowMs: () => readClock(ahead),
    forward: (ms) => {
      if (!(ms >= 0)) throw new RangeError(`a clock goes forwards only, not by ${ms} ms`);
      Atomics.add(ahead, 0, BigInt(Math.round(ms)));
    },
  };
}

/**
 * Makes `Date` of this thread show the stack's clock. Timers stay the machine's: what waits with one (time-outs, long
 * polls, batching windows) waits as long as ever.
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
