// Reads counts from the service, with retries.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Count,
  type CountsAnswer,
  type CountsBatchQuestion,
  type TallyClient,
  TallyError,
} from '../../client/src/index.ts';
import { CommandError, messageOf } from '../shared/errors.ts';
import { type Grain, startOf } from './compare.ts';
import type { MinuteCounts } from './truth.ts';

const ATTEMPTS_MAX = 10;
/** The longest range for one query, in whole days. */
const RANGE_SECONDS_MAX = { minute: 31 * 86_400, hour: 1_000 * 86_400, day: Infinity, month: Infinity };

/** Which counts, from when to before when (epoch seconds); of all time for the total. */
export interface Asked {
  readonly metric: string;
  readonly by: Grain;
  readonly from: number;
  readonly to: number;
}

/** The counts of an entity. Throws CommandError if the service does not return them. */
export async function countsOf(
  client: TallyClient,
  entity: string,
  { metric, by, from, to }: Asked,
): Promise<MinuteCounts> {
  const counts: MinuteCounts = new Map();
  if (by === 'total') {
    const { total } = await patiently(() => ask(client, { metric, entity, by }));
    return Number(total) === 0 ? counts : counts.set(0, exact(total));
  }
  // Pieces begin with a day, so that none splits an hour; days and months are queried at once.
  const step = RANGE_SECONDS_MAX[by];
  for (let start = startOf(by === 'hour' ? 'day' : by, from); start < to; start += step) {
    const end = Math.min(start + step, to);
    const range = { from: new Date(start * 1000), to: new Date(end * 1000) };
    const { points } = await patiently(() => ask(client, { metric, entity, by, ...range }));
    for (const { at, n } of points) {
      const minute = Date.parse(at) / 1000;
      // The API decides whether a range includes its end: drop what is outside the piece.
      if (minute >= start && minute < end && Number(n) !== 0) counts.set(minute, exact(n));
    }
  }
  return counts;
}

async function ask(client: TallyClient, asked: CountsBatchQuestion): Promise<CountsAnswer> {
  const { metric, entity, ...question } = asked;
  // A path cannot contain these two: fetch treats them as relative steps.
  if (entity !== '.' && entity !== '..') return client.counts(metric, entity, question);
  const [answer] = await client.countsBatch([asked]);
  if (answer === undefined || 'error' in answer) throw new CommandError(answer?.error ?? 'no answer');
  return answer;
}

function exact(n: Count): number {
  if (typeof n === 'bigint') throw new CommandError(`the count ${n} is too large to compare`);
  return n;
}

/** Asks until there is an answer. Throws CommandError if there will be none. */
export async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      const status = error instanceof TallyError ? error.status : 400;
      const passing = status === undefined || status === 408 || status === 429 || status >= 500;
      if (!passing || attempt >= ATTEMPTS_MAX) throw new CommandError(messageOf(error), { cause: error });
      await delay(Math.min(5_000, 200 * 2 ** attempt));
    }
  }
}
