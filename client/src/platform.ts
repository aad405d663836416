// The client's platform, replaceable in tests: fetch, clocks, randomness, timers, the page.

/** The part of fetch's response that the client reads. */
export interface FetchAnswer {
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  text(): Promise<string>;
}

/** The part of fetch that the client uses; the platform's fetch fits. It must not retry by itself. */
export type Fetch = (
  url: string,
  init: {
    readonly method: 'GET' | 'POST';
    readonly headers: Record<string, string>;
    readonly body?: string;
    readonly signal: AbortSignal;
    readonly keepalive?: boolean;
    readonly redirect: 'error';
  },
) => Promise<FetchAnswer>;

/** The part of a browser's window that announces the end of its page. */
export interface Page {
  /** `navigator.sendBeacon`; undefined where it does not exist. */
  readonly sendBeacon: ((url: string, body: string) => boolean) | undefined;
  /** Calls back whenever the page is hidden or left. Returns a function that unsubscribes. */
  onLeave(leave: () => void): () => void;
}

/** The part of Node's `process` that announces its end. */
export interface Exit {
  /** Calls back whenever the process has nothing left to do but exit. Returns a function that unsubscribes. */
  onBeforeExit(leave: () => void): () => void;
}

export interface Platform {
  readonly fetch: Fetch;
  /** The time of day, epoch milliseconds: for `at`. */
  nowMs(): number;
  /** Milliseconds since an arbitrary moment, for ages and waits. Never slower than real time, even across suspension. */
  steadyMs(): number;
  /** In [0, 1). */
  random(): number;
  /** A fresh id of at most 128 characters. */
  newId(): string;
  /**
   * Calls `run` after `delayMs`. Returns a function that cancels it.
   * @param holds whether it keeps the process alive (Node)
   */
  setTimer(run: () => void, delayMs: number, holds: boolean): () => void;
  /** Writes a warning to the console. */
  warn(message: string): void;
  /** The page, if the client runs in one. */
  readonly page: Page | undefined;
  /** The process, if the client runs in Node. */
  readonly exit: Exit | undefined;
}

/** Maximum delay of a platform timer: beyond it, timers fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

/** The real platform. Looks globals up when used, so that a page may replace its fetch later. */
export function platform(): Platform {
  const { process } = globalThis as unknown as { process?: NodeProcess };
  return {
    fetch: (url, init) => globalThis.fetch(url, init),
    nowMs: () => Date.now(),
    steadyMs: steadyClock(),
    random: () => Math.random(),
    newId,
    setTimer: (run, delayMs, holds) => {
      const timer: unknown = setTimeout(run, Math.min(delayMs, TIMER_MS_MAX));
      // Node's timers keep the process alive by default; a browser's are numbers.
      if (!holds) (timer as { unref?: () => void }).unref?.();
      return () => clearTimeout(timer as number);
    },
    warn: (message) => console.warn(message),
    page: pageOf(globalThis as unknown as PageGlobals),
    exit: exitOf(process),
  };
}

/**
 * A clock that is never slower than either of two: the time of day may be set back, and the monotonic clock stops on some
 * systems during sleep. An age that is too small could make a retry count twice; one that is too large only gives up
 * early.
 */
export function steadyClock(wallMs = () => Date.now(), monotonicMs = () => performance.now()): () => number {
  let steady = 0;
  let wall = wallMs();
  let monotonic = monotonicMs();
  return () => {
    const [wallNow, monotonicNow] = [wallMs(), monotonicMs()];
    steady += Math.max(0, wallNow - wall, monotonicNow - monotonic);
    wall = wallNow;
    monotonic = monotonicNow;
    return steady;
  };
}

/**
 * An alarm on the steady clock, that is set again and again.
 * @returns sets it, instead of for the time before; Infinity: for none
 */
export function alarmOf(platform: Platform, ring: () => void): (atMs: number) => void {
  let setAtMs = Infinity;
  let cancel = () => {};
  return (atMs) => {
    if (atMs === setAtMs) return;
    cancel();
    setAtMs = atMs;
    if (atMs === Infinity) return;
    const rings = () => {
      setAtMs = Infinity;
      ring();
    };
    // Timers may fire a fraction early.
    cancel = platform.setTimer(rings, Math.max(0, Math.ceil(atMs - platform.steadyMs())), false);
  };
}

/** A random UUID, even in pages not served over https, which lack `crypto.randomUUID`. */
function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  // Version 4, variant 1.
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

type Listening = Pick<EventTarget, 'addEventListener' | 'removeEventListener'>;
/** The parts of a page's global object in use. */
export interface PageGlobals extends Partial<Listening> {
  readonly document?: Listening & { readonly visibilityState: string };
  readonly navigator?: { sendBeacon?(url: string, body: string): boolean };
}

/** The page, if there is a document that can be hidden. */
export function pageOf(globals: PageGlobals): Page | undefined {
  const { document, navigator } = globals;
  if (document === undefined || typeof document.addEventListener !== 'function') return undefined;
  const sendBeacon = navigator?.sendBeacon?.bind(navigator);
  return {
    sendBeacon,
    onLeave: (leave) => {
      const hidden = () => {
        if (document.visibilityState === 'hidden') leave();
      };
      // Phones often report only that the page is hidden; Safari on the desktop reports only pagehide.
      document.addEventListener('visibilitychange', hidden);
      globals.addEventListener?.('pagehide', leave);
      return () => {
        document.removeEventListener('visibilitychange', hidden);
        globals.removeEventListener?.('pagehide', leave);
      };
    },
  };
}

interface NodeProcess {
  on?(event: 'beforeExit', listener: () => void): unknown;
  off?(event: 'beforeExit', listener: () => void): unknown;
}

function exitOf(process: NodeProcess | undefined): Exit | undefined {
  if (typeof process?.on !== 'function') return undefined;
  return {
    onBeforeExit: (leave) => {
      process.on?.('beforeExit', leave);
      return () => void process.off?.('beforeExit', leave);
    },
  };
}
