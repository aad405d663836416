// Reads the service's accounts, and waits until what was imported is counted.

import { ServiceError } from './errors.ts';
import { type HttpClient, RequestFailed } from './http-client.ts';

const accountNames = [
  'received',
  'duplicate',
  'rejected',
  'counted',
  'inFlight',
  'dead',
  'parked',
  'expired',
  'lost',
] as const;

/** The accounts of `GET /v1/status`; numbers of events. */
export type Accounts = Readonly<Record<(typeof accountNames)[number], number>>;

/** What `--wait` ends with. */
export interface Waited {
  /**
   * `counted`: everything received so far has been counted or has left the pipeline. `others-active`: the service
   * received more than this import sent, so that its figures alone do not prove it. `timed-out`: it took too long.
   */
  readonly end: 'counted' | 'others-active' | 'timed-out' | 'stopped';
  /** By how much each account has grown since before the import. */
  readonly grown: Accounts;
}

export interface WaitPorts {
  readonly client: HttpClient;
  now(): number;
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  readonly stop: AbortSignal;
}

export interface WaitSettings {
  /** The accounts before the first request, and how many events were accepted since. */
  readonly before: Accounts;
  readonly accepted: number;
  readonly pollMs: number;
  readonly timeoutMs: number | undefined;
}

/** The service's accounts now. Throws RequestFailed if it is not there now, ServiceError if it has none to give. */
export async function readAccounts(client: HttpClient, signal?: AbortSignal): Promise<Accounts> {
  const answer = await client.get('/v1/status', signal);
  if (answer.status === 429 || answer.status >= 500) {
    throw new RequestFailed(`GET /v1/status answers ${answer.status}`, true, undefined);
  }
  if (answer.status !== 200) throw new ServiceError(`GET /v1/status answers ${answer.status}`);
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch (error) {
    throw new ServiceError('GET /v1/status answers no JSON: is it Tally?', { cause: error });
  }
  const accounts: Partial<Record<keyof Accounts, number>> = {};
  for (const name of accountNames) {
    const value =
      typeof body === 'object' && body !== null ? (body as Record<string, unknown>)[name] : undefined;
    if (typeof value !== 'number') throw new ServiceError(`GET /v1/status gives no number for ${name}`);
    accounts[name] = value;
  }
  return accounts as Accounts;
}

/**
 * Waits until one answer says that the service has received at least as many events as it had before plus those it
 * accepted (a duplicate counts as received), that none is in flight, and no more are dead than before. Where other
 * producers are active nothing may ever be not in flight: then it waits until as many events are settled as were
 * received when the first condition began to hold, and says that this is no proof.
 */
export async function waitUntilCounted(settings: WaitSettings, ports: WaitPorts): Promise<Waited> {
  const { before, accepted, pollMs, timeoutMs } = settings;
  const startedAt = ports.now();
  let target: number | undefined;
  let last = before;
  for (;;) {
    const now = await accountsOrUndefined(ports);
    if (now) {
      last = now;
      const received = now.received - before.received;
      if (received >= accepted) {
        if (now.inFlight === 0 && now.dead <= before.dead)
          return { end: 'counted', grown: growth(before, now) };
        target ??= now.received;
        const settled = now.received - now.inFlight - Math.max(0, now.dead - before.dead);
        if (received > accepted && settled >= target)
          return { end: 'others-active', grown: growth(before, now) };
      }
    }
    if (ports.stop.aborted) return { end: 'stopped', grown: growth(before, last) };
    if (timeoutMs !== undefined && ports.now() - startedAt >= timeoutMs) {
      return { end: 'timed-out', grown: growth(before, last) };
    }
    await ports.sleep(pollMs, ports.stop);
  }
}

async function accountsOrUndefined(ports: WaitPorts): Promise<Accounts | undefined> {
  try {
    return await readAccounts(ports.client);
  } catch (error) {
    // The service may be restarting; what it has accepted is still to be counted.
    if (error instanceof RequestFailed || error instanceof ServiceError) return undefined;
    throw error;
  }
}

function growth(before: Accounts, now: Accounts): Accounts {
  const grown: Partial<Record<keyof Accounts, number>> = {};
  for (const name of accountNames) grown[name] = now[name] - before[name];
  return grown as Accounts;
}
