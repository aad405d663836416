// The client's options, their defaults and limits.
import type { Backoff } from './backoff.ts';
import { BATCH_EVENTS_MAX } from './batch.ts';
import type { Platform } from './platform.ts';
import type { Listeners } from './stats.ts';

/** What to do with an event when the buffer is full. `wait`: `count()` resolves when there is room. */
export type WhenFull = (typeof POLICIES)[number];

const POLICIES = ['drop-newest', 'drop-oldest', 'wait'] as const;

/** Options of a client. Only the address is required. */
export interface TallyOptions extends Listeners {
  /** The service's address, without `/v1`: `https://tally.example.com`. */
  readonly url: string;
  /** Sent as `x-api-key`. */
  readonly apiKey?: string | undefined;
  /** Maximum events of a batch, 1 to 500; 100 by default. When this many are waiting, they are sent at once. */
  readonly batchEvents?: number;
  /** Maximum bytes of a batch; 256 KiB by default, 16 KiB in a page, because browsers limit beacons. */
  readonly batchBytes?: number;
  /** How long an event waits for others before it is sent; 1 s by default. */
  readonly batchDelayMs?: number;
  /** Maximum number of unsettled events, including those in flight; 10,000 by default. */
  readonly bufferEvents?: number;
  /** Maximum bytes of unsettled events; 8 MiB by default. */
  readonly bufferBytes?: number;
  /** `drop-newest` by default. */
  readonly whenFull?: WhenFull;
  /** Maximum concurrent requests; 2 by default. */
  readonly concurrency?: number;
  /** Timeout of a request; 30 s by default. */
  readonly timeoutMs?: number;
  /** Waits between attempts: doubling from `baseMs` (200) to `capMs` (30,000), a random share of each. */
  readonly backoff?: Backoff;
  /** How long to resend an event after it may first have been stored; 50 minutes by default. See `dedupWindowMs`. */
  readonly giveUpAfterMs?: number;
  /** How long the service recognises a batch, by arrival: its setting `dedupWindowSeconds`; 1 hour by default. */
  readonly dedupWindowMs?: number;
  /** Time limit of the last flush when the process ends (Node); 5 s by default. */
  readonly exitDeadlineMs?: number;
  /** Whether events without `at` get the time of `count()` (the default) or of their arrival. */
  readonly stampTime?: boolean;
  /** Replaces parts of the platform, for tests. */
  readonly platform?: Partial<Platform>;
}

/** Options with defaults applied. */
export type Settings = Required<
  Omit<TallyOptions, keyof Listeners | 'apiKey' | 'dedupWindowMs' | 'platform'>
> & { readonly apiKey: string | undefined };

/** A record of the stream holds 1 MiB, and API Gateway may escape characters that you sent unescaped. */
const BATCH_BYTES_MAX = 2 ** 19;
/** Room for the largest possible event, and more. */
const BYTES_MIN = 2 ** 14;
/** A request that the client has aborted may still arrive: API Gateway itself allows 29 seconds. */
const TRANSIT_MS = 30_000;

/** Applies the defaults. @throws RangeError naming the invalid option, and its allowed values */
export function settingsOf(options: TallyOptions, inPage = false): Settings {
  const batchBytes = inPage ? 2 ** 14 : 2 ** 18;
  const { backoff = { baseMs: 200, capMs: 30_000 }, dedupWindowMs = 3_600_000 } = options;
  const whenFull = options.whenFull ?? 'drop-newest';
  const timeoutMs = within('timeoutMs', options.timeoutMs ?? 30_000, 1, 600_000);
  const latestMs = dedupWindowMs - timeoutMs - TRANSIT_MS;
  const giveUpAfterMs = options.giveUpAfterMs ?? Math.max(0, Math.min(3_000_000, latestMs));
  const settings: Settings = {
    url: addressOf(options.url),
    apiKey: options.apiKey,
    batchEvents: within('batchEvents', options.batchEvents ?? 100, 1, BATCH_EVENTS_MAX),
    batchBytes: within('batchBytes', options.batchBytes ?? batchBytes, BYTES_MIN, BATCH_BYTES_MAX),
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

function addressOf(text: string | undefined): string {
  const example = 'https://tally.example.com';
  if (text === undefined) throw new RangeError(`"url" is missing: new TallyClient({ url: '${example}' })`);
  const url = parsed(text);
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.search === '' && url.hash === '';
  if (!isPlain) throw new RangeError(`"url" must be the address of Tally, as ${example}, not ${text}`);
  const address = `${url.origin}${url.pathname}`.replace(/\/+$/, '');
  if (/\/v1$/.test(address))
    throw new RangeError(`"url" must be the address of Tally without /v1: ${address.slice(0, -3)}`);
  return address;
}

function parsed(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
