// Reads counts and rankings from the service, with retries.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Count,
  type CountsAnswer,
  type CountsQuestion,
  type TallyClient,
  TallyError,
  type TopAnswer,
} from '../../client/src/index.ts';
import { messageOf, ServiceError } from '../shared/errors.ts';
import { type Grain, pieces, type Span, startOf } from './compare.ts';
import type { MinuteCounts } from './truth.ts';

const ATTEMPTS_MAX = 10;
/** The longest range for one query, in whole days. */
const RANGE_SECONDS_MAX = { minute: 31 * 86_400, hour: 1_000 * 86_400, day: Infinity, month: Infinity };

/** The entity's counts within the range; of all time for the total. Throws ServiceError if the service does not return them. */
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
  // Pieces begin with a day, so that none splits an hour; days and months are queried at once.
  const whole =
    by === 'minute' ? span : { from: startOf(by === 'hour' ? 'day' : by, span.from), to: span.to };
  for (const piece of pieces(whole, RANGE_SECONDS_MAX[by])) {
    const range = { by, from: new Date(piece.from * 1000), to: new Date(piece.to * 1000) } as const;
    const { points } = await patiently(() => ask(client, metric, entity, range));
    for (const { at, n } of points) {
      const minute = Date.parse(at) / 1000;
      // The API decides whether a range includes its end: drop what is outside the piece.
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
  // A path cannot contain these two: fetch treats them as relative steps.
  if (entity !== '.' && entity !== '..') return client.counts(metric, entity, question);
  const [answer] = await client.countsBatch([{ metric, entity, ...question }]);
  if (answer === undefined || 'error' in answer) throw new ServiceError(answer?.error ?? 'no answer');
  return answer;
}

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
