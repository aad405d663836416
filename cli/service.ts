// The service that a command uses: its options, whether it is Tally, which one, and whether it has counted what it accepted.
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type StatusAccounts, TallyClient, TallyError } from '../client/src/index.ts';
import { METRIC_RULE } from '../formats/select.ts';
import { isMetric } from '../lambdas/core/event.ts';
import { CommandError, messageOf, systemCode, UsageError } from './shared/errors.ts';

/** What `addServiceOptions` adds. */
export interface ServiceFlags {
  readonly url?: string;
  readonly apiKey?: string;
  readonly metric: string;
}

/** Adds the options that say which service. */
export function addServiceOptions(command: Command): Command {
  return command
    .optionsGroup('Which service:')
    .option('--url <url>', 'its address, such as http://127.0.0.1:8787')
    .addOption(new Option('--api-key <key>', 'sent as x-api-key').env('TALLY_API_KEY'))
    .option('--metric <name>', 'metric to count under', metricName, 'view');
}

function metricName(text: string): string {
  if (isMetric(text)) return text;
  throw new InvalidArgumentError(`${METRIC_RULE}.`);
}

/** The settings of a client. @throws UsageError if the address is missing */
export function serviceOptions({
  url,
  apiKey,
  timeout,
  concurrency,
}: ServiceFlags & { readonly timeout: number; readonly concurrency: number }) {
  if (url === undefined) throw new UsageError('--url is missing: give the address of a running Tally');
  return { url: url.replace(/\/+$/, ''), apiKey, timeoutMs: timeout * 1000, concurrency };
}

type ServiceOptions = ReturnType<typeof serviceOptions>;

/** A service that has answered. */
export interface Service {
  readonly client: TallyClient;
  /** Its identity, independent of its address. */
  readonly id: string;
  /** Its accounts at the first request. */
  readonly before: StatusAccounts;
  /** Upper bound of how far its clock is ahead of ours. */
  readonly aheadMs: number;
}

/** Errors that only another address can fix: TLS to a plain port, plain HTTP to a TLS port, a certificate for another name. */
const HOPELESS =
  /^(?:EPROTO|ERR_SSL_|ERR_TLS_|HPE_|UND_ERR_SOCKET_OTHER|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_)/;
const POLL_MS = 500;
const BACKOFF_MAX_MS = 15_000;

/** @throws UsageError for an invalid address or option */
export function clientFor(options: ServiceOptions): TallyClient {
  try {
    return new TallyClient(options);
  } catch (cause) {
    throw new UsageError(messageOf(cause).replace('"url"', '--url'), { cause });
  }
}

/**
 * Asks a service for its identity, retrying until it answers. Says on standard error that it waits.
 * @returns undefined if stopped
 * @throws CommandError if the server is not Tally, or will never answer
 */
export async function connect(
  options: ServiceOptions,
  stop: AbortSignal,
  giveUpAfterMs = Infinity,
): Promise<Service | undefined> {
  const client = clientFor(options);
  const startedAt = Date.now();
  for (let attempt = 1; !stop.aborted; attempt += 1) {
    try {
      const status = await client.status({ signal: stop });
      if (typeof status.received !== 'number')
        throw new CommandError(`${options.url} is not Tally: its status has no "received"`);
      // An older Tally does not report it.
      const { service }: Partial<typeof status> = status;
      const id = service === undefined ? options.url : `${service.stack}/${service.id}`;
      return { client, id, before: status, aheadMs: await clockAhead(options) };
    } catch (error) {
      if (stop.aborted) break;
      const late = Date.now() - startedAt >= giveUpAfterMs;
      if (!(error instanceof TallyError)) throw error;
      if (late || isHopeless(error))
        throw new CommandError(`${options.url} cannot be used: ${error.message}`, { cause: error });
      if (attempt === 3) console.error(`the service does not answer yet, trying again: ${error.message}`);
      const waitMs = Math.min(BACKOFF_MAX_MS, 250 * 2 ** Math.min(attempt, 10));
      await delay(waitMs, undefined, { signal: stop }).catch(() => {});
    }
  }
  return undefined;
}

function isHopeless(error: TallyError): boolean {
  const { status } = error;
  if (status === undefined) return HOPELESS.test(systemCode(error) ?? '');
  return (status < 500 && status !== 408 && status !== 429) || status === 501 || status === 505;
}

async function clockAhead({ url, apiKey, timeoutMs }: ServiceOptions): Promise<number> {
  const headers = apiKey === undefined ? {} : { 'x-api-key': apiKey };
  const answer = await fetch(`${url}/v1/status`, { headers, signal: AbortSignal.timeout(timeoutMs) }).catch(
    () => undefined,
  );
  await answer?.body?.cancel();
  const date = Date.parse(answer?.headers.get('date') ?? '');
  // The header has a resolution of one second.
  return Number.isNaN(date) ? 1000 : Math.max(0, date + 1000 - Date.now());
}

/** The result of waiting, and how much each account has grown since the import began. */
export interface Waited {
  readonly end: 'counted' | 'timed-out' | 'stopped';
  readonly grown: Readonly<Record<(typeof ACCOUNTS)[number], number>>;
  /** What the accounts, or `completeThrough`, still lack. */
  readonly missing: string | undefined;
}

export interface WaitSettings {
  /** Events accepted since `service.before`, and when the last one was (epoch ms, on our clock). */
  readonly accepted: number;
  readonly acceptedAt: number;
  readonly metric: string;
  /** Infinity: waits for ever. */
  readonly timeoutMs: number;
  readonly stop: AbortSignal;
}

const ACCOUNTS = [
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

/**
 * Waits until everything accepted is counted. Either the accounts have grown by exactly what was accepted, except duplicates, and
 * nothing is unread, in flight or dead; or everything that arrived up to the last acceptance is complete. Duplicates prove nothing.
 */
export async function waitUntilCounted(service: Service, settings: WaitSettings): Promise<Waited> {
  const { accepted, acceptedAt, metric, timeoutMs, stop } = settings;
  const until = Date.now() + timeoutMs;
  const lastArrivalMs = acceptedAt + service.aheadMs;
  let grown = grownSince(service.before, service.before);
  for (;;) {
    const now = await service.client.status({ signal: stop }).catch(() => undefined);
    if (now) grown = grownSince(service.before, now);
    const fresh = grown.received - grown.duplicate;
    const settled = now?.unread === 0 && now.inFlight === 0 && grown.dead <= 0 && grown.parked <= 0;
    if (now && ((settled && fresh === accepted) || (await isComplete(service, metric, lastArrivalMs)))) {
      return { end: 'counted', grown, missing: undefined };
    }
    const missing =
      fresh < accepted
        ? `${accepted - fresh} of ${accepted} accepted events are not counted yet`
        : `${now?.unread ?? 'unknown'} events are unread, ${now?.inFlight ?? 'unknown'} in flight, ${grown.dead} more are dead and ${grown.parked} parked`;
    if (stop.aborted) return { end: 'stopped', grown, missing };
    if (Date.now() >= until) return { end: 'timed-out', grown, missing };
    await delay(POLL_MS, undefined, { signal: stop }).catch(() => {});
  }
}

async function isComplete({ client }: Service, metric: string, lastArrivalMs: number): Promise<boolean> {
  const answer = await client.counts(metric, '-', { by: 'total' }).catch(() => undefined);
  return answer?.completeThrough != null && Date.parse(answer.completeThrough) > lastArrivalMs;
}

function grownSince(before: StatusAccounts, now: StatusAccounts): Waited['grown'] {
  const grown = ACCOUNTS.map((name) => [name, Number(now[name]) - Number(before[name])]);
  return Object.fromEntries(grown) as Waited['grown'];
}
