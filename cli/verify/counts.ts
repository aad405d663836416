// Reads counts from the service, with retries.
import { setTimeout as delay } from 'node:timers/promises';
import {
  type Count,
  type CountsAnswer,
  type CountsBatchAnswer,
  type CountsBatchQuestion,
  type TallyClient,
  TallyError,
} from '../../client/src/index.ts';
import { QUERIES_MAX } from '../../lambdas/query/count-batch.ts';
import { POINTS_MAX } from '../../lambdas/query/count-query.ts';
import { CommandError, messageOf } from '../shared/errors.ts';
import { type Grain, startOf } from './compare.ts';
import type { MinuteCounts } from './truth.ts';

const ATTEMPTS_MAX = 10;
const DAY_SECONDS = 86_400;
/** The longest range of one question, and the shortest time of a point; seconds. */
const LIMITS = {
  minute: { range: 31 * DAY_SECONDS, point: 60 },
  hour: { range: 1_000 * DAY_SECONDS, point: 3_600 },
  day: { range: Infinity, point: DAY_SECONDS },
  month: { range: Infinity, point: 28 * DAY_SECONDS },
} as const;

/** Which counts, from when to before when (epoch seconds); of all time for the total. */
export interface Asked {
  readonly metric: string;
  readonly by: Grain;
  readonly from: number;
  readonly to: number;
}

/** How many entities can be asked about at once, so that no answer has a second page. */
export function entitiesAtOnce({ by, from, to }: Asked): number {
  if (by === 'total') return QUERIES_MAX;
  const { range, point } = LIMITS[by];
  const points = Math.ceil(Math.min(range, to - firstOf(by, from)) / point);
  return Math.min(QUERIES_MAX, Math.max(1, Math.floor(POINTS_MAX / points)));
}

/** The counts of some entities (at most `entitiesAtOnce`). Throws CommandError if the service does not return them. */
export async function countsOf(
  client: TallyClient,
  entities: readonly string[],
  { metric, by, from, to }: Asked,
): Promise<Map<string, MinuteCounts>> {
  const counts = new Map(entities.map((entity): [string, MinuteCounts] => [entity, new Map()]));
  if (counts.size === 0) return counts;
  const ask = async (range: Pick<CountsBatchQuestion, 'from' | 'to'>) => {
    const questions = entities.map((entity) => ({ metric, entity, by, ...range }));
    const answers = await patiently(() => client.countsBatch(questions));
    return [...counts.values()].map((known, place) => ({ known, ...answered(answers[place]) }));
  };
  if (by === 'total') {
    for (const { known, total } of await ask({})) if (Number(total) !== 0) known.set(0, exact(total));
    return counts;
  }
  const step = LIMITS[by].range;
  for (let start = firstOf(by, from); start < to; start += step) {
    const end = Math.min(start + step, to);
    for (const { known, points } of await ask({ from: new Date(start * 1000), to: new Date(end * 1000) })) {
      for (const { at, n } of points) {
        const minute = Date.parse(at) / 1000;
        // The API decides whether a range includes its end: drop what is outside the piece.
        if (minute >= start && minute < end && Number(n) !== 0) known.set(minute, exact(n));
      }
    }
  }
  return counts;
}

/** Where the first range begins: with a day for hours, so that none is split; epoch seconds. */
function firstOf(by: Grain, from: number): number {
  return startOf(by === 'hour' ? 'day' : by, from);
}

function answered(answer: CountsBatchAnswer | undefined): CountsAnswer {
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
