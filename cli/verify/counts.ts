// Asks the service for counts and rankings, as often as it takes.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Count,
  type CountsAnswer,
  type CountsQuestion,
  type TallyClient,
  TallyError,
  type TopAnswer,
} from '../../client/src/index.ts';
import { messageOf, ServiceError } from '../errors.ts';
import { type Grain, pieces, type Span, startOf } from './compare.ts';
import type { MinuteCounts } from './truth.ts';

const ATTEMPTS_MAX = 10;
/** The longest range that the query API answers at once, in whole days. */
const RANGE_SECONDS_MAX = { minute: 31 * 86_400, hour: 1_000 * 86_400, day: Infinity, month: Infinity };

/** The entity's counts within the span; of all time for the total. Throws ServiceError if the service does not answer them. */
export async function countsOf(
  client: TallyClient,
  metric: string,
  entity: string,
  span: Span,
  by: Grain,
): Promise<MinuteCounts> {
  const counts: MinuteCounts = new Map();
  if (by === 'total') {
    const { total } = await patiently(() => ask(client, metric, entity, { by }));
    return Number(total) === 0 ? counts : counts.set(0, exact(total));
  }
  // Pieces that begin with a day, so that none cuts an hour in two; days and months are asked for all at once.
  const whole =
    by === 'minute' ? span : { from: startOf(by === 'hour' ? 'day' : by, span.from), to: span.to };
  for (const piece of pieces(whole, RANGE_SECONDS_MAX[by])) {
    const range = { by, from: new Date(piece.from * 1000), to: new Date(piece.to * 1000) } as const;
    const { points } = await patiently(() => ask(client, metric, entity, range));
    for (const { at, n } of points) {
      const minute = Date.parse(at) / 1000;
      // Whether the end of a range belongs to it is for the API to say: what is beyond the piece is left out.
      if (minute >= piece.from && minute < piece.to && Number(n) !== 0) counts.set(minute, exact(n));
    }
  }
  return counts;
}

async function ask(
  client: TallyClient,
  metric: string,
  entity: string,
  question: CountsQuestion,
): Promise<CountsAnswer> {
  // A path cannot hold these two: fetch takes them for steps in it.
  if (entity !== '.' && entity !== '..') return client.counts(metric, entity, question);
  const [answer] = await client.countsBatch([{ metric, entity, ...question }]);
  if (answer === undefined || 'error' in answer) throw new ServiceError(answer?.error ?? 'no answer');
  return answer;
}

/** The first `k` of a period. */
export function topOf(
  client: TallyClient,
  metric: string,
  by: 'hour' | 'day' | 'month',
  atMs: number,
  k: number,
): Promise<TopAnswer> {
  return patiently(() => client.top(metric, { by, at: atMs, k }));
}

function exact(n: Count): number {
  if (typeof n === 'bigint') throw new ServiceError(`the count ${n} is too large to compare`);
  return n;
}

async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const status = error instanceof TallyError ? error.status : 400;
      const passing = status === undefined || status === 429 || status >= 500;
      if (!passing || attempt >= ATTEMPTS_MAX) throw new ServiceError(messageOf(error), { cause: error });
      await delay(Math.min(5_000, 200 * 2 ** attempt));
    }
  }
}
