// Typed reads. One more route is one more entry in `Reads` and a line below.
import { InvalidEventError, isEntity, isMetric } from './event.ts';
import { type Http, TallyError } from './http.ts';

/** The grains of an answer. */
export type Grain = 'minute' | 'hour' | 'day' | 'month' | 'total';

/** Which counts: `from` is included, `to` is not; whole minutes. What is left out is Tally's default. */
export interface CountsQuestion {
  readonly from?: Date | number | string | undefined;
  readonly to?: Date | number | string | undefined;
  /** `total` by default. */
  readonly by?: Grain | undefined;
  /** Whether points without events are given as 0. */
  readonly fill?: 'zero' | undefined;
}

/** One point of an answer. */
export interface CountPoint {
  /** The start of the minute, hour, day or month, ISO 8601. */
  readonly at: string;
  readonly n: number;
  /** `final` when no event can be accepted any more that would change it. */
  readonly state: 'provisional' | 'final';
}

/** The answer of `GET /v1/counts/{metric}/{entity}`. Sums beyond 2^53 lose their last digits in JavaScript's numbers. */
export interface CountsAnswer {
  readonly metric: string;
  readonly entity: string;
  readonly by: Grain;
  /** The grain of the points: coarser than asked for where the finer one is not kept any more; then `note` says so. */
  readonly grain: Grain;
  readonly note?: string;
  readonly from: string;
  readonly to: string;
  readonly total: number;
  /** Every event that arrived before this time is in the counts; null as long as nothing can be said. */
  readonly completeThrough: string | null;
  /** By time; none for `total`. */
  readonly points: readonly CountPoint[];
}

/** The periods of top lists. */
export type TopGrain = 'hour' | 'day' | 'month';

/** Which top. What is left out is Tally's default. */
export interface TopQuestion {
  /** `day` by default. */
  readonly by?: TopGrain | undefined;
  /** Any instant of the period (UTC); the last closed one by default. */
  readonly at?: Date | number | string | undefined;
  /** How many entities, 1 to 100; 10 by default. */
  readonly k?: number | undefined;
}

/** The answer of `GET /v1/top/{metric}`. Sums beyond 2^53 lose their last digits in JavaScript's numbers. */
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
  readonly entries: readonly { readonly entity: string; readonly n: number }[];
}

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

/** The answer of `GET /v1/status`. */
export interface StatusAnswer extends StatusAccounts {
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

/** What can be asked. All throw TallyError for an answer other than 200, and for none. */
export interface Reads {
  counts(
    metric: string,
    entity: string,
    question?: CountsQuestion,
    options?: ReadOptions,
  ): Promise<CountsAnswer>;
  top(metric: string, question?: TopQuestion, options?: ReadOptions): Promise<TopAnswer>;
  status(options?: ReadOptions): Promise<StatusAnswer>;
}

/** Reads by HTTP. */
export function readsOf(http: Http): Reads {
  return {
    counts: async (metric, entity, { from, to, by, fill } = {}, options) => {
      const path = `/v1/counts/${namesIn(metric, entity)}`;
      return read(http, path, { from: instant(from), to: instant(to), by, fill }, options);
    },
    top: async (metric, { by, at, k } = {}, options) =>
      read(http, `/v1/top/${metricIn(metric)}`, { by, at: instant(at), k: k?.toString() }, options),
    status: async (options) => read(http, '/v1/status', {}, options),
  };
}

/** The answer is as Tally documents it: its shape is not checked here. */
async function read<Answer>(
  http: Http,
  path: string,
  parameters: Readonly<Record<string, string | undefined>>,
  { signal }: ReadOptions = {},
): Promise<Answer> {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
  const answer = await http.request({ method: 'GET', path: `${path}${search}`, signal });
  const { status, retryAfterMs } = answer;
  const body = jsonIn(answer.body);
  if (status === 200 && body !== undefined) return body as Answer;
  const said = (body as { readonly message?: unknown } | null | undefined)?.message;
  const message = typeof said === 'string' ? said : 'the answer is no JSON: is it Tally?';
  throw new TallyError(`GET ${path}: ${status} ${message}`, { status, retryAfterMs });
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

function instant(at: Date | number | string | undefined): string | undefined {
  return at instanceof Date ? at.toISOString() : at?.toString();
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
