// Typed reads. One more route is one more method of `Reads`.
import { InvalidEventError, isEntity, isMetric } from './event.ts';
import { exactJson } from './exact-json.ts';
import { type Http, type HttpRequest, TallyError } from './http.ts';

/** A count: a number as long as that is exact, up to 2^53; a bigint beyond. `Number(count)` rounds, `BigInt(count)` never does. */
export type Count = number | bigint;

/** The grains of an answer. */
export type Grain = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'total';

/** Which counts: `from` is included, `to` is not; whole minutes. What is left out is Tally's default. */
export interface CountsQuestion {
  readonly from?: Date | number | string | undefined;
  readonly to?: Date | number | string | undefined;
  /** `total` by default. */
  readonly by?: Grain | undefined;
  /** Whose hours, days, weeks and months, such as `Europe/Berlin`; UTC by default. */
  readonly tz?: string | undefined;
  /** Whether points without events are given as 0. */
  readonly fill?: 'zero' | undefined;
  /** Whether each point has the sum from the start up to its end, too. */
  readonly cumulative?: true | undefined;
  /** The stretch directly before as well: as long, or as many days or months. */
  readonly compare?: 'previous' | undefined;
  /** How many points a page has room for, with events or without. */
  readonly limit?: number | undefined;
  /** The token of a next page, from the answer before: everything else is left out then. */
  readonly next?: string | undefined;
}

/** One question of a batch. */
export interface CountsBatchQuestion extends CountsQuestion {
  readonly metric: string;
  readonly entity: string;
}

/** One point of an answer. */
export interface CountPoint {
  /** The start of the minute, hour, day or month, ISO 8601, with the offset of the zone. */
  readonly at: string;
  readonly n: Count;
  /** `final` when no event can be accepted any more that would change it. */
  readonly state: 'provisional' | 'final';
  /** Of cumulative answers: this and all points before, from the start of the first page. */
  readonly sum?: Count;
}

/** How much there was in a stretch of time. */
export interface CountsOfStretch {
  /** The grain of the points: coarser than asked for, where that is not kept any more. */
  readonly grain: Grain;
  /** Whose days and months they are. */
  readonly tz: string;
  readonly from: string;
  readonly to: string;
  readonly total: Count;
  /** Every event that arrived before this time is in the counts; null as long as nothing can be said. */
  readonly completeThrough: string | null;
  /** Why the answer is not the one asked for. */
  readonly note?: string;
  /** By time; none for `total`. */
  readonly points: readonly CountPoint[];
}

/** The periods of top lists. */
export type TopGrain = 'hour' | 'day' | 'month' | 'total';

/** Which top. What is left out is Tally's default. */
export interface TopQuestion {
  /** `day` by default. */
  readonly by?: TopGrain | undefined;
  /** Any instant of the period (UTC); the last closed one by default. */
  readonly at?: Date | number | string | undefined;
  /** How many entities, 1 to 100; 10 by default. */
  readonly k?: number | undefined;
}

/** The answer of `GET /v1/top/{metric}`. */
export interface TopAnswer {
  readonly metric: string;
  readonly by: TopGrain;
  readonly from: string;
  readonly to: string;
  /** Every event that arrived before this time is in the counts; null as long as nothing can be said. */
  readonly completeThrough: string | null;
  /** `final` when no event can be accepted any more that would change the answer. */
  readonly state: 'provisional' | 'final';
  /** Why the answer is not all that was asked for. */
  readonly note?: string;
  /** By count downwards, equal counts by entity upwards. */
  readonly entries: readonly { readonly entity: string; readonly n: Count }[];
}

/** The answer of `GET /v1/counts/{metric}/{entity}`. */
export interface CountsAnswer extends CountsOfStretch {
  readonly metric: string;
  readonly entity: string;
  readonly by: Grain;
  /** The stretch before, where it was asked for. */
  readonly previous?: CountsOfStretch;
  /** The token of the next page; none on the last. This answer is about its own `from` to `to`. */
  readonly next?: string;
}

/** What a batch says to one question. */
export type CountsBatchAnswer = CountsAnswer | { readonly error: string };

/** Where the received events are: `received` is the sum of the others, `rejectedByReason` aside. */
export interface StatusAccounts {
  readonly received: number;
  readonly duplicate: number;
  readonly rejected: number;
  readonly rejectedByReason: Readonly<Record<string, number>>;
  readonly counted: number;
  readonly inFlight: number;
  readonly dead: number;
  readonly parked: number;
  readonly expired: number;
  readonly lost: number;
}

/** One hour of arrival, with its accounts. */
export interface StatusHour extends Omit<StatusAccounts, 'rejectedByReason'> {
  /** `2026-11-22T05`, in UTC. */
  readonly hour: string;
}

/** The answer of `GET /v1/status`. */
export interface StatusAnswer extends StatusAccounts {
  /** What the front door accepted: `unread` and `received`. Null, as `unread` is, when the stream could not be read. */
  readonly accepted: number | null;
  /** Events in the stream that are not received yet. */
  readonly unread: number | null;
  /** When the oldest of them arrived, and the oldest of those in flight. */
  readonly unreadSince: string | null;
  readonly inFlightSince: string | null;
  /** Whether `accepted` and `unread` are lower bounds. */
  readonly unreadMore: boolean;
  readonly hours: readonly StatusHour[];
  /** Which service it is, whatever the address it is reached at. */
  readonly service: { readonly stack: string; readonly id: string; readonly generation: string };
  readonly shards: readonly (StatusAccounts & {
    readonly shard: string;
    readonly segment: number;
    readonly status: string;
  })[];
}

/** How a read may be broken off. */
export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** What can be asked. All reject with TallyError for an answer other than 200, and for none. */
export class Reads {
  readonly #http: Http;

  /** @internal */
  constructor(http: Http) {
    this.#http = http;
  }

  /** How often it happened. */
  async counts(
    metric: string,
    entity: string,
    { from, to, ...rest }: CountsQuestion = {},
    options?: ReadOptions,
  ): Promise<CountsAnswer> {
    const search = searchFor({ from: instant(from), to: instant(to), ...rest });
    return this.#read({ method: 'GET', path: `/v1/counts/${namesIn(metric, entity)}${search}` }, options);
  }

  /** Which entities had most in an hour, day or month. */
  async top(metric: string, { by, at, k }: TopQuestion = {}, options?: ReadOptions): Promise<TopAnswer> {
    const search = searchFor({ by, at: instant(at), k });
    return this.#read({ method: 'GET', path: `/v1/top/${metricIn(metric)}${search}` }, options);
  }

  /** Asks up to 100 questions at once, all as of one moment. @returns an answer or an error for each, in their order */
  async countsBatch(
    questions: readonly CountsBatchQuestion[],
    options?: ReadOptions,
  ): Promise<readonly CountsBatchAnswer[]> {
    const queries = questions.map(({ from, to, ...rest }) => ({
      from: instant(from),
      to: instant(to),
      ...rest,
    }));
    const request = { method: 'POST', path: '/v1/counts:batch', body: JSON.stringify({ queries }) } as const;
    const { answers } = await this.#read<{ readonly answers: readonly CountsBatchAnswer[] }>(
      request,
      options,
    );
    return answers;
  }

  /** Which metrics there are, in order. A new one is listed some minutes after its first event. */
  async metrics(options?: ReadOptions): Promise<readonly string[]> {
    const answer = await this.#read<{ readonly metrics: readonly string[] }>(
      { method: 'GET', path: '/v1/metrics' },
      options,
    );
    return answer.metrics;
  }

  /** Where every event is that Tally has accepted. */
  async status(options?: ReadOptions): Promise<StatusAnswer> {
    return this.#read({ method: 'GET', path: '/v1/status' }, options);
  }

  /** The answer is as Tally documents it: its shape is not checked here. */
  async #read<Answer>(request: HttpRequest, { signal }: ReadOptions = {}): Promise<Answer> {
    const { status, retryAfterMs, body: text } = await this.#http.request({ ...request, signal });
    const body = jsonIn(text);
    if (status === 200 && body !== undefined) return body as Answer;
    const said = (body as { readonly message?: unknown } | null | undefined)?.message;
    const message = typeof said === 'string' ? said : 'the answer is no JSON: is it Tally?';
    const place = `${request.method} ${request.path.split('?')[0]}`;
    throw new TallyError(`${place}: ${status} ${message}`, { status, retryAfterMs });
  }
}

function metricIn(metric: string): string {
  // fetch takes a path apart before it sends it, and these two are steps in it, however they are encoded.
  if (!isMetric(metric) || metric === '.' || metric === '..') {
    throw new InvalidEventError('metric', '1 to 64 of A-Z a-z 0-9 _ . -, and neither . nor ..');
  }
  return encodeURIComponent(metric);
}

function namesIn(metric: string, entity: string): string {
  if (!isEntity(entity) || entity === '.' || entity === '..') {
    throw new InvalidEventError(
      'entity',
      '1 to 512 characters, none a control character, and neither . nor ..',
    );
  }
  return `${metricIn(metric)}/${encodeURIComponent(entity)}`;
}

function searchFor(parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

function instant(at: Date | number | string | undefined): string | undefined {
  return at instanceof Date ? at.toISOString() : at?.toString();
}

function jsonIn(text: string): unknown {
  try {
    return exactJson(text);
  } catch {
    return undefined;
  }
}
