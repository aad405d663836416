// The client's options, their defaults, and what they may be together.
import type { Backoff } from './backoff.ts';
import type { Listeners } from './books.ts';
import type { Surroundings } from './surroundings.ts';

/** What becomes of an event when the buffer is full. `wait`: `count()` resolves when there is room. */
export type WhenFull = 'drop-newest' | 'drop-oldest' | 'wait';

/** Options of a client. Everything but the address may be left out. */
export interface TallyOptions extends Listeners {
  /** The service's address, without `/v1`: `https://tally.example.com`. */
  readonly url: string;
  /** Sent as `x-api-key`. */
  readonly apiKey?: string | undefined;
  /** Most events of a request, 1 to 500; 100 by default. So many waiting events are sent at once. */
  readonly batchEvents?: number;
  /** Most bytes of a request's body; 256 KiB by default. */
  readonly batchBytes?: number;
  /** How long an event waits for others before it is sent; 1 s by default. */
  readonly batchDelayMs?: number;
  /** Most events that are not settled yet, those on their way included; 10,000 by default. */
  readonly bufferEvents?: number;
  /** Most bytes of them; 8 MiB by default. */
  readonly bufferBytes?: number;
  /** `drop-newest` by default. */
  readonly whenFull?: WhenFull;
  /** Most requests at a time; 2 by default. */
  readonly concurrency?: number;
  /** How long a request may take; 30 s by default. */
  readonly timeoutMs?: number;
  /** Waits between attempts: doubling from `baseMs` (200) to `capMs` (30,000), a random share of each. */
  readonly backoff?: Backoff;
  /** For how long after it may first have been stored an event is sent again; 8 minutes by default. See `dedupWindowMs`. */
  readonly giveUpAfterMs?: number;
  /** For how long the service recognises an id, by arrival: its setting `dedupWindowSeconds`; 10 minutes by default. */
  readonly dedupWindowMs?: number;
  /** How long the last flush may take when the process ends (Node); 5 s by default. */
  readonly exitDeadlineMs?: number;
  /** Whether events without `at` get the time of `count()` (the default), or leave it to their arrival. */
  readonly stampTime?: boolean;
  /**
   * Whether events are sent in packs (the default) where there is no page and the platform has MD5 (Node from 20.16, Deno,
   * Bun): several become one record of the stream.
   */
  readonly packed?: boolean;
  /** For tests: what stands in for the platform. */
  readonly surroundings?: Partial<Surroundings>;
}

/** Options with their defaults filled in. */
export interface Settings {
  readonly url: string;
  readonly apiKey: string | undefined;
  readonly batchEvents: number;
  readonly batchBytes: number;
  readonly batchDelayMs: number;
  readonly bufferEvents: number;
  readonly bufferBytes: number;
  readonly whenFull: WhenFull;
  readonly concurrency: number;
  readonly timeoutMs: number;
  readonly backoff: Backoff;
  readonly giveUpAfterMs: number;
  readonly exitDeadlineMs: number;
  readonly stampTime: boolean;
  readonly packed: boolean;
}

/** The API takes no more events in one request. */
const EVENTS_MAX = 500;
/** Kinesis takes 5 MB in one call; base64 and keys come on top of the events. */
const BYTES_MAX = 2 ** 21;
/** Room for the largest event there can be, and then some. */
const BYTES_MIN = 2 ** 14;
/** A request that the client has broken off may still arrive: API Gateway itself gives one 29 seconds. */
export const TRANSIT_MS = 30_000;

const POLICIES: readonly string[] = ['drop-newest', 'drop-oldest', 'wait'] satisfies WhenFull[];

/** Fills in the defaults. @throws RangeError naming the option that can not be so */
export function settingsOf(options: TallyOptions): Settings {
  const {
    backoff = { baseMs: 200, capMs: 30_000 },
    whenFull = 'drop-newest',
    dedupWindowMs = 600_000,
  } = options;
  const timeoutMs = within('timeoutMs', options.timeoutMs ?? 30_000, 1, 600_000);
  const latestMs = dedupWindowMs - timeoutMs - TRANSIT_MS;
  const giveUpAfterMs = options.giveUpAfterMs ?? Math.max(0, Math.min(480_000, latestMs));
  const settings: Settings = {
    url: addressOf(options.url),
    apiKey: options.apiKey,
    batchEvents: within('batchEvents', options.batchEvents ?? 100, 1, EVENTS_MAX),
    batchBytes: within('batchBytes', options.batchBytes ?? 2 ** 18, BYTES_MIN, BYTES_MAX),
    batchDelayMs: within('batchDelayMs', options.batchDelayMs ?? 1_000, 0, 3_600_000),
    bufferEvents: within('bufferEvents', options.bufferEvents ?? 10_000, 1, 10_000_000),
    bufferBytes: within('bufferBytes', options.bufferBytes ?? 2 ** 23, BYTES_MIN, 2 ** 32),
    whenFull,
    concurrency: within('concurrency', options.concurrency ?? 2, 1, 64),
    timeoutMs,
    backoff,
    giveUpAfterMs: within('giveUpAfterMs', giveUpAfterMs, 0, Number.MAX_SAFE_INTEGER),
    exitDeadlineMs: within('exitDeadlineMs', options.exitDeadlineMs ?? 5_000, 0, 3_600_000),
    stampTime: options.stampTime ?? true,
    packed: options.packed ?? true,
  };
  within('backoff.baseMs', backoff.baseMs, 1, 600_000);
  within('backoff.capMs', backoff.capMs, backoff.baseMs, 600_000);
  if (!POLICIES.includes(whenFull)) throw new RangeError(`"whenFull" must be one of ${POLICIES.join(', ')}`);
  if (giveUpAfterMs > latestMs) {
    throw new RangeError(
      `"giveUpAfterMs" must be at most ${latestMs}: "dedupWindowMs" less "timeoutMs" and 30 s on the way, or a late retry would count twice`,
    );
  }
  return settings;
}

function within(name: string, value: number, min: number, max: number): number {
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new RangeError(`"${name}" must be an integer from ${min} to ${max}`);
}

function addressOf(text: string): string {
  const problem = `"url" must be the address of Tally, as https://tally.example.com, not ${text}`;
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new RangeError(problem, { cause });
  }
  const plain = /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  if (!plain) throw new RangeError(problem);
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
