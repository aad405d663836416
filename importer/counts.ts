// Asks the service for the counts of one entity, in any grain.

import { type Backoff, retryAfterMs, waitMs } from './backoff.ts';
import { type Grain, pieces, type Span, startOf } from './compare.ts';
import { ServiceError } from './errors.ts';
import { type Answer, type HttpClient, RequestFailed } from './http-client.ts';
import type { MinuteCounts } from './truth.ts';

export interface CountsPorts {
  readonly client: HttpClient;
  now(): number;
  random(): number;
  sleep(ms: number): Promise<void>;
}

export interface CountsSettings {
  readonly metric: string;
  readonly backoff: Backoff;
  /** How often a request is tried before giving up. */
  readonly attemptsMax: number;
}

/** The longest range that the query API answers at once, in whole days. */
const rangeSecondsMax = { minute: 31 * 86_400, hour: 1_000 * 86_400, day: Infinity, month: Infinity };

/** The entity's counts within the span; of all time for the total. Throws ServiceError if the service does not answer them. */
export async function countsOf(
  entity: string,
  span: Span,
  by: Grain,
  settings: CountsSettings,
  ports: CountsPorts,
): Promise<MinuteCounts> {
  const counts: MinuteCounts = new Map();
  if (by === 'total') {
    const path = `/v1/counts/${settings.metric}/${encodeURIComponent(entity)}?by=total`;
    const total = totalOf(await patiently(path, settings, ports));
    return total === 0 ? counts : counts.set(0, total);
  }
  // Pieces that begin with a day, so that none cuts an hour in two; days and months are asked for all at once.
  const whole =
    by === 'minute' ? span : { from: startOf(by === 'hour' ? 'day' : by, span.from), to: span.to };
  for (const piece of pieces(whole, rangeSecondsMax[by])) {
    const query = `by=${by}&from=${iso(piece.from)}&to=${iso(piece.to)}`;
    const path = `/v1/counts/${settings.metric}/${encodeURIComponent(entity)}?${query}`;
    for (const [minute, n] of pointsOf(await patiently(path, settings, ports))) {
      // Whether the end of a range belongs to it is not for us to know: what is beyond the piece is left out.
      if (minute >= piece.from && minute < piece.to && n !== 0) counts.set(minute, n);
    }
  }
  return counts;
}

function iso(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
}

/** The answer to a GET, after as many attempts as it takes. Throws ServiceError if it is not 200 in the end. */
export async function patiently(path: string, settings: CountsSettings, ports: CountsPorts): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    let answer: Answer | undefined;
    let reason: string;
    try {
      answer = await ports.client.get(path);
      if (answer.status === 200) return answer;
      reason = `${answer.status} ${answer.body.slice(0, 300)}`;
    } catch (error) {
      if (!(error instanceof RequestFailed)) throw error;
      reason = error.message;
    }
    const passing = answer === undefined || answer.status === 429 || answer.status >= 500;
    if (!passing || attempt >= settings.attemptsMax) throw new ServiceError(`GET ${path}: ${reason}`);
    const asked = retryAfterMs(answer?.retryAfter, ports.now());
    await ports.sleep(waitMs(settings.backoff, attempt, ports.random(), asked));
  }
}

/** The total of an answer. Throws ServiceError if it has none. */
function totalOf({ body }: Answer): number {
  const total = (JSON.parse(body) as { total?: unknown } | null)?.total;
  if (typeof total !== 'number') throw new ServiceError('the answer to a query has no total: is it Tally?');
  return total;
}

/** Points of an answer as (epoch seconds, n). Throws ServiceError if it has another shape. */
function* pointsOf(answer: Answer): Generator<readonly [number, number]> {
  let body: unknown;
  try {
    body = JSON.parse(answer.body);
  } catch (error) {
    throw new ServiceError('the answer to a query is no JSON: is it Tally?', { cause: error });
  }
  const points = typeof body === 'object' && body !== null && 'points' in body ? body.points : undefined;
  if (!Array.isArray(points)) throw new ServiceError('the answer to a query has no points: is it Tally?');
  for (const point of points as readonly unknown[]) {
    const { at, n } = (point ?? {}) as { at?: unknown; n?: unknown };
    const seconds = typeof at === 'string' ? Date.parse(at) / 1000 : Number.NaN;
    if (!Number.isInteger(seconds) || typeof n !== 'number') {
      throw new ServiceError(`a point of an answer is not {at, n}: ${JSON.stringify(point)}`);
    }
    yield [seconds, n];
  }
}
