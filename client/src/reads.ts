// Typed reads. Each route is a method of `Reads`.
import { checkEntity, checkMetric, InvalidEventError } from './event.ts';
import { type Http, TallyError } from './http.ts';
import { jsonIn } from './json.ts';

/** A count: a number while it is exact, up to 2^53; a bigint beyond. `Number(count)` rounds, `BigInt(count)` never does. */
export type Count = number | bigint;

/** The grains of an answer. */
export type Grain = 'minute' | 'hour' | 'day' | 'week' | 'month' | 'total';

/** A count query: `from` is included, `to` is not; whole minutes. Omitted fields have Tally's defaults. */
export interface CountsQuestion {
  readonly from?: Date | number | string | undefined;
  readonly to?: Date | number | string | undefined;
  /** `total` by default. */
  readonly by?: Grain | undefined;
  /** The time zone of hours, days, weeks and months, such as `Europe/Berlin`; UTC by default. */
  readonly tz?: string | undefined;
  /** Whether to include points without events as 0. */
  readonly fill?: 'zero' | undefined;
  /** Whether to add to each point the sum from the start through its end. */
  readonly cumulative?: true | undefined;
  /** Adds the preceding range: as long, or as many days or months. */
  readonly compare?: 'previous' | undefined;
  /** Maximum points in a page, with or without events. */
  readonly limit?: number | undefined;
  /** The next page's token, from the previous answer; omit everything else. */
  readonly next?: string | undefined;
}

/** One query of a batch. */
export interface CountsBatchQuestion extends CountsQuestion {
  readonly metric: string;
  readonly entity: string;
}

/** One point of an answer. */
export interface CountPoint {
  /** The start of the minute, hour, day or month, ISO 8601, with the offset of the zone. */
  readonly at: string;
  readonly n: Count;
  /** `final` when no event that would change it can be accepted any more. */
  readonly state: 'provisional' | 'final';
  /** In cumulative answers: the sum of all points from the start of the first page through this one. */
  readonly sum?: Count;
}

/** The counts of a time range. */
export interface CountsOfStretch {
  /** The grain of the points: coarser than requested where that is no longer retained. */
  readonly grain: Grain;
  /** The time zone of days and months. */
  readonly tz: string;
  readonly from: string;
  readonly to: string;
  readonly total: Count;
  /** Every event that arrived before this time is counted; null while unknown. In a final answer it is `to`. */
  readonly completeThrough: string | null;
  /** Why the answer differs from the request. */
  readonly note?: string;
  /** In time order; none for `total`. */
  readonly points: readonly CountPoint[];
}

/** The periods of top lists. */
export type TopGrain = 'hour' | 'day' | 'month' | 'total';

/** A top list query. Omitted fields have Tally's defaults. */
export interface TopQuestion {
  /** `day` by default. */
  readonly by?: TopGrain | undefined;
  /** Any instant of the period (UTC); the current period by default. */
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
  /** Every event that arrived before this time is counted; null while unknown. In a final answer it is `to`. */
  readonly completeThrough: string | null;
  /** `final` when no event that would change the answer can be accepted any more. */
  readonly state: 'provisional' | 'final';
  /** Why the answer is incomplete. */
  readonly note?: string;
  /** By count descending, then by entity ascending. */
  readonly entries: readonly { readonly entity: string; readonly n: Count }[];
}

/** The answer of `GET /v1/counts/{metric}/{entity}`. */
export interface CountsAnswer extends CountsOfStretch {
  readonly metric: string;
  readonly entity: string;
  readonly by: Grain;
  /** The preceding range, if requested. */
  readonly previous?: CountsOfStretch;
  /** The next page's token; none on the last. This answer covers its own `from` to `to`. */
  readonly next?: string;
}

/** A batch's answer to one query. */
export type CountsBatchAnswer = CountsAnswer | { readonly error: string };

/** Where the received events are: `received` is the sum of the others, except `rejectedByReason`. */
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

/** The accounts of one hour of arrival. */
export interface StatusHour extends Omit<StatusAccounts, 'rejectedByReason'> {
  /** `2026-11-22T05`, in UTC. */
  readonly hour: string;
}

/** The answer of `GET /v1/status`. */
export interface StatusAnswer extends StatusAccounts {
  /** What the front door accepted: the sum of `unread` and `received`. Null, like `unread`, when the stream could not be read. */
  readonly accepted: number | null;
  /** Events in the stream that are not received yet. */
  readonly unread: number | null;
  /** When the oldest unread event arrived, and the oldest in flight. */
  readonly unreadSince: string | null;
  readonly inFlightSince: string | null;
  /** Whether `accepted` and `unread` are lower bounds. */
  readonly unreadMore: boolean;
  readonly hours: readonly StatusHour[];
  /** The identity of the service, independent of its address. */
  readonly service: { readonly stack: string; readonly id: string; readonly generation: string };
  readonly shards: readonly (StatusAccounts & {
    readonly shard: string;
    readonly segment: number;
    readonly status: string;
  })[];
}

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
}

/** The reads. All reject with TallyError for any answer other than 200, and for none. */
export class Reads {
  readonly #http: Http;

  /** @internal */
  constructor(http: Http) {
    this.#http = http;
  }

  /** The counts of an entity. */
  async counts(metric: string, entity: string, question: CountsQuestion = {}, options?: ReadOptions) {
    checkMetric(metric);
    checkEntity(entity);
    const path = `/v1/counts/${segment('metric', metric)}/${segment('entity', entity)}`;
    return this.#read<CountsAnswer>(`${path}${searchFor(question)}`, options);
  }

  /** The leading entities of an hour, day or month. */
  async top(metric: string, { by, at, k }: TopQuestion = {}, options?: ReadOptions): Promise<TopAnswer> {
    checkMetric(metric);
    return this.#read(`/v1/top/${segment('metric', metric)}${searchFor({ by, at, k })}`, options);
  }

  /** Runs up to 100 queries at once, on one snapshot. @returns an answer or an error for each, in order */
  async countsBatch(questions: readonly CountsBatchQuestion[], options?: ReadOptions) {
    const queries = questions.map((each) => ({ ...each, from: textOf(each.from), to: textOf(each.to) }));
    const body = JSON.stringify({ queries });
    type Answers = { readonly answers: readonly CountsBatchAnswer[] };
    return (await this.#read<Answers>('/v1/counts:batch', options, body)).answers;
  }

  /** All metrics, sorted. A new one is listed some minutes after its first event. */
  async metrics(options?: ReadOptions): Promise<readonly string[]> {
    const { metrics } = await this.#read<{ metrics: string[] }>('/v1/metrics', options);
    return metrics;
  }

  /** Where every accepted event is. */
  async status(options?: ReadOptions): Promise<StatusAnswer> {
    return this.#read('/v1/status', options);
  }

  /** The answer as documented: its shape is not checked here. */
  async #read<Answer>(path: string, { signal }: ReadOptions = {}, sent?: string): Promise<Answer> {
    const { status, retryAfterMs, body: text } = await this.#http({ path, body: sent, signal });
    const body = jsonIn(text);
    if (status === 200 && body !== undefined) return body as Answer;
    const said = (body as { readonly message?: unknown } | null | undefined)?.message;
    const message = typeof said === 'string' ? said : 'the answer is not JSON: is it Tally?';
    const place = `${sent === undefined ? 'GET' : 'POST'} ${path.split('?')[0]}`;
    throw new TallyError(`${place}: ${status} ${message}`, { status, retryAfterMs });
  }
}

/** A valid name as a segment of a path. */
function segment(field: 'metric' | 'entity', name: string): string {
  // fetch resolves these two as relative steps in a path, however they are encoded.
  if (name === '.' || name === '..') throw new InvalidEventError(field, 'neither . nor ..');
  return encodeURIComponent(name);
}

function searchFor(question: CountsQuestion | TopQuestion): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(question)) {
    const text = textOf(value);
    if (text !== undefined) given.set(name, text);
  }
  return given.toString() && `?${given}`;
}

function textOf(value: Date | string | number | boolean | undefined): string | undefined {
  return value instanceof Date ? value.toISOString() : value?.toString();
}
