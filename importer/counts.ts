// Asks the service for the counts of one entity, minute by minute.

import { type Backoff, retryAfterMs, waitMs } from './backoff.ts';
import { pieces, type Span } from './compare.ts';
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

/** The longest range of minutes the query API answers at once. */
const rangeSecondsMax = 31 * 86_400;

/** The entity's minutes within the span that have a count. Throws ServiceError if the service does not answer them. */
export async function minuteCounts(
  entity: string,
  span: Span,
  settings: CountsSettings,
  ports: CountsPorts,
): Promise<MinuteCounts> {
  const counts: MinuteCounts = new Map();
  for (const piece of pieces(span, rangeSecondsMax)) {
    const query = `by=minute&from=${iso(piece.from)}&to=${iso(piece.to)}`;
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

async function patiently(path: string, settings: CountsSettings, ports: CountsPorts): Promise<Answer> {
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
